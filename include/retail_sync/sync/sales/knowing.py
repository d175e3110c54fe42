"""What the ledger keeps of in-store sales, and reads back.

The link of a sale that was taken says what it became. The mirror holds every sale that was or may be taken, under its
customer as parent, and its document only as long as something may still have to be done with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Link, MirrorRow
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.refs import RecordRef
from retail_sync.records.sales import ENTITY, KIND, Sale
from retail_sync.records.types import digest
from retail_sync.sync.customers.ruling import forgotten_of
from retail_sync.sync.sales.documents import content_of
from retail_sync.sync.sales.feeds import SALES
from retail_sync.sync.sales.plan import Known

NUMBER = "number"
"""The identity cell with the number of a sale's order: what it was when the sale was first seen, so that a later change
of the invoice number or the prefix makes no second order."""
DOCUMENT = "document"
OPEN = "open"
"""The field that says whether a row has its document."""


def known_of(link: Link) -> Known:
    return Known.model_validate(link.base)


def links_of(ledger: Ledger, sales: Collection[str]) -> dict[str, Link]:
    """Links of these sales, by the sale's id."""
    if not sales:
        return {}
    found = ledger.links.read(ENTITY, KIND, lightspeed_ids=sales)
    return {link.lightspeed_id: link for link in found}


def rows_of(ledger: Ledger, sales: Collection[str]) -> dict[str, MirrorRow]:
    """What the mirror holds of these sales, by id."""
    if not sales:
        return {}
    return {row.id: row for row in ledger.mirror.read(ENTITY, KIND, SALES, ids=sales)}


def sale_row(sale: Sale, number: str, *, whole: bool) -> MirrorRow:
    """A sale as the mirror keeps it; `whole`: with its document."""
    return MirrorRow(
        id=sale.id,
        parent_id=sale.customer_id,
        version=sale.version,
        modified_at=sale.modified_at,
        deleted_at=sale.deleted_at,
        label=sale.label,
        digest=digest({"content": content_of(sale, "entries")}),
        fields={"state": sale.state, "total": str(sale.total), "tax": str(sale.tax), OPEN: whole},
        carry={DOCUMENT: sale.model_dump(mode="json")} if whole else None,
        identity={NUMBER: number},
    )


def kept_sale(row: MirrorRow) -> Sale | None:
    """The sale as it was last seen, where its document is kept."""
    return Sale.model_validate(row.carry[DOCUMENT]) if row.carry else None


def number_of(row: MirrorRow) -> str:
    return str(row.identity[NUMBER])


def stripped(row: MirrorRow) -> MirrorRow:
    """The row without the document."""
    return replace(row, fields={**row.fields, OPEN: False}, carry=None)


def erased(row: MirrorRow) -> MirrorRow:
    """The row of somebody who was forgotten: that there was a sale, and nothing of it."""
    return replace(row, parent_id=None, label=None, fields={}, carry=None, digest=digest({}))


def partners_of(ledger: Ledger, customers: Collection[str]) -> dict[str, str]:
    """The account online of each of these customers of the till that has one."""
    if not customers:
        return {}
    found = ledger.links.read(CUSTOMERS, CUSTOMER, lightspeed_ids=customers)
    return {link.lightspeed_id: link.commercetools_id for link in found}


def forgotten_customers(ledger: Ledger) -> frozenset[str]:
    """Ids of the till's customers who were erased and are not to be taken again."""
    subjects = (RecordRef.parse(one) for one in forgotten_of(ledger.decisions.latest(CUSTOMERS)))
    return frozenset(one.id for one in subjects if one.system == SALES)


def sales_of_customers(ledger: Ledger, customers: Iterable[str]) -> dict[str, set[str]]:
    """Ids by system of all that is kept of these customers' sales, as `retail_sync.ledger.erasing.erase` takes them."""
    mine = set(ledger.mirror.parents(ENTITY, KIND, SALES, parents=list(customers)))
    links = links_of(ledger, mine)
    return {"commercetools": {one.commercetools_id for one in links.values()}, SALES: mine}


def base_of(known: Known) -> Mapping[str, Any]:
    return known.model_dump(mode="json")
