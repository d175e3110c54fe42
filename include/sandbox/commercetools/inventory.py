"""Stock: one entry per SKU and supply channel, the one without a channel being a slot of its own.

`quantityOnStock` is available plus reserved. Reservations are kept as the difference of the two figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import key_of, queryable
from sandbox.commercetools.errors import ApiError, Json, duplicate_field, invalid_field
from sandbox.commercetools.prices import channel_with_role, set_moment, set_text
from sandbox.commercetools.shapes import Shape, as_stored_moment, copied, without_none
from sandbox.commercetools.state import Action, Context, Kind, Project
from sandbox.commercetools.writing import replace

_LIMITS = {"minCartQuantity": shapes.integer, "maxCartQuantity": shapes.integer}

_DRAFT = Shape(
    {"sku": shapes.text, "quantityOnStock": shapes.integer},
    {
        "key": shapes.key,
        "supplyChannel": shapes.reference,
        "restockableInDays": shapes.integer,
        "expectedDelivery": shapes.moment,
        "reservationExpirationInMinutes": shapes.integer,
        "stockLevels": shapes.mapping,
        "custom": shapes.mapping,
        **_LIMITS,
    },
)


def _check_settable(context: Context, field: str, quantity: int) -> None:
    if quantity < 0 and not context.project.platform.sets_below_zero:
        raise invalid_field(field, quantity, f"The field {field} must not be negative.")


def _supply_channel(context: Context, given: Json) -> Json:
    return channel_with_role(context, given, "InventorySupply")


def _build(context: Context, draft: Json) -> Json:
    _check_settable(context, "quantityOnStock", draft["quantityOnStock"])
    entry = {**draft, "availableQuantity": draft["quantityOnStock"]}
    if "supplyChannel" in draft:
        entry["supplyChannel"] = _supply_channel(context, draft["supplyChannel"])
    if "expectedDelivery" in draft:
        entry["expectedDelivery"] = as_stored_moment(draft["expectedDelivery"])
    if "custom" in draft:
        entry["custom"] = context.project.resolved(context, draft["custom"])
    return entry


def _unique(entry: Json) -> list[tuple[str, Any]]:
    slot = (entry["sku"], entry.get("supplyChannel", {}).get("id"))
    return [*key_of(entry), ("slot", slot)]


def _conflict(entry: Json, name: str, value: Any) -> ApiError:
    # The API reports the channel when the slot has one and the SKU otherwise (inferred).
    if name == "key":
        return duplicate_field("key", value)
    return duplicate_field("supplyChannel" if "supplyChannel" in entry else "sku", value[1] or value[0])


def _moves(by: Callable[[Context, Json, int], int]) -> Action:
    """An action that moves both figures of an entry, by what its quantity comes to."""

    def apply(context: Context, entry: Json, action: Json) -> None:
        moved = by(context, entry, action["quantity"])
        entry["quantityOnStock"] += moved
        entry["availableQuantity"] += moved

    return Action(apply, Shape({"quantity": shapes.integer}))


def _up_to(context: Context, entry: Json, quantity: int) -> int:
    _check_settable(context, "quantity", quantity)
    moved: int = quantity - entry["quantityOnStock"]
    return moved


def _set_limits(context: Context, entry: Json, action: Json) -> None:
    least, most = action.get("minCartQuantity"), action.get("maxCartQuantity")
    if least is not None and most is not None and least > most:
        raise invalid_field("minCartQuantity", least, "The minimum is greater than the maximum.")
    for name in _LIMITS:
        entry.pop(name, None)
    entry.update(without_none(action))


def _stock_level(name: str) -> Action:
    def apply(context: Context, entry: Json, action: Json) -> None:
        levels = {**entry.get("stockLevels", {})}
        levels.pop(name, None)
        entry["stockLevels"] = {**levels, **action}

    return Action(apply, Shape(optional={name: shapes.integer}))


def _move_products(project: Project, skus: Iterable[str]) -> None:
    """Availability is part of the product: what was computed is forgotten, and the product's version rises if the
    platform is told so."""
    products = project.collection("products")
    for sku in skus:
        product = products.find_by("sku", sku)
        if product is None:
            continue
        products.rows[product["id"]].forget()
        if project.platform.stock_bumps_products:
            move_time = project.platform.stock_moves_product_time
            context = Context(project, client_id="platform")
            replace(products, context, product, copied(product), move_time=move_time)


def _changed(project: Project, before: Json | None, after: Json | None) -> None:
    project.note_sku("inventory", before, after)
    _move_products(project, {entry["sku"] for entry in (before, after) if entry is not None})


INVENTORY = Kind(
    path="inventory",
    type_id="inventory-entry",
    draft=_DRAFT,
    build=_build,
    actions={
        "changeQuantity": _moves(_up_to),
        "addQuantity": _moves(lambda context, entry, quantity: quantity),
        "removeQuantity": _moves(lambda context, entry, quantity: -quantity),
        "setRestockableInDays": set_text("restockableInDays", shapes.integer),
        "setExpectedDelivery": set_moment("expectedDelivery"),
        "setSupplyChannel": set_text("supplyChannel", shapes.reference, stored=_supply_channel),
        "setKey": set_text("key", shapes.key),
        "setInventoryLimits": Action(_set_limits, Shape(optional=_LIMITS)),
        "setReorderPoint": _stock_level("reorderPoint"),
        "setSafetyStock": _stock_level("safetyStock"),
        "setReservationExpirationInMinutes": set_text("reservationExpirationInMinutes", shapes.integer),
    },
    fields=queryable(
        "sku supplyChannel quantityOnStock availableQuantity "
        "minCartQuantity maxCartQuantity restockableInDays expectedDelivery "
        "reservationExpirationInMinutes stockLevels"
    ),
    scopes=("products",),
    unique=_unique,
    conflict=_conflict,
    changed=_changed,
    index=lambda project, path, value: project.ids_with_sku("inventory", value) if path == "sku" else None,
)
