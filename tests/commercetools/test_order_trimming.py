"""What of an order leaves the reader: only what is named here, whatever else an order holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.commercetools.orders.redact import TOKENS, trimmed
from retail_sync.records.rows import read_apart
from sandbox.commercetools.baskets import Basket, Item
from sandbox.faults import FaultRule
from tests.commercetools.ordered import ONE, T0, act, found, place, run, selling, walked
from tests.commercetools.ordered import settings as shop
from tests.commercetools.world import OFFICIAL_BODIES, Json, World, rows_of

MONEY = ("type", "currencyCode", "centAmount", "fractionDigits")
RATE = ("name", "amount", "includedInPrice", "country", "subRates.name", "subRates.amount")


def below(place: str, *names: str) -> set[str]:
    return {f"{place}.{name}" for name in names}


def money(*places: str) -> set[str]:
    return {path for place in places for path in below(place, *MONEY)}


def item(place: str) -> set[str]:
    return {
        *below(place, "id", "quantity", "name.*", "discountedPricePerQuantity.quantity"),
        *below(f"{place}.taxRate", *RATE),
        *below(f"{place}.perMethodTaxRate.taxRate", *RATE),
        *below(place, "perMethodTaxRate.shippingMethodKey", "taxedPricePortions.shippingMethodKey"),
        *below(f"{place}.shippingDetails.targets", "quantity", "shippingMethodKey"),
        *money(
            f"{place}.taxedPricePortions.taxedPrice.totalNet",
            f"{place}.taxedPricePortions.taxedPrice.totalGross",
            f"{place}.totalPrice",
            f"{place}.taxedPrice.totalNet",
            f"{place}.taxedPrice.totalGross",
            f"{place}.discountedPricePerQuantity.discountedPrice.value",
        ),
    }


def shipment(place: str) -> set[str]:
    return {
        *below(
            place,
            "shippingMethodName",
            "shippingMethod.typeId",
            "shippingMethod.id",
            "shippingMethod.obj.key",
        ),
        *below(f"{place}.taxRate", *RATE),
        *money(
            f"{place}.price",
            f"{place}.discountedPrice.value",
            f"{place}.taxedPrice.totalNet",
            f"{place}.taxedPrice.totalGross",
        ),
    }


KEPT = {
    *("id", "version", "orderNumber", "createdAt", "lastModifiedAt", "origin", "country", "customerId"),
    *("orderState", "paymentState", "shipmentState", "store.key", "shippingAddress.country"),
    *money("totalPrice", "taxedPrice.totalNet", "taxedPrice.totalGross", "taxedPrice.taxPortions.amount"),
    *below("taxedPrice.taxPortions", "name", "rate"),
    *money(
        *below("discountOnTotalPrice", "discountedAmount", "discountedNetAmount", "discountedGrossAmount"),
        *below("taxedShippingPrice", "totalNet", "totalGross"),
    ),
    *item("lineItems"),
    *below("lineItems", "productId", "variant.id", "variant.sku", "supplyChannel.typeId", "supplyChannel.id"),
    *below("lineItems.distributionChannel", "typeId", "id"),
    *money("lineItems.price.value"),
    *item("customLineItems"),
    "customLineItems.slug",
    *money("customLineItems.money"),
    *shipment("shippingInfo"),
    *shipment("shipping.shippingInfo"),
    *below("shipping", "shippingKey", "shippingAddress.country"),
    *below("paymentInfo.payments", "typeId", "id", "obj.id"),
    *below("paymentInfo.payments.obj.paymentMethodInfo", "paymentInterface", "method"),
    *below("paymentInfo.payments.obj.transactions", "id", "type", "state", "timestamp"),
    *money("paymentInfo.payments.obj.transactions.amount"),
    *below(
        "returnInfo", "returnDate", "items.id", "items.type", "items.lineItemId", "items.customLineItemId"
    ),
    *below("returnInfo.items", "quantity", "shipmentState", "paymentState", "createdAt", "lastModifiedAt"),
    *below("syncInfo", "externalId", "syncedAt", "channel.typeId", "channel.id"),
}
"""All that may leave, said once more: whoever keeps another member has to say so here, too. `*`: any language."""


def leaves(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """(dotted path without places in lists, value) of everything that is no object and no list."""
    if isinstance(value, dict):
        for name, below_it in value.items():
            yield from leaves(below_it, (*at, "*" if at and at[-1] == "name" else name))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, at)
    elif value is not None:
        yield ".".join(at), value


# ---------------------------------------------------------------- the order as it is described


class _Filled:
    """An order in which every member the official description knows is filled, texts with the place they stand at."""

    def __init__(self) -> None:
        self._schemas = json.loads(OFFICIAL_BODIES.read_text())["components"]["schemas"]

    def value(self, schema: Json, at: tuple[str, ...], inside: tuple[str, ...] = ()) -> Any:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return {} if name in inside else self.value(self._schemas[name], at, (*inside, name))
        if (members := self._members(schema)) is not None:
            # What `expand` shows is one step away; the resources behind that one are not asked for.
            shown = {name: one for name, one in members.items() if name != "obj" or "obj" not in at}
            filled = {name: self.value(one, (*at, name), inside) for name, one in shown.items()}
            return filled or {"any": f"planted {'.'.join(at)}"}
        if schema.get("type") == "array":
            return [self.value(schema.get("items", {}), at, inside)]
        if schema.get("type") in ("integer", "number"):
            return 1
        return f"planted {'.'.join(at)}"

    def _members(self, schema: Json) -> Json | None:
        """Of all kinds of it, where there are several."""
        found: Json = dict(schema.get("properties", {}))
        kinds = [one for word in ("allOf", "oneOf", "anyOf") for one in schema.get(word, ())]
        for one in [*kinds, *(one["then"] for one in kinds if "then" in one)]:
            if "$ref" in one:
                one = self._schemas[one["$ref"].rpartition("/")[2]]
            found |= self._members(one) or {}
        return found if found or schema.get("type") == "object" else None


@pytest.fixture(scope="module")
def filled() -> Json:
    if not OFFICIAL_BODIES.exists():
        pytest.skip("the official description is not at hand")
    schema = {"$ref": "#/components/schemas/Order"}
    row: Json = _Filled().value(schema, ())
    return row


def test_of_an_order_with_all_there_is_only_the_named_members_are_kept(filled: Json) -> None:
    assert sum(1 for _ in leaves(filled)) > 1_000
    assert {path for path, _ in leaves(trimmed(filled))} == KEPT, "each is a member of the description, too"


def test_what_tells_who_somebody_is_is_in_no_kept_member(filled: Json) -> None:
    shown = json.dumps(trimmed(filled))
    private = (
        "Name.first",
        "firstName",
        "street",
        "phone",
        "mail",
        "anonymousId",
        "custom.",
        "token",
        "Account",
    )
    assert [word for word in private if word in json.dumps(filled)], "the order does hold such"
    assert [word for word in private if word in shown] == []


def test_of_a_guests_email_address_only_its_digests_are_kept_and_of_others_not_even_those(
    filled: Json,
) -> None:
    asked: list[str] = []

    def token(email: str) -> list[str]:
        asked.append(email)
        return ["digest"]

    guests = {name: value for name, value in filled.items() if name != "customerId"}
    assert trimmed(guests, token)[TOKENS] == ["digest"] and asked == [filled["customerEmail"]]
    assert TOKENS not in trimmed(filled, token) and len(asked) == 1
    assert TOKENS not in trimmed(filled) and TOKENS not in trimmed({"id": "1", TOKENS: ["forged"]}, token)
    assert TOKENS not in trimmed({"id": "1", "customerEmail": ""}, token)


# ---------------------------------------------------------------- any order at all

OTHERS = ("firstName", "customerEmail", "custom", "fields", "obj", "value", "name", "key", "id", "*")
STEPS = sorted({step for path in KEPT for step in path.split(".")} | {*OTHERS})
Path = tuple[str, ...]


@st.composite
def paths(draw: st.DrawFn) -> Path:
    """To a kept member, or astray: another name on the way, a stop before it, a way on behind it."""
    path = draw(st.sampled_from(sorted(KEPT))).split(".")
    at = draw(st.integers(0, len(path)))
    astray = draw(st.sampled_from(["not", "not", "other", "stop", "on"]))
    if astray == "other" and at < len(path):
        path[at] = draw(st.sampled_from(STEPS))
    elif astray == "stop":
        path = path[: max(1, at)]
    elif astray == "on":
        path += draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=2))
    return tuple(path)


def grown(planted: list[tuple[Path, int]]) -> Json:
    """A row with a text at the end of each path; a number says at which steps there is a list."""
    row: Json = {}
    for number, (path, listed) in enumerate(planted):
        at: Any = row
        for depth, step in enumerate(path[:-1]):
            below_it = at.setdefault(step, [{}] if listed >> depth & 1 else {})
            at = below_it[0] if isinstance(below_it, list) and below_it else below_it
            if not isinstance(at, dict):
                break
        else:
            text = f"planted {number}"
            at.setdefault(path[-1], [text, [text]] if listed >> len(path) & 1 else text)
    return row


@given(st.lists(st.tuples(paths(), st.integers(0, 255) | st.just(0)), max_size=12).map(grown))
@settings(max_examples=300)
def test_no_text_outside_the_named_members_survives_whatever_an_order_looks_like(row: Json) -> None:
    kept = list(leaves(trimmed(row)))
    assert {path for path, _ in kept} <= KEPT
    assert set(kept) <= set(leaves(row)), "nothing is made up"


# ---------------------------------------------------------------- on the way to where it is kept

EMAIL, STREET = "ada@private.example", "Geheimweg 7"


@pytest.fixture
def world() -> World:
    world = selling()
    place(world, Basket((Item("J-1"),), email=EMAIL, address={"streetName": STREET}, number="O-1"), T0)
    return world


def test_nobody_who_ordered_reaches_a_row_a_document_or_an_exchange(world: World) -> None:
    async def use(adapter: CommercetoolsOrders) -> str:
        rows = rows_of([*await walked(adapter), *await walked(adapter, "2020-01-01T00:00:00.000Z")])
        rows += await found(adapter, "O-1")
        rows += [row async for page in adapter.fetch([rows[0]["id"]]) for row in page.rows]
        assert len(rows) == 5, "the delta reads it twice: it moved, and so did its payment"
        return repr(rows) + repr(read_apart(rows, adapter.to_orders))

    shown = run(world, use)
    read = [one for one in world.sink.exchanges if "/orders" in one.url or "/payments" in one.url]
    assert len(read) == 6
    assert all(one.response_body is not None and "withheld" in one.response_body for one in read)
    kept = shown + repr(world.sink.exchanges)
    assert not any(secret in kept for secret in (EMAIL, STREET, "Erika", "Mustermann"))


@pytest.mark.parametrize("members", [["id"], ["version"]])
def test_an_answer_that_is_no_order_is_not_quoted(world: World, members: list[str]) -> None:
    world.faults.add(FaultRule(match="/orders", kind="drop_fields", fields=members, times=None))
    with pytest.raises(Exception) as fault:
        run(world, lambda adapter: adapter.find_imported("O-1"))
    assert members[0] in str(fault.value) and "O-1" not in str(fault.value)
    assert "input_value" not in str(fault.value)


def test_an_excluded_email_address_has_no_digest_either(world: World) -> None:
    async def use(adapter: CommercetoolsOrders) -> tuple[str, ...]:
        (order,) = adapter.to_orders(await found(adapter, "O-1"))
        return order.email_tokens

    def token(email: str) -> list[str]:
        return [f"{len(email)}"]

    assert run(world, use, email_token=token) == (f"{len(EMAIL)}",)
    assert run(world, use, shop(privacy=["customerEmail"]), email_token=token) == ()


def test_an_excluded_member_is_not_read(world: World) -> None:
    private = shop(privacy=["customerId", "lineItems.name"])
    (order,) = run(world, lambda a: found(a, "O-1"), private)
    assert "name" not in order["lineItems"][0] and order["lineItems"][0]["variant"] == {"id": 1, "sku": "J-1"}
    world.store.create("customers", {"email": "b@shop.example", "authenticationMode": "ExternalAuth"})
    (somebody,) = world.store.all("customers")
    owned = act(world, place(world, ONE), {"action": "setCustomerId", "customerId": somebody["id"]})
    (row,) = run(world, lambda a: found(a, owned["id"]), private)
    assert "customerId" not in row
    (row,) = run(world, lambda a: found(a, owned["id"]))
    assert row["customerId"] == somebody["id"]
