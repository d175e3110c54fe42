"""What is known of an order, and what is to be done about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from retail_sync.records.orders import Order, OrderLine
from retail_sync.records.ports.products import SystemName
from retail_sync.records.sales import Sale, SaleTerms
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.findings import Remark

NAMESPACE = UUID("5b0d6f0e-6a0c-5d43-9a3e-0d7f6f1f8b11")
"""Of the ids of sales: the same order always gives the same ids, wherever and whenever it is planned."""

Action = Literal["sell", "mark", "pay", "void", "return", "refund", "correct", "state"]
"""`sell`: write the sale of an order, or of the part one location serves. `mark`: tell the order what it became.
`pay`: settle a sale on account or a parked one. `void`: take a sale back as if it never was. `return`: goods and
money go back. `refund`: money goes back alone. `correct`: put the article in a stand-in's place. `state`: give the
order the state its sale came to."""


SOURCE = "commercetools"
"""What a sale that stands for a web order names as its source."""


def sale_id(order_id: str, what: str = "") -> str:
    """The id of a sale: of the order itself, or of `what` (a location, `return/<id>`, `refund/<id>`)."""
    return str(uuid5(NAMESPACE, f"{order_id}/{what}" if what else order_id))


@dataclasses.dataclass(frozen=True)
class Sold:
    """A sale that was written for an order. `sale`: as it was written, with `order_line` of each line. `now`: as it
    was last read from the till; None: not read since."""

    sale: Sale
    location: str
    now: Sale | None = None


@dataclasses.dataclass(frozen=True)
class Known:
    """What the ledger knows of an order. `returned`: by id of the return item, of the refund (a transaction), or
    `cancelled`, the id of the sale that wrote it. `returns`: those sales, as written. `fingerprint`: of what was
    exported (see `fingerprint_of`)."""

    sales: tuple[Sold, ...] = ()
    returned: Mapping[str, str] = dataclasses.field(default_factory=dict)
    returns: tuple[Sale, ...] = ()
    fingerprint: str | None = None
    marked: bool = False


@dataclasses.dataclass(frozen=True)
class World:
    """What holds for every order of a run. `articles`: the till's id by SKU; `variants`: the same by id of the variant.
    `customers`: the till's id by id of the account. `bearers`: the till's id by token of an e-mail address, where
    exactly one linked customer bears it.
    """

    settings: SyncSettings
    terms: SaleTerms
    now: datetime
    articles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    variants: Mapping[str, str] = dataclasses.field(default_factory=dict)
    customers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    bearers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def article_of(self, line: OrderLine) -> str | None:
        """The till's id of what a line of goods sells: by the ids of its variant, which stay, before its SKU, which may
        be another one's by now. None: it is not known."""
        known = self.variants.get(line.variant or "")
        return known or (self.articles.get(line.sku) if line.sku else None)


@dataclasses.dataclass(frozen=True)
class Step:
    """One write. `key`: the id of the sale it makes or concerns, or the order's; (action, key) is unique within an
    order and the same whenever it is planned. `sale`: the whole sale that is to be there afterwards (sell, pay, void,
    correct, return, refund). `covers`: ids of return items and refunds it settles. `external_id`, `state`,
    `shipment_state`: for `mark` and `state`. `original`: of a return, the id of the sale the goods came from (None:
    it is written as a sale of its own)."""

    action: Action
    system: SystemName
    key: str
    reason: str
    sale: Sale | None = None
    location: str = ""
    covers: tuple[str, ...] = ()
    external_id: str | None = None
    state: str | None = None
    shipment_state: str | None = None
    original: str | None = None


class Held(Exception):
    """The order is kept back: raised inside planning, never outside of it."""

    def __init__(self, finding: Remark) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclasses.dataclass(frozen=True)
class OrderPlan:
    """What is to be done about one order: steps in their order; or nothing, and why (`ignored`: it is none of ours;
    `findings` that hold it; else it is as it should be)."""

    order: Order
    steps: tuple[Step, ...] = ()
    findings: tuple[Remark, ...] = ()
    ignored: str = ""

    @property
    def held(self) -> bool:
        return any(one.severity in ("hold", "block") for one in self.findings)
