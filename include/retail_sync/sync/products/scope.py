"""What a plan of products is made from: both sides and the links, as far as they bear on the records it looks at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Link
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.records.products import Kind, ProductTables
from retail_sync.sync.engine.closure import Records, bearers, closure, joined, records
from retail_sync.sync.products.mirror import ENTITY, KINDS, PRODUCT_KEYS, VARIANT_KEYS, load_side
from retail_sync.sync.products.plan import LinkRef

Affected = Mapping[str, Mapping[Kind, Collection[str]]]


@dataclass(frozen=True)
class Scope:
    """Both sides and today's links: of everything, or of what some records depend on (`ledger`: where the rest can be
    counted)."""

    sides: dict[str, ProductTables]
    links: dict[Kind, list[LinkRef]]
    ledger: Ledger | None = None

    def linked_elsewhere(self, system: str) -> int:
        """How many variants of a system that are there are linked, besides those whose links are here."""
        if self.ledger is None:
            return 0
        variants = self.sides[system].variants
        here = set(variants.loc[variants["deleted_at"].isna(), "id"])
        known = sum(link.side(system) in here for link in self.links["variant"])
        return self.ledger.mirror.count_linked(ENTITY, "variant", system) - known


def load_all(ledger: Ledger) -> Scope:
    """Everything: what a full run looks at."""
    links = _refs(ledger.links.read(ENTITY, "product"), ledger.links.read(ENTITY, "variant"))
    return Scope({system: load_side(ledger, system) for system in SYSTEMS}, links)


def load_scope(ledger: Ledger, affected: Affected) -> Scope:
    """Whole products: those of the records looked at, of whoever is or might be the same, and of whoever bears a name
    or a code that only one may bear in a system."""
    looked_at = records({system: affected[system]["product"] for system in affected})
    variants = joined(
        {system: affected[system]["variant"] for system in affected}, _variants_of(ledger, looked_at)
    )
    related = variants
    core = _with_partners(ledger, joined(looked_at, _products_of(ledger, related)))
    named = bearers(ledger, ENTITY, "product", core, PRODUCT_KEYS)
    # Of these every variant counts: whether its product is sold, is taken, or lives on elsewhere.
    counting = joined(related, _variants_of(ledger, named), _once_under(ledger, core))
    known = closure(ledger, ENTITY, "variant", counting, VARIANT_KEYS)
    products = _with_partners(ledger, joined(named, _products_of(ledger, known)))
    sides: dict[str, ProductTables] = {
        system: load_side(ledger, system, products[system], known[system]) for system in SYSTEMS
    }
    return Scope(sides, links_between(ledger, sides), ledger)


def _variants_of(ledger: Ledger, products: Records) -> Records:
    return records(
        {
            system: ledger.mirror.parents(ENTITY, "variant", system, parents=ids)
            for system, ids in products.items()
        }
    )


def _products_of(ledger: Ledger, variants: Records) -> Records:
    return records(
        {
            system: {
                parent
                for parent in ledger.mirror.parents(ENTITY, "variant", system, ids=ids).values()
                if parent is not None
            }
            for system, ids in variants.items()
        }
    )


def _with_partners(ledger: Ledger, products: Records) -> Records:
    return joined(products, ledger.links.partners(ENTITY, "product", products))


def _once_under(ledger: Ledger, products: Records) -> Records:
    """Variants that were linked as those of these products, wherever they are by now."""
    of_products = ledger.links.read(
        ENTITY,
        "product",
        commercetools_ids=products["commercetools"],
        lightspeed_ids=products["lightspeed"],
    )
    links = ledger.links.read(ENTITY, "variant", parents=[link.id for link in of_products])
    return records(
        {
            "commercetools": {link.commercetools_id for link in links},
            "lightspeed": {link.lightspeed_id for link in links},
        }
    )


def links_between(ledger: Ledger, sides: Mapping[str, ProductTables]) -> dict[Kind, list[LinkRef]]:
    """Today's links of these records, and of the products that their variants are linked under."""
    ids: dict[Kind, dict[str, Any]] = {
        kind: {f"{system}_ids": [str(i) for i in sides[system].of(kind)["id"]] for system in SYSTEMS}
        for kind in KINDS
    }
    variants = ledger.links.read(ENTITY, "variant", **ids["variant"])
    parents = [row.parent_id for row in variants if row.parent_id]
    return _refs(ledger.links.read(ENTITY, "product", ids=parents, **ids["product"]), variants)


def _refs(products: list[Link], variants: list[Link]) -> dict[Kind, list[LinkRef]]:
    by_id = {row.id: (row.commercetools_id, row.lightspeed_id) for row in products}
    return {
        "product": [_ref("product", row, None) for row in products],
        "variant": [_ref("variant", row, by_id.get(row.parent_id or "")) for row in variants],
    }


def _ref(kind: Kind, row: Link, parent: tuple[str, str] | None) -> LinkRef:
    return LinkRef(
        kind, row.commercetools_id, row.lightspeed_id, row.id, row.matched_by, row.base, row.resent, parent
    )
