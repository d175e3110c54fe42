"""Standalone prices: resources of their own, one for each SKU and scope, whose changes are live unless staged."""

from __future__ import annotations

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import queryable
from sandbox.commercetools.custom_fields import CUSTOM_ACTIONS
from sandbox.commercetools.errors import (
    ApiError,
    Json,
    invalid_input,
    invalid_operation,
)
from sandbox.commercetools.prices import (
    DISCOUNTED,
    PRICE_DRAFT,
    TIER,
    change_value,
    check_tiers,
    clash_of,
    money,
    scope_fields,
    set_moment,
    set_text,
    stored_discount,
    stored_money,
    stored_terms,
    stored_tier,
)
from sandbox.commercetools.shapes import Shape, as_stored_moment
from sandbox.commercetools.state import Action, Context, Kind, Platform, Writing

PATH = "standalone-prices"

_VALIDITY = dict.fromkeys(("validFrom", "validUntil"), shapes.moment)


def refuse_locked(platform: Platform, writing: Writing, price: Json) -> None:
    """Raises the next lock error that is due for this kind of write; see `lock_standalone_prices`."""
    lock = next((each for each in platform.price_locks if each.writing == writing), None)
    if lock is None:
        return
    platform.price_locks.remove(lock)
    fields = scope_fields(price)
    if lock.code == "ValidityLockConflict":
        fields = {name: value for name, value in fields.items() if name not in _VALIDITY}
    message = (
        f"Another modification of a price of the SKU '{price['sku']}' is in progress. Repeat the request."
    )
    raise ApiError(lock.status, lock.code, message, sku=price["sku"], **fields)


def _build(context: Context, draft: Json) -> Json:
    return {"sku": draft["sku"], **stored_terms(context, draft), "active": draft.get("active", True)}


def _check(context: Context, price: Json) -> None:
    """Raises `DuplicateStandalonePriceScope` or `OverlappingStandalonePriceValidity`. Inactive ones count as well,
    which is inferred."""
    rows = context.project.collection(PATH).rows
    for id in sorted(context.project.ids_with_sku(PATH, price["sku"])):
        other = rows[id].resource
        clash = clash_of(price, other) if id != price["id"] else None
        if clash is None:
            continue
        fields = {
            "conflictingStandalonePrice": {"typeId": "standalone-price", "id": id},
            "sku": price["sku"],
            **scope_fields(price),
        }
        if clash == "same":
            message = f"Duplicate standalone price scope for the SKU '{price['sku']}'."
            raise ApiError(400, "DuplicateStandalonePriceScope", message, **fields)
        message = (
            f"Two standalone prices of the SKU '{price['sku']}' and one scope have overlapping validity."
        )
        fields |= {
            "conflictingValidFrom": other.get("validFrom"),
            "conflictingValidUntil": other.get("validUntil"),
        }
        raise ApiError(400, "OverlappingStandalonePriceValidity", message, **fields)


def _change_value(context: Context, price: Json, action: Json) -> None:
    value = stored_money(action["value"])
    if value["currencyCode"] != price["value"]["currencyCode"]:
        raise invalid_input("The currency of a standalone price cannot be changed.")
    if action.get("staged", False):  # the opposite default of product actions (documented)
        price["staged"] = {"value": value}
    else:
        price["value"] = value


def _apply_staged(context: Context, price: Json, action: Json) -> None:
    price["value"] = price.pop("staged", {}).get("value", price["value"])


def _remove_staged(context: Context, price: Json, action: Json) -> None:
    price.pop("staged", None)


def _put_tiers(price: Json, tiers: list[Json]) -> None:
    check_tiers(tiers)
    price.pop("tiers", None)
    if tiers:
        price["tiers"] = tiers


def _set_tiers(context: Context, price: Json, action: Json) -> None:
    _put_tiers(price, [stored_tier(tier) for tier in action["tiers"]])


def _add_tier(context: Context, price: Json, action: Json) -> None:
    _put_tiers(price, [*price.get("tiers", []), stored_tier(action["tier"])])


def _remove_tier(context: Context, price: Json, action: Json) -> None:
    tiers = price.get("tiers", [])
    kept = [tier for tier in tiers if tier["minimumQuantity"] != action["minimumQuantity"]]
    if len(kept) == len(tiers):
        raise invalid_operation(f"The price has no tier from {action['minimumQuantity']} units on.")
    _put_tiers(price, kept)


def _set_validity(context: Context, price: Json, action: Json) -> None:
    for name in _VALIDITY:
        price.pop(name, None)
        if name in action:
            price[name] = as_stored_moment(action[name])


STANDALONE_PRICES = Kind(
    path=PATH,
    type_id="standalone-price",
    draft=Shape(
        {**PRICE_DRAFT.required, "sku": shapes.text}, {**PRICE_DRAFT.optional, "active": shapes.boolean}
    ),
    build=_build,
    actions={
        "changeValue": Action(_change_value, Shape({"value": money}, {"staged": shapes.boolean})),
        "applyStagedChanges": Action(_apply_staged),
        "removeStagedChanges": Action(_remove_staged),
        "changeActive": change_value("active", shapes.boolean),
        "setPriceTiers": Action(_set_tiers, Shape({"tiers": shapes.list_of(shapes.shaped(TIER))})),
        "addPriceTier": Action(_add_tier, Shape({"tier": shapes.shaped(TIER)})),
        "removePriceTier": Action(_remove_tier, Shape({"minimumQuantity": shapes.integer})),
        "setDiscountedPrice": set_text("discounted", DISCOUNTED, stored=stored_discount),
        "setValidFrom": set_moment("validFrom"),
        "setValidUntil": set_moment("validUntil"),
        "setValidFromAndUntil": Action(_set_validity, Shape(optional=_VALIDITY)),
        "setKey": set_text("key", shapes.key),
        **CUSTOM_ACTIONS,
    },
    fields=queryable(
        "sku value country customerGroup channel validFrom validUntil tiers active staged discounted"
    ),
    scopes=("standalone_prices",),
    check=_check,
    index=lambda project, path, value: project.ids_with_sku(PATH, value) if path == "sku" else None,
    changed=lambda project, before, after: project.note_sku(PATH, before, after),
)
