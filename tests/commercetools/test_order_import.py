"""In-store sales online: an order that is taken as it is given, once and with its mark, or an entry under a key. Every
body is checked against the official description where that is at hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.orders import ImportedLine, ImportedSale, Written
from retail_sync.settings.models import SyncSettings
from sandbox.commercetools.baskets import Basket, Item
from sandbox.faults import FaultRule
from tests.commercetools.ordered import act, marking, place, run, selling, settings, told
from tests.commercetools.world import Json, World

AT = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
VAT = Decimal("0.19")
JACKETS = ImportedLine("J-1", "Jacket", 2, 1999, 3360, 3998, VAT)
ALTERATION = ImportedLine(None, "Alteration", 1, 1000, 840, 1000, VAT)
SALE = ImportedSale(
    number="POS-1001",
    customer_id=None,
    currency="EUR",
    country="DE",
    lines=(JACKETS, ALTERATION),
    net=4200,
    gross=4998,
    portions=((VAT, "VAT 19", 798, 4200),),
    completed_at=AT,
)


@pytest.fixture
def world() -> World:
    return selling()


def importing(**sales: Any) -> SyncSettings:
    return settings(sales={"target": "orders", **sales})


def imported(world: World, sale: ImportedSale = SALE, config: SyncSettings | None = None) -> Written:
    world.faults.clear_requests()
    return run(world, lambda a: a.import_sale("c-1", sale), config or importing(), writing=True)


def looked_up(world: World, number: str = SALE.number, config: SyncSettings | None = None) -> Written | None:
    return run(world, lambda a: a.find_imported(number), config or importing())


def stored(world: World) -> Json:
    (order,) = world.store.all("orders")
    return order


def bodies(world: World, path: str) -> list[Json]:
    return [json.loads(request.body) for request in world.requests("POST", path)]


def type_of_orders(world: World, *names: str, resource: str = "order", **more: Any) -> None:
    definitions = [
        {"name": name, "label": {"en-GB": name}, "required": False, "type": {"name": "String"}}
        for name in names
    ]
    world.store.create(
        "types",
        {
            "key": "pos",
            "name": {"en-GB": "POS"},
            "resourceTypeIds": [resource],
            "fieldDefinitions": [{**one, **more} for one in definitions],
        },
    )


# ---------------------------------------------------------------- importing


def taxed_line(net: int, gross: int) -> Json:
    tax = {"currencyCode": "EUR", "centAmount": gross - net}
    return {
        "totalNet": {"currencyCode": "EUR", "centAmount": net},
        "totalGross": {"currencyCode": "EUR", "centAmount": gross},
        "taxPortions": [{"name": "19 %", "rate": 0.19, "amount": tax}],
    }


def test_a_sale_is_imported_as_it_was_rung_up(world: World) -> None:
    imported(world)
    (sent,) = bodies(world, "/orders/import")
    rate = {"name": "19 %", "amount": 0.19, "includedInPrice": True, "country": "DE"}
    assert sent == {
        "orderNumber": "POS-1001",
        "country": "DE",
        "lineItems": [
            {
                "name": {"en-GB": "Jacket"},
                "variant": {"sku": "J-1"},
                "quantity": 2,
                "price": {"value": {"currencyCode": "EUR", "centAmount": 1999}},
                "taxRate": rate,
                "taxedPrice": taxed_line(3360, 3998),
            }
        ],
        "customLineItems": [
            {
                "name": {"en-GB": "Alteration"},
                "slug": "line-2",
                "quantity": 1,
                "money": {"currencyCode": "EUR", "centAmount": 1000},
                "taxRate": rate,
                "taxedPrice": taxed_line(840, 1000),
            }
        ],
        "totalPrice": {"currencyCode": "EUR", "centAmount": 4998},
        "taxedPrice": {
            "totalNet": {"currencyCode": "EUR", "centAmount": 4200},
            "totalGross": {"currencyCode": "EUR", "centAmount": 4998},
            "taxPortions": [
                {"name": "VAT 19", "rate": 0.19, "amount": {"currencyCode": "EUR", "centAmount": 798}}
            ],
        },
        "orderState": "Complete",
        "paymentState": "Paid",
        "completedAt": "2026-03-01T16:30:00.000Z",
        "inventoryMode": "None",
    }


def test_what_was_imported_is_told_as_any_order_and_bears_the_mark(world: World) -> None:
    written = imported(world)
    order = told(world, stored(world))
    assert (written.id, written.version) == (order.id, order.version) and len(written.exchange_ids) == 2
    assert (order.number, order.state, order.payment_state) == ("POS-1001", "complete", "Paid")
    assert [(one.kind, one.quantity, one.unit, one.total) for one in order.lines] == [
        ("article", 2, 1999, 3998),
        ("custom", 1, 1000, 1000),
    ]
    assert order.gross == order.total == 4998 and order.portions[0].tax == 798
    (mark,) = order.marks
    assert (mark.external_id, mark.at) == ("POS-1001", AT)


ODD = replace(JACKETS, net=3361)
"""A line whose tax is a cent off what its rate makes of it: the till rounds a receipt as a whole."""


def line_taxes(world: World) -> list[tuple[int, int]]:
    order = stored(world)
    return [
        (line["taxedPrice"]["totalNet"]["centAmount"], line["taxedPrice"]["totalGross"]["centAmount"])
        for line in [*order["lineItems"], *order["customLineItems"]]
    ]


def test_lines_have_the_taxes_of_the_till(world: World, caplog: pytest.LogCaptureFixture) -> None:
    imported(world, replace(SALE, lines=(ODD, ALTERATION), net=4201))
    assert line_taxes(world) == [(3361, 3998), (840, 1000)]
    assert "derived" not in caplog.text


def test_a_project_that_does_not_know_taxes_of_lines_is_told_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.store.imports_taxed_prices = False
    imported(world, replace(SALE, lines=(ODD, ALTERATION), net=4201))
    assert line_taxes(world) == [(3360, 3998), (840, 1000)]
    assert "sales.line_taxes: derived" in caplog.text


def test_taxes_of_lines_are_left_to_the_project_where_the_settings_say_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    imported(world, replace(SALE, lines=(ODD, ALTERATION), net=4201), importing(line_taxes="derived"))
    (sent,) = bodies(world, "/orders/import")
    assert "taxedPrice" not in sent["lineItems"][0] and "taxedPrice" not in sent["customLineItems"][0]
    assert line_taxes(world) == [(3360, 3998), (840, 1000)]
    assert "derived" not in caplog.text


def test_a_line_without_a_rate_has_no_taxes(world: World) -> None:
    """Taxes of a line need its rate, and a rate its country (API reference)."""
    imported(world, replace(SALE, country=None))
    (sent,) = bodies(world, "/orders/import")
    assert not {"taxRate", "taxedPrice"} & set(sent["lineItems"][0])


def test_an_import_moves_no_stock(world: World) -> None:
    entry = world.store.create("inventory", {"sku": "J-1", "quantityOnStock": 1})
    imported(world)
    now = world.store.get("inventory", id=entry["id"])
    assert now is not None and (now["quantityOnStock"], now["version"]) == (1, entry["version"])


def test_goods_that_came_back_have_negative_quantities(world: World) -> None:
    back = replace(JACKETS, quantity=-1, net=-1680, gross=-1999)
    refund = replace(ALTERATION, quantity=-1, net=-840, gross=-1000)
    imported(
        world,
        replace(SALE, lines=(back, refund), net=-2520, gross=-2999, portions=((VAT, "VAT 19", -479, -2520),)),
    )
    order = told(world, stored(world))
    assert [(one.quantity, one.unit, one.total) for one in order.lines] == [
        (-1, 1999, -1999),
        (-1, 1000, -1000),
    ]
    assert order.total == -2999 and order.portions[0].tax == -479


def test_an_exchange_may_come_to_nothing(world: World) -> None:
    back = replace(JACKETS, quantity=-2, net=-3360, gross=-3998)
    imported(world, replace(SALE, lines=(back, JACKETS), net=0, gross=0, portions=()))
    assert told(world, stored(world)).total == 0


def test_customer_store_and_fields_go_along(world: World) -> None:
    made = world.store.create("customers", {"email": "a@shop.example", "authenticationMode": "ExternalAuth"})
    customer = made.get("customer", made)["id"]
    type_of_orders(world, "sale", "outlet")
    config = importing(type="pos", fields={"sale": "sale", "outlet": "outlet"}, stores={"Berlin": "city"})
    given = {"sale": "s-1", "outlet": "Berlin", "loyalty": None}
    imported(world, replace(SALE, customer_id=customer, store="city", fields=given), config)
    order = stored(world)
    assert (order["customerId"], order["store"]["key"]) == (customer, "city")
    assert order["custom"]["fields"] == {"sale": "s-1", "outlet": "Berlin"}
    assert told(world, order).store == "city"


@pytest.mark.parametrize(
    ("config", "fields"), [(importing(), {"sale": "s-1"}), (importing(type="pos"), {"sale": None})]
)
def test_without_a_type_or_a_value_there_are_no_custom_fields(
    world: World, config: SyncSettings, fields: Json
) -> None:
    type_of_orders(world, "sale")
    imported(world, replace(SALE, fields=fields), config)
    assert "custom" not in stored(world)


def test_a_line_without_a_name_has_one_and_a_custom_line_keeps_its_place(world: World) -> None:
    lines = (
        replace(JACKETS, name=""),
        ALTERATION,
        replace(JACKETS, quantity=1),
        replace(ALTERATION, name=""),
    )
    imported(world, replace(SALE, lines=lines))
    (sent,) = bodies(world, "/orders/import")
    assert [one["name"]["en-GB"] for one in sent["lineItems"]] == ["J-1", "Jacket"]
    assert [(one["slug"], one["name"]["en-GB"]) for one in sent["customLineItems"]] == [
        ("line-2", "Alteration"),
        ("line-4", "-"),
    ]


def test_a_sale_of_no_country_has_no_rates_and_keeps_its_taxes(world: World) -> None:
    imported(world, replace(SALE, country=None))
    order = told(world, stored(world))
    assert all(one.rate is None for one in order.lines) and order.taxed is not None
    assert (order.taxed.net, order.taxed.gross, order.portions[0].name) == (4200, 4998, "VAT 19")


@pytest.mark.parametrize(
    ("rate", "name"), [("0.2", "20 %"), ("0.055", "5.5 %"), ("0", "0 %"), ("1", "100 %"), ("0.1900", "19 %")]
)
def test_a_rate_is_named_and_sent_exactly(world: World, rate: str, name: str) -> None:
    imported(world, replace(SALE, lines=(replace(JACKETS, rate=Decimal(rate)),)))
    (sent,) = bodies(world, "/orders/import")
    assert sent["lineItems"][0]["taxRate"]["name"] == name
    found = told(world, stored(world)).lines[0].rate
    assert found is not None and found.share == Decimal(rate)


def test_the_audit_trail_tells_the_shape_of_what_was_sent(world: World) -> None:
    imported(world)
    sent = [one for one in world.sink.exchanges if one.method == "POST" and "/orders/" in one.url]
    assert [one.context["change"] for one in sent] == ["c-1", "c-1"]
    assert '"lineItems"' in (sent[0].request_body or "") and "Alteration" not in repr(sent)


# ---------------------------------------------------------------- exactly once


def test_a_number_that_is_taken_is_a_duplicate_and_nothing_is_marked(world: World) -> None:
    there = world.store.place_order([("J-1", 1, None)], mode="None", number=SALE.number)
    with pytest.raises(DuplicateInTarget):
        imported(world)
    assert stored(world) == there


def test_what_was_imported_is_found_by_its_number(world: World) -> None:
    assert looked_up(world) is None
    written = imported(world)
    found = looked_up(world)
    assert found is not None and (found.id, found.version) == (written.id, written.version)


@pytest.mark.parametrize("after", ["the import", "nothing"])
def test_an_answer_that_was_lost_leaves_one_order_that_is_found(world: World, after: str) -> None:
    """Either the import came through, or it did not; what is there is one marked order in the end."""
    kind: Any = "truncate_json" if after == "the import" else "status"
    rule = FaultRule(match="/orders/import", method="POST", kind=kind, status=502, body={})
    world.faults.add(rule)
    with pytest.raises(UnknownOutcome):
        imported(world)
    assert len(world.requests("POST", "/orders/import")) == 1
    if looked_up(world) is None:
        assert after == "nothing"
        imported(world)
    (mark,) = told(world, stored(world)).marks
    assert mark.external_id == SALE.number


def test_a_mark_that_did_not_get_there_is_made_up_for_with_the_time_of_the_sale(world: World) -> None:
    rule = FaultRule(match="/orders/[0-9a-f]", method="POST", kind="status", status=502, body={})
    world.faults.add(rule)
    with pytest.raises(UnknownOutcome):
        imported(world)
    assert told(world, stored(world)).marks == (), "the import is there, its mark is not"
    found = looked_up(world)
    order_now = told(world, stored(world))
    assert found is not None and (found.id, found.version) == (order_now.id, order_now.version)
    assert [(one.external_id, one.at) for one in order_now.marks] == [(SALE.number, AT)]
    again = looked_up(world)
    assert again is not None and again.version == found.version, "once"


def test_an_order_of_the_shop_is_never_marked_by_looking_for_it(world: World) -> None:
    placed = place(world, Basket((Item("J-1"),), number="O-1"))
    found = looked_up(world, "O-1")
    assert found is not None and found.version == placed["version"]
    assert told(world, stored(world)).marks == ()


def test_a_mark_of_another_channel_is_not_ours(world: World) -> None:
    placed = world.store.place_order([("J-1", 1, None)], mode="None", number=SALE.number)
    act(world, placed, marking("erp"))
    looked_up(world)
    assert [one.external_id for one in told(world, stored(world)).marks] == [SALE.number]


def test_an_import_that_moved_on_before_its_mark_is_stale(world: World) -> None:
    world.store.place_order([("J-1", 1, None)], mode="None", number=SALE.number)
    body = {
        "statusCode": 409,
        "message": "m",
        "errors": [{"code": "ConcurrentModification", "message": "m", "currentVersion": 9}],
    }
    rule = FaultRule(match="/orders/[0-9a-f]", method="POST", kind="status", status=409, body=body)
    world.faults.add(rule)
    with pytest.raises(StaleTarget):
        looked_up(world)
    assert looked_up(world) is not None


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("roles", [[], ["InventorySupply"], ["OrderExport"]])
def test_without_its_role_on_the_channel_of_marks_nothing_is_sent(world: World, roles: list[str]) -> None:
    world.store.create("channels", {"key": "pos", "roles": roles})
    config = settings({"since": None}, {"target": "orders"}, export_channel="pos")
    with pytest.raises(ConfigurationFault, match="OrderImport"):
        run(world, lambda a: a.import_sale("c-1", SALE), config)
    with pytest.raises(ConfigurationFault, match="OrderImport"):
        imported(world, config=config)
    assert world.store.all("orders") == [] and not world.requests("POST", "/orders")


def test_the_role_to_import_is_enough_where_nothing_is_exported(world: World) -> None:
    world.store.create("channels", {"key": "pos", "roles": ["OrderImport"]})
    imported(world, config=settings({"since": None}, {"target": "orders"}, export_channel="pos"))
    assert len(stored(world)["syncInfo"]) == 1


def test_exports_alone_need_no_role_to_import(world: World) -> None:
    async def use(adapter: CommercetoolsOrders) -> None:
        return None

    run(world, use, settings(export_channel="erp"), writing=True)
    with pytest.raises(ConfigurationFault, match="OrderImport"):
        run(world, use, settings(sales={"target": "orders"}, export_channel="erp"), writing=True)


def test_a_sale_that_can_not_be_written_is_refused_here_and_names_the_member(world: World) -> None:
    with pytest.raises(RecordRejected) as refused:
        imported(world, replace(SALE, store="no key, is it"))
    assert "key" in refused.value.message and "no key" not in refused.value.message
    assert refused.value.code == "unwritable" and not world.requests("POST", "/orders")


def test_a_sale_the_api_refuses_is_rejected_and_nothing_is_there(world: World) -> None:
    with pytest.raises(RecordRejected):
        imported(world, replace(SALE, state="Parked"))
    assert world.store.all("orders") == []


# ---------------------------------------------------------------- voided sales


def pay(world: World) -> Written:
    return run(world, lambda a: a.pay_imported("c-2", SALE.number), importing(), writing=True)


def test_what_was_due_is_paid_once(world: World) -> None:
    imported(world, replace(SALE, payment_state="BalanceDue"))
    paid = pay(world)
    order = told(world, stored(world))
    assert (order.payment_state, paid.id, paid.version) == ("Paid", order.id, order.version)
    assert pay(world).version == paid.version


def close(world: World, *, cancelled: bool = True, number: str = SALE.number) -> Written:
    return run(
        world, lambda a: a.close_imported("c-2", number, cancelled=cancelled), importing(), writing=True
    )


def test_a_voided_sale_cancels_its_order_once(world: World) -> None:
    imported(world)
    closed = close(world)
    order = told(world, stored(world))
    assert (order.state, closed.id, closed.version) == ("cancelled", order.id, order.version)
    assert close(world) == Written(closed.id, closed.version), "it is so already: nothing is sent"
    assert len(order.marks) == 1


def test_a_sale_that_is_no_longer_voided_completes_its_order(world: World) -> None:
    imported(world)
    close(world)
    close(world, cancelled=False)
    assert told(world, stored(world)).state == "complete"


def test_an_order_that_is_gone_can_be_neither_closed_nor_paid(world: World) -> None:
    with pytest.raises(TargetMissing, match="POS-1001"):
        close(world)
    with pytest.raises(TargetMissing):
        pay(world)


# ---------------------------------------------------------------- entries

ENTRY: Json = {"sale": "s-1", "gross": 4998, "lines": [{"sku": "J-1", "quantity": "2"}]}


def put(world: World, value: Json, key: str = "s-1", **sales: Any) -> Written:
    config = settings({"since": None}, {"target": "entries", **sales})
    return run(world, lambda a: a.put_entry("c-1", key, value), config, writing=True)


def kept(world: World) -> list[Json]:
    return [one for one in world.store.all("custom-objects") if one["container"] != "retail-sync"]


def test_an_entry_that_is_put_twice_is_one_and_is_the_latest(world: World) -> None:
    first = put(world, ENTRY)
    second = put(world, {**ENTRY, "gross": 0})
    (entry,) = kept(world)
    assert (entry["container"], entry["key"]) == ("lightspeed-sales", "s-1")
    assert entry["value"] == {**ENTRY, "gross": 0}
    assert first.id == second.id == entry["id"] and second.version == entry["version"] != first.version


def test_entries_are_told_apart_by_their_keys_and_kept_in_the_named_container(world: World) -> None:
    put(world, ENTRY, container="sales")
    put(world, ENTRY, "s-2", container="sales")
    assert [(one["container"], one["key"]) for one in kept(world)] == [("sales", "s-1"), ("sales", "s-2")]


def test_an_entry_whose_answer_was_lost_is_put_again_by_itself(world: World) -> None:
    rule = FaultRule(match="/custom-objects", method="POST", kind="status", status=502, body={})
    world.faults.add(rule)
    assert put(world, ENTRY).id == kept(world)[0]["id"]


@pytest.mark.parametrize("key", ["", "s 1", "s/1", "x" * 257])
def test_a_key_no_entry_may_have_is_refused_here(world: World, key: str) -> None:
    with pytest.raises(RecordRejected) as refused:
        put(world, ENTRY, key)
    assert refused.value.code == "unwritable" and kept(world) == []


def test_entries_need_no_channel_of_marks(world: World) -> None:
    config = settings({"since": None}, {"target": "entries"}, export_channel="nobodys")
    run(world, lambda a: a.put_entry("c-1", "s-1", ENTRY), config, writing=True)
    assert len(kept(world)) == 1


def test_an_entry_that_can_not_be_written_is_an_error_of_ours(world: World) -> None:
    body = {"statusCode": 400, "message": "m", "errors": [{"code": "InvalidInput", "message": "m"}]}
    world.faults.add(FaultRule(match="/custom-objects", method="POST", kind="status", status=400, body=body))
    with pytest.raises(SyncError):
        put(world, ENTRY)
