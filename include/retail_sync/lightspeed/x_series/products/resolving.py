"""Names a write wants -> ids the till knows; brands, tags, suppliers, categories and options that are missing are
created."""

from __future__ import annotations

from collections.abc import Mapping

from retail_sync.lightspeed.x_series.api.references import LookupKind, Lookups
from retail_sync.lightspeed.x_series.products.requests_2026_07 import (
    Drop,
    ResolvedIds,
    option_names,
    wanted_option_names,
)
from retail_sync.records.errors import RecordRejected
from retail_sync.records.ports.products import ProductWrite


async def resolve(write: ProductWrite, lookups: Lookups, drop: Drop) -> ResolvedIds:
    """The ids. A category that can't take products is dropped; too many options raise RecordRejected before any
    variant attribute is created."""
    option_names(write)
    context = {"change": _owner_of_product_fields(write)}

    async def one(field: str, kind: LookupKind) -> str | None:
        name = write.fields.get(field)
        if not name:
            return None if name is None else ""
        try:
            return (await lookups.ensure(kind, str(name), context=context)).id
        except RecordRejected as problem:
            if problem.code != "category_not_leaf":
                raise
            drop(context["change"], field, problem.message)
            return None

    tags = write.fields.get("tags")
    tag_ids = None
    if tags is not None:
        tag_ids = tuple([(await lookups.ensure("tag", str(tag), context=context)).id for tag in tags])
    return ResolvedIds(
        brand=await one("brand", "brand"),
        category=await one("category", "category"),
        supplier=await one("supplier", "supplier"),
        tags=tag_ids,
        attributes=await _attributes(write, lookups, context),
    )


async def _attributes(write: ProductWrite, lookups: Lookups, context: Mapping[str, str]) -> dict[str, str]:
    """Option name -> variant attribute id; ids the adapter's own read carried need no look-up."""
    known = {str(o["name"]): str(o["id"]) for o in write.carry.get("options") or [] if o.get("id")}
    return {
        name: known.get(name) or (await lookups.ensure("variant attribute", name, context=context)).id
        for name in wanted_option_names(write)
    }


def _owner_of_product_fields(write: ProductWrite) -> str:
    """The change that product fields are accounted to."""
    return write.change_id or (write.variants[0].change_id if write.variants else write.idempotency_key)
