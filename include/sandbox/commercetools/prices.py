"""Money, embedded prices, and what those have in common with standalone ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from sandbox.commercetools import shapes
from sandbox.commercetools.errors import (
    ApiError,
    Json,
    invalid_field,
    invalid_json,
    invalid_operation,
)
from sandbox.commercetools.shapes import Shape, as_stored_moment
from sandbox.commercetools.state import Action, Context

FRACTION_DIGITS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "HUF": 2,
    "KWD": 3,
    "BHD": 3,
    "OMR": 3,
    "TND": 3,
    **dict.fromkeys(("CZK0", "HUF0", "ILS0", "KZT0", "TRY0", "TWD0"), 0),
}
"""Currencies whose smallest unit is not a hundredth (ISO 4217, and the API's own `NonStandardCurrency`); all others
have two digits."""

MAX_PRICES = 100
"""Embedded prices a variant (documented limit)."""

_CENT_MONEY = Shape(
    {"currencyCode": shapes.text, "centAmount": shapes.integer},
    {"type": shapes.one_of("centPrecision"), "fractionDigits": shapes.integer},
)
_PRECISE_MONEY = Shape(
    {"currencyCode": shapes.text, "preciseAmount": shapes.integer, "fractionDigits": shapes.integer},
    {"type": shapes.one_of("highPrecision"), "centAmount": shapes.integer},
)


def money(value: Any, where: str) -> None:
    """Check: an amount in cents or in high precision; never a float."""
    shapes.mapping(value, where)
    (_PRECISE_MONEY if value.get("type") == "highPrecision" else _CENT_MONEY).check(value, where)
    if shapes.CURRENCY.fullmatch(value["currencyCode"]) is None:
        raise invalid_json(f"{where}.currencyCode: '{value['currencyCode']}' is not a currency code")


def stored_money(value: Json) -> Json:
    """Money as the API gives it back, with type and fraction digits."""
    code = value["currencyCode"]
    digits = FRACTION_DIGITS.get(code, 2)
    if value.get("type") != "highPrecision":
        return {
            "type": "centPrecision",
            "currencyCode": code,
            "centAmount": value["centAmount"],
            "fractionDigits": digits,
        }
    precise, precise_digits = value["preciseAmount"], value["fractionDigits"]
    if not digits < precise_digits <= 20:
        raise invalid_field(
            "fractionDigits", precise_digits, f"High precision of {code} takes {digits + 1} to 20 digits."
        )
    exact = Decimal(precise).scaleb(digits - precise_digits)
    cents = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    given = value.get("centAmount", cents)
    if abs(Decimal(given) - exact) >= 1:
        raise invalid_field("centAmount", given, f"{given} is not a rounding of {exact} cents.")
    return {
        "type": "highPrecision",
        "currencyCode": code,
        "centAmount": given,
        "preciseAmount": precise,
        "fractionDigits": precise_digits,
    }


TIER = Shape({"minimumQuantity": shapes.integer, "value": money})
DISCOUNTED = shapes.shaped(Shape({"value": money, "discount": shapes.reference}))

PRICE_DRAFT = Shape(
    {"value": money},
    {
        "key": shapes.key,
        "country": shapes.text,
        "customerGroup": shapes.reference,
        "channel": shapes.reference,
        "validFrom": shapes.moment,
        "validUntil": shapes.moment,
        "tiers": shapes.list_of(shapes.shaped(TIER)),
        "discounted": DISCOUNTED,
        "custom": shapes.mapping,
    },
)
price_draft = shapes.shaped(PRICE_DRAFT)
price_drafts = shapes.list_of(price_draft, at_most=MAX_PRICES)


def channel_with_role(context: Context, given: Json, role: str) -> Json:
    """A stored reference to a channel that has this role. Raises `MissingRoleOnChannel`."""
    reference = context.reference(given, "channel")
    channel = context.project.by_type("channel").get(id=reference["id"])
    if role not in channel["roles"]:
        message = f"The given channel has not all of the required roles: {role}."
        raise ApiError(400, "MissingRoleOnChannel", message, channel=reference, missingRole=role)
    return reference


def stored_terms(context: Context, draft: Json) -> Json:
    """What an embedded and a standalone price have in common."""
    price: Json = {"value": stored_money(draft["value"])}
    for name in ("key", "country", "custom"):
        if name in draft:
            price[name] = draft[name]
    if "discounted" in draft:
        price["discounted"] = stored_discount(context, draft["discounted"])
    if "customerGroup" in draft:
        price["customerGroup"] = context.reference(draft["customerGroup"], "customer-group")
    if "channel" in draft:
        price["channel"] = channel_with_role(context, draft["channel"], "ProductDistribution")
    for name in ("validFrom", "validUntil"):
        if name in draft:
            price[name] = as_stored_moment(draft[name])
    if draft.get("tiers"):
        price["tiers"] = [stored_tier(tier) for tier in draft["tiers"]]
        check_tiers(price["tiers"])
    return price


def stored_discount(context: Context, draft: Json) -> Json:
    reference = context.reference(draft["discount"], "product-discount")
    discount = context.project.by_type("product-discount").get(id=reference["id"])
    if discount["value"].get("type") != "external":
        # That only external discounts can be set is documented, the code of the error is inferred.
        raise invalid_operation(f"The product discount '{discount['id']}' is not of the type external.")
    return {"value": stored_money(draft["value"]), "discount": reference}


def stored_tier(tier: Json) -> Json:
    if tier["minimumQuantity"] < 2:
        raise invalid_field(
            "minimumQuantity", tier["minimumQuantity"], "A price tier starts at a quantity of 2 or more."
        )
    return {"minimumQuantity": tier["minimumQuantity"], "value": stored_money(tier["value"])}


def check_tiers(tiers: list[Json]) -> None:
    """Raises `InvalidField` where two tiers begin at the same quantity, which is inferred."""
    quantities = [tier["minimumQuantity"] for tier in tiers]
    for quantity in quantities:
        if quantities.count(quantity) > 1:
            raise invalid_field(
                "minimumQuantity", quantity, f"Two price tiers start at a quantity of {quantity}."
            )


def stored_price(context: Context, draft: Json) -> Json:
    """An embedded price with a new id."""
    return {"id": context.project.platform.new_id(), **stored_terms(context, draft)}


def _scope(price: Json) -> tuple[Any, ...]:
    return (
        price["value"]["currencyCode"],
        price.get("country"),
        price.get("customerGroup", {}).get("id"),
        price.get("channel", {}).get("id"),
    )


def scope_fields(price: Json) -> Json:
    """The fields in which errors about a scope name it; None where a field does not narrow it."""
    named: Json = {"currency": price["value"]["currencyCode"]}
    return named | {
        name: price.get(name) for name in ("country", "customerGroup", "channel", "validFrom", "validUntil")
    }


def check_scopes(prices: Iterable[Json]) -> None:
    """Raises `DuplicatePriceScope` or `OverlappingPriceValidity` when two prices of a variant would both apply, and
    `MaxResourceLimitExceeded` when there are too many."""
    prices = list(prices)
    if len(prices) > MAX_PRICES:
        raise ApiError(
            400,
            "MaxResourceLimitExceeded",
            f"A variant has at most {MAX_PRICES} prices.",
            exceededResource="prices",
        )
    by_scope: dict[tuple[Any, ...], list[Json]] = {}
    keys: set[str] = set()
    for price in prices:
        if "key" in price and price["key"] in keys:
            raise ApiError(
                400, "DuplicatePriceKey", f"Duplicate price key '{price['key']}'.", conflictingPrice=price
            )
        keys.add(price.get("key", ""))
        for other in by_scope.setdefault(_scope(price), []):
            _check_pair(price, other)
        by_scope[_scope(price)].append(price)


def _check_pair(price: Json, other: Json) -> None:
    clash = clash_of(price, other)
    if clash == "same":
        raise ApiError(400, "DuplicatePriceScope", "Duplicate price scope.", conflictingPrice=other)
    if clash == "overlap":
        raise ApiError(
            400,
            "OverlappingPriceValidity",
            "Two prices of the same scope have overlapping validity.",
            conflictingPrice=other["id"],
            **scope_fields(price),
            conflictingValidFrom=other.get("validFrom"),
            conflictingValidUntil=other.get("validUntil"),
        )


def clash_of(price: Json, other: Json) -> Literal["same", "overlap"] | None:
    """Whether two prices would both apply. A price without validity does not conflict with a dated one."""
    if _scope(price) != _scope(other):
        return None
    span, other_span = _validity(price), _validity(other)
    if span == other_span:
        return "same"
    return "overlap" if _overlap(span, other_span) else None


def _validity(price: Json) -> tuple[str, str] | None:
    if "validFrom" not in price and "validUntil" not in price:
        return None
    return price.get("validFrom", ""), price.get("validUntil", "9999")


def _overlap(one: tuple[str, str] | None, other: tuple[str, str] | None) -> bool:
    return one is not None and other is not None and one[0] < other[1] and other[0] < one[1]


def selected_price(
    prices: list[Json], currency: str, country: str | None, channel: str | None, now: str
) -> Json | None:
    """The price a shopper of this currency, country and channel gets; the most specific one that is valid wins."""

    def fits(price: Json) -> bool:
        return (
            price["value"]["currencyCode"] == currency
            and price.get("country") in (None, country)
            and price.get("channel", {}).get("id") in (None, channel)
            and "customerGroup" not in price
            and price.get("validFrom", "") <= now < price.get("validUntil", "9999")
        )

    def weight(price: Json) -> tuple[bool, bool, bool]:
        return "channel" in price, "country" in price, _validity(price) is not None

    return max(filter(fits, prices), key=weight, default=None)


# --- plain update actions, for every resource ---------------------------------------------------------------------


def set_text(
    name: str,
    check: shapes.Check = shapes.text,
    *,
    given: str | None = None,
    stored: Callable[[Context, Any], Any] | None = None,
) -> Action:
    """`setX`: puts a value, or removes it when the action carries none. `given`: what the action calls it, where that
    is another name; `stored`: what is kept of it, where that is not the value itself."""
    field = given or name

    def apply(context: Context, resource: Json, action: Json) -> None:
        resource.pop(name, None)
        if field in action:
            resource[name] = action[field] if stored is None else stored(context, action[field])

    return Action(apply, Shape(optional={field: check}))


def set_moment(name: str) -> Action:
    """As `set_text`, for a date-time."""
    return set_text(name, shapes.moment, stored=lambda context, value: as_stored_moment(value))


def set_reference(name: str, type_id: str) -> Action:
    """As `set_text`, for a reference."""
    return set_text(name, shapes.reference, stored=lambda context, value: context.reference(value, type_id))


def put_list(name: str, changed: Callable[[Context, list[Json], Json], list[Json]], shape: Shape) -> Action:
    """An action that makes another list of one. `changed`: of the list as it is, and the action."""

    def apply(context: Context, resource: Json, action: Json) -> None:
        resource[name] = changed(context, resource[name], action)

    return Action(apply, shape)


def change_value(name: str, check: shapes.Check) -> Action:
    """`changeX`: replaces a value that must be there."""

    def apply(context: Context, resource: Json, action: Json) -> None:
        resource[name] = action[name]

    return Action(apply, Shape({name: check}))
