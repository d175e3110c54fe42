"""From the changes of a unit to the one write that carries them out, with the target as the mirror shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeRow, MirrorRow
from retail_sync.records.ports.products import ProductWrite, VariantWrite
from retail_sync.records.products import Kind, column_of
from retail_sync.records.refs import WriteUnit
from retail_sync.records.types import same
from retail_sync.sync.products.mirror import ENTITY

Rows = dict[Kind, list[MirrorRow]]


@dataclass
class Targets:
    """Target products as the mirror shows them. Many may be read ahead; what was read ahead is given out once, so that
    a second look always sees what happened in between."""

    ledger: Ledger
    system: str
    _ahead: dict[str, Rows] = field(default_factory=dict)

    def read_ahead(self, products: Sequence[str]) -> None:
        self._ahead = {product: {"product": [], "variant": []} for product in products}
        if not products:
            return
        for row in self.ledger.mirror.read(ENTITY, "product", self.system, ids=products):
            self._ahead[row.id]["product"].append(row)
        for row in self.ledger.mirror.read(ENTITY, "variant", self.system, parents=products):
            self._ahead[str(row.parent_id)]["variant"].append(row)

    def rows_of(self, product: str | None) -> Rows:
        if product is None:
            return {"product": [], "variant": []}
        return self._ahead.pop(product, None) or {
            "product": self.ledger.mirror.read(ENTITY, "product", self.system, ids=[product]),
            "variant": self.ledger.mirror.read(ENTITY, "variant", self.system, parents=[product]),
        }


def target_product(change: ChangeRow) -> str | None:
    """The product a change writes to; None while it is to be created."""
    unit = WriteUnit.parse(change.unit)
    return None if unit.creates else unit.key


def write_of(changes: Sequence[ChangeRow], targets: Targets) -> ProductWrite | None:
    """The write of these changes, or None where the mirror shows that the target is no longer what they saw."""
    target = target_product(changes[0])
    side = targets.rows_of(target)
    rows: dict[tuple[str, str], MirrorRow] = {(k, row.id): row for k, found in side.items() for row in found}
    if target is not None and _outdated(changes, rows):
        return None
    product = next((c for c in changes if c.kind == "product"), None)
    standing = rows.get(("product", target or ""))
    variants = [
        VariantWrite(
            change_id=change.id,
            action="create" if change.action == "create" else "update",
            target_id=change.target_id,
            fields=change.after,
            current=_fields(rows.get(("variant", change.target_id or ""))),
            carry=_carry(rows.get(("variant", change.target_id or ""))),
        )
        for change in changes
        if change.kind == "variant"
    ]
    return ProductWrite(
        action="update" if target else "create",
        idempotency_key=changes[0].idempotency_key or changes[0].unit,
        change_id=product.id if product else None,
        target_id=target,
        seen_version=standing.version if standing else None,
        fields=product.after if product else {},
        current=_fields(standing),
        carry=_carry(standing),
        variants=variants,
        members=[row.id for row in side["variant"] if row.deleted_at is None],
    )


def _outdated(changes: Sequence[ChangeRow], rows: Mapping[tuple[str, str], MirrorRow]) -> bool:
    """Whether a field that is about to be written shows another value by now than the plan saw."""
    for change in changes:
        row = rows.get((change.kind, change.target_id or ""))
        if change.action == "create" or row is None:
            continue
        if row.deleted_at is not None:
            return True
        kind: Kind = "product" if change.kind == "product" else "variant"
        if any(
            not same(column_of(kind, name), row.fields.get(name), value)
            for name, value in change.before.items()
        ):
            return True
    return False


def _fields(row: MirrorRow | None) -> Mapping[str, Any]:
    return row.fields if row else {}


def _carry(row: MirrorRow | None) -> Mapping[str, Any]:
    return (row.carry or {}) if row else {}
