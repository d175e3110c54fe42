"""What is kept of a sale: ids, amounts and states. Everything else stops where it is read.

Rows come in two shapes, nested (date versions) and flat (2.0); of each the members that are needed are named here, so
that a member nobody thought of is never kept. Notes are free text, in which an assistant may name anybody: they stay
behind, except where a sale of ours is read to be written anew, which would delete what is not sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.paging import Row
from retail_sync.lightspeed.x_series.api.privacy import without_private
from retail_sync.records.ports.products import other, system_named

OURS = other(system_named(SYSTEM))
"""What a sale that stands for a web order names as its source."""

Tree = Mapping[str, Any]
"""Members that are kept; of an object, or a list of objects, again a tree, else None."""


def _scalars(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


_LINE: Tree = {
    **_scalars("id", "quantity", "status", "sequence", "product_id", "price", "discount", "tax_id"),
    "product": _scalars("id"),
    "pricing": _scalars("price", "discount"),
    "tax": _scalars("id", "amount"),
    "_metadata": _scalars("sequence"),
}
_PAYMENT: Tree = {
    **_scalars("id", "amount", "date", "payment_date", "deleted_at", "name", "retailer_payment_type_id"),
    "type": _scalars("name", "config_id"),
}
_SALE: Tree = {
    **_scalars("id", "version", "date", "sale_date", "updated_at", "deleted_at", "state", "attributes"),
    **_scalars("outlet_id", "register_id", "customer_id", "invoice_number", "source_id", "return_for"),
    **_scalars("total_price", "total_tax", "total_loyalty"),
    "source": _scalars("id", "type", "outlet_id", "register_id"),
    "totals": _scalars("price_incl_tax", "tax", "loyalty"),
    "return": _scalars("original_sale_id", "return_sale_ids"),
    "_metadata": _scalars("version"),
    "line_items": _LINE,
    "payments": _PAYMENT,
}
_NOTED: Tree = {**_SALE, "note": None, "line_items": {**_LINE, "note": None}}


def trimmed(row: Mapping[str, Any], private: Iterable[tuple[str, ...]] = (), *, noted: bool = False) -> Row:
    """The row without all that is not needed, and without the fields at the paths `private`. Its version, which date
    versions put into `_metadata`, is at the top. `noted`: with notes, if it is a sale that stands for a web order;
    such a row may not be kept anywhere."""
    kept: Row = _cut(row, _NOTED if noted and source_of(row) == OURS else _SALE)
    metadata = kept.pop("_metadata", None)
    if isinstance(metadata, Mapping) and metadata.get("version") is not None:
        kept["version"] = metadata["version"]
    return without_private(kept, private)


def source_of(row: Mapping[str, Any]) -> Any:
    """The system a sale came from, as its row names it."""
    source = row.get("source")
    return source.get("type") if isinstance(source, Mapping) else source


def _cut(value: Any, tree: Tree | None) -> Any:
    """A scalar where a tree is expected is the flat shape of the same thing; an object where none is expected is
    nothing we know."""
    if isinstance(value, list):
        return [_cut(item, tree) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _cut(value[name], below) for name, below in (tree or {}).items() if name in value}
