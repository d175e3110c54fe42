"""What is written is what is read: against the stand-in, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.records.errors import DuplicateInTarget, RecordRejected
from retail_sync.records.types import plain_value
from retail_sync.settings.models import SyncSettings
from tests.lightspeed.till import Till, creation, make_settings, plain, read_all, record, update

TEE = {
    "name.en": "Tee",
    "description.en": "<p>Soft &amp; warm</p>",
    "brand": "Puma",
    "category": "Tops",
    "tags": ["new", "summer"],
    "supplier": "Acme",
    "tax_class": "reduced",
    "options": ["Colour", "Size"],
    "tracked": True,
}
RED = {
    "sku": "TEE-R",
    "barcodes": ["4006381333931"],
    "option_values": [["Colour", "Red"], ["Size", "M"]],
    "price": 2999,
    "supply_price": "12.5",
    "supplier_code": "A-1",
    "active": True,
}
BLUE = {
    "sku": "TEE-B",
    "barcodes": ["012345678905"],
    "option_values": [["Colour", "Blue"], ["Size", "M"]],
    "price": 3199,
    "supply_price": "12.75",
    "supplier_code": "A-2",
    "active": False,
}
MUG = {"name.en": "Mug", "tax_class": "standard", "tracked": True}


def shown(records: Any, product_id: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Plain merged values of a product and, by SKU, of its variants."""
    product = plain("product", records.products, record(records.products, "product", id=product_id))
    members = records.variants[records.variants["product_id"] == product_id]
    return product, {row["sku"]: plain("variant", members, row) for _, row in members.iterrows()}


@pytest.mark.parametrize("tax_exclusive", [False, True])
@pytest.mark.parametrize("side", ["included", "excluded"])
def test_a_created_family_reads_back_as_it_was_wanted(
    open_till: Callable[..., Till], tax_exclusive: bool, side: str
) -> None:
    till = open_till(tax_exclusive=tax_exclusive)
    settings = make_settings(price={"tax": side})

    async def work(adapter: XSeriesProducts) -> Any:
        written = await adapter.write(creation(TEE, RED, BLUE))
        assert written.dropped == ()
        return written, await read_all(adapter)

    written, records = till.run(settings, work)
    product, variants = shown(records, written.product_id)
    assert product == TEE
    assert variants == {"TEE-R": RED, "TEE-B": BLUE}


def test_variant_ids_belong_to_their_changes(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        first, second = (
            creation(TEE, RED, BLUE),
            creation(
                {**TEE, "name.en": "Other"},
                {**BLUE, "sku": "O-B", "barcodes": []},
                {**RED, "sku": "O-R", "barcodes": []},
            ),
        )
        return [(write, await adapter.write(write)) for write in (first, second)], await read_all(adapter)

    written, records = till.run(make_settings(), work)
    skus = dict(zip(records.variants["id"], records.variants["sku"], strict=True))
    for write, result in written:
        assert {skus[result.variant_ids[v.change_id]] for v in write.variants} == {
            v.fields["sku"] for v in write.variants
        }
        for v in write.variants:
            assert skus[result.variant_ids[v.change_id]] == v.fields["sku"]
        assert result.product_id == result.variant_ids[write.variants[0].change_id]


def test_what_is_not_documented_is_observed_once_so_later_creations_cost_two_requests(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> list[int]:
        counts = []
        for number in range(4):
            before = len(till.exchanges.kept)
            await adapter.write(
                creation({**MUG, "name.en": f"Mug {number}"}, {"sku": f"M{number}", "price": 500})
            )
            counts.append(len(till.exchanges.kept) - before)
        return counts

    # The first reads the new product; all need a PUT because creation ignores `track_inventory` here.
    assert till.run(make_settings(), work) == [3, 2, 2, 2]


def test_a_till_that_honours_tracking_at_creation_needs_one_request(open_till: Callable[..., Till]) -> None:
    till = open_till(create_honours_track_inventory=True)

    async def work(adapter: XSeriesProducts) -> int:
        await adapter.write(creation(MUG, {"sku": "M1", "price": 500}))
        before = len(till.exchanges.kept)
        await adapter.write(creation({**MUG, "name.en": "Cup"}, {"sku": "M2", "price": 500}))
        return len(till.exchanges.kept) - before

    assert till.run(make_settings(), work) == 1


def test_prices_leave_with_exact_digits(open_till: Callable[..., Till]) -> None:
    till = open_till(tax_exclusive=True, rate="0.15")

    async def work(adapter: XSeriesProducts) -> None:
        await adapter.write(creation(MUG, {"sku": "M1", "price": 3000}))

    till.run(make_settings(), work)
    body = next(e.request_body for e in till.exchanges.kept if e.method == "POST")
    assert body is not None and '"price_excluding_tax":26.08696' in body


def seeded(till: Till, **more: Any) -> str:
    """A family at the till as a person made it, with codes of its own."""
    store = till.store
    colour = store.add_variant_attribute("Colour")
    return str(
        store.add_product_family(
            "Tee",
            brand_id=store.add_brand("Puma"),
            tag_ids=[store.add_tag("summer")],
            variants=[
                {
                    "sku": "TEE-R",
                    "price": "30",
                    "product_codes": [
                        {"type": "EAN", "code": "4006381333931"},
                        {"type": "CUSTOM", "code": "SHELF-7"},
                    ],
                    "variant_definitions": [{"attribute_id": colour, "value": "Red"}],
                },
                {
                    "sku": "TEE-B",
                    "price": "31",
                    "variant_definitions": [{"attribute_id": colour, "value": "Blue"}],
                },
            ],
            **more,
        )[0]
    )


def changed(
    till: Till, settings: SyncSettings, parent: str, **what: Any
) -> tuple[Any, dict[str, Any], dict[str, dict[str, Any]]]:
    """Apply an update planned from a read; the result, and the product and variants read afterwards."""

    async def work(adapter: XSeriesProducts) -> Any:
        before = await read_all(adapter)
        till.exchanges.kept.clear()
        written = await adapter.write(update(before, parent, **what))
        sent = till.sent()
        return written, sent, await read_all(adapter)

    written, sent, after = till.run(settings, work)
    till.last_sent = sent
    return written, *shown(after, parent)


def writes(sent: list[str]) -> list[str]:
    return [line for line in sent if not line.startswith("GET")]


def test_a_changed_price_is_one_put_and_nothing_else_changes(till: Till) -> None:
    parent = seeded(till)

    async def read(adapter: XSeriesProducts) -> Any:
        return shown(await read_all(adapter), parent)

    product_before, before = till.run(make_settings(), read)
    _, product, variants = changed(till, make_settings(), parent, variants={"TEE-B": {"price": 2950}})
    assert len(till.last_sent) == 1
    assert product == product_before
    assert variants == {**before, "TEE-B": {**before["TEE-B"], "price": 2950}}


def test_family_fields_travel_with_the_first_changed_variant(till: Till) -> None:
    parent = seeded(till)
    _, product, variants = changed(
        till,
        make_settings(),
        parent,
        fields={"brand": "Acme", "tags": ["summer"], "tracked": False},
        variants={"TEE-R": {"price": 100}, "TEE-B": {"active": False}},
    )
    assert [line for line in till.last_sent if line.startswith("PUT")] == [
        f"PUT /api/2026-07/products/{parent}",
        *[f"PUT /api/2026-07/products/{v}" for v in till.store.products.rows if v != parent],
    ]
    assert (product["brand"], product["tags"], product["tracked"]) == ("Acme", ["summer"], False)
    assert variants["TEE-R"]["price"] == 100 and variants["TEE-B"]["active"] is False


def test_names_are_removed_and_lists_emptied(till: Till) -> None:
    parent = seeded(till)
    _, product, _ = changed(till, make_settings(), parent, fields={"brand": "", "tags": []})
    assert (product["brand"], product["tags"]) == ("", [])


def test_codes_nobody_here_manages_survive_a_new_barcode(till: Till) -> None:
    parent = seeded(till)
    changed(till, make_settings(), parent, variants={"TEE-R": {"barcodes": ["012345678905"]}})
    codes = till.store.product(parent)["product_codes"]
    assert [(c["type"], c["code"]) for c in codes] == [
        ("CUSTOM", "TEE-R"),
        ("UPC", "012345678905"),
        ("CUSTOM", "SHELF-7"),
    ]


def test_a_new_sku_takes_the_first_place_and_the_barcodes_stay(till: Till) -> None:
    parent = seeded(till)
    _, _, variants = changed(till, make_settings(), parent, variants={"TEE-R": {"sku": "TEE-RED"}})
    codes = [c["code"] for c in till.store.product(parent)["product_codes"]]
    assert codes == ["TEE-RED", "4006381333931", "SHELF-7"]
    assert variants["TEE-RED"]["barcodes"] == ["4006381333931"]


@pytest.mark.parametrize(
    ("tax_exclusive", "side"), [(False, "included"), (False, "excluded"), (True, "included")]
)
def test_a_new_tax_class_reaches_every_variant_and_keeps_their_canonical_prices(
    open_till: Callable[..., Till], tax_exclusive: bool, side: str
) -> None:
    till = open_till(tax_exclusive=tax_exclusive)
    parent = seeded(till)
    settings = make_settings(price={"tax": side})

    async def read(adapter: XSeriesProducts) -> Any:
        return shown(await read_all(adapter), parent)

    _, before = till.run(settings, read)
    _, product, variants = changed(till, settings, parent, fields={"tax_class": "reduced"})
    assert product["tax_class"] == "reduced"
    assert {sku: v["price"] for sku, v in variants.items()} == {sku: v["price"] for sku, v in before.items()}
    for member in till.store.products.rows.values():
        assert set(member.outlet_taxes.values()) == {till.store.reduced}  # type: ignore[attr-defined]


def test_a_tax_of_an_outlet_outside_the_configured_locations_is_kept(open_till: Callable[..., Till]) -> None:
    till = open_till(tax_exclusive=True)
    store: Any = till.store
    parent = seeded(till, outlet_taxes=[{"outlet_id": store.hamburg, "tax_id": store.no_tax_id}])
    settings = make_settings(price={"tax": "excluded"}, locations=[{"name": "Berlin", "outlet": "berlin"}])
    _, product, _ = changed(till, settings, parent, fields={"tax_class": "reduced"})
    assert product["tax_class"] == "reduced"
    for member in store.products.rows.values():
        assert member.outlet_taxes == {store.hamburg: store.no_tax_id, store.berlin: store.reduced}


def test_a_variant_is_added_to_a_family_with_everything_it_needs(till: Till) -> None:
    parent = seeded(till, all_outlets_tax={"tax_id": till.store.reduced})  # type: ignore[attr-defined]
    green = {
        "sku": "TEE-G",
        "barcodes": ["96385074"],
        "option_values": [["Colour", "Green"]],
        "price": 3300,
        "active": False,
    }
    written, product, variants = changed(
        till, make_settings(), parent, fields={"name.en": "Tee shirt"}, new=[green]
    )
    assert product["name.en"] == "Tee shirt" and product["tax_class"] == "reduced"
    assert {name: variants["TEE-G"][name] for name in green} == green
    assert till.store.product(next(iter(written.variant_ids.values())))["sku"] == "TEE-G"
    added = till.store.products.rows[next(iter(written.variant_ids.values()))]
    assert set(added.outlet_taxes.values()) == {till.store.reduced}  # type: ignore[attr-defined]


def test_supply_price_and_supplier_code_go_to_the_default_supplier(till: Till) -> None:
    parent = seeded(till)
    _, product, variants = changed(
        till,
        make_settings(),
        parent,
        fields={"supplier": "Acme"},
        variants={"TEE-R": {"supply_price": "7.125", "supplier_code": "X"}},
    )
    assert product["supplier"] == "Acme"
    assert (variants["TEE-R"]["supply_price"], variants["TEE-R"]["supplier_code"]) == ("7.125", "X")


def test_without_a_supplier_the_supply_price_is_reported_as_dropped(till: Till) -> None:
    parent = seeded(till)
    written, _, _ = changed(till, make_settings(), parent, variants={"TEE-R": {"supply_price": "7"}})
    assert [(field, why) for _, field, why in written.dropped] == [
        ("supply_price", "the till keeps it per supplier, and the product has none")
    ]
    assert writes(till.last_sent) == []


def test_fields_a_till_does_not_have_are_dropped_with_a_reason(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        return await adapter.write(
            creation(
                {
                    **MUG,
                    "name.de": "Tasse",
                    "published": True,
                    "images": ["https://x/y.jpg"],
                    "attr.fabric": "wool",
                },
                {"sku": "M1", "price": 500},
            )
        )

    assert {name for _, name, _ in till.run(make_settings(), work).dropped} == {
        "name.de",
        "published",
        "images",
        "attr.fabric",
    }


def test_a_category_with_subcategories_is_dropped_because_it_takes_no_products(till: Till) -> None:
    till.store.add_category("Shirts", till.store.add_category("Tops"))

    async def work(adapter: XSeriesProducts) -> Any:
        written = await adapter.write(creation({**MUG, "category": "Tops"}, {"sku": "M1", "price": 500}))
        return written, await adapter.write(
            creation({**MUG, "name.en": "Cup", "category": "shirts"}, {"sku": "M2", "price": 500})
        )

    dropped, kept = till.run(make_settings(), work)
    assert [name for _, name, _ in dropped.dropped] == ["category"]
    assert kept.dropped == ()
    assert till.store.product(kept.product_id)["type"]["name"] == "Shirts"


def test_lookups_are_created_once_even_when_many_writes_want_them_at_the_same_time(till: Till) -> None:
    import asyncio

    async def work(adapter: XSeriesProducts) -> None:
        await asyncio.gather(
            *(
                adapter.write(
                    creation(
                        {**MUG, "name.en": f"Mug {n}", "brand": "Puma", "tags": ["a"]},
                        {"sku": f"M{n}", "price": 1},
                    )
                )
                for n in range(6)
            )
        )

    till.run(make_settings(), work)
    assert len([line for line in till.sent("POST") if line.endswith("/brands")]) == 1
    assert len(till.store.brands.rows) == 1 and len(till.store.tags.rows) == 1


def test_a_lookup_somebody_else_creates_in_between_is_found(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> Any:
        await adapter.write(creation({**MUG, "brand": "Nike"}, {"sku": "M1", "price": 1}))
        till.store.add_brand("PUMA")
        return await adapter.write(
            creation({**MUG, "name.en": "Cup", "brand": "Puma"}, {"sku": "M2", "price": 1})
        )

    written = till.run(make_settings(), work)
    assert till.store.product(written.product_id)["brand"]["name"] == "PUMA"


def test_inventory_is_never_sent(till: Till) -> None:
    parent = seeded(till)
    changed(
        till,
        make_settings(),
        parent,
        fields={"tracked": True},
        variants={"TEE-R": {"price": 1, "active": True}},
    )

    async def work(adapter: XSeriesProducts) -> None:
        await adapter.write(creation(TEE | {"name.en": "T2"}, {**RED, "sku": "a", "barcodes": []}))

    till.run(make_settings(), work)
    assert not any(
        'inventory":[' in (e.request_body or "") or "current_amount" in (e.request_body or "")
        for e in till.exchanges.kept
    )


def test_an_unmapped_tax_class_rejects_the_record_alone(till: Till) -> None:
    async def work(adapter: XSeriesProducts) -> None:
        await adapter.write(creation({**MUG, "tax_class": "luxury"}, {"sku": "M1", "price": 500}))

    with pytest.raises(RecordRejected) as problem:
        till.run(make_settings(), work)
    assert problem.value.code == "tax_class_unmapped"
    assert not till.store.products.rows


def test_more_than_three_options_are_refused_before_anything_is_created(till: Till) -> None:
    names = ["Colour", "Size", "Fit", "Length"]

    async def work(adapter: XSeriesProducts) -> None:
        await adapter.write(
            creation(
                {**MUG, "options": names},
                {"sku": "M1", "price": 1, "option_values": [[n, "x"] for n in names]},
            )
        )

    with pytest.raises(RecordRejected) as problem:
        till.run(make_settings(), work)
    assert problem.value.code == "too_many_options"
    assert not till.store.variant_attributes.rows


def test_a_name_somebody_else_took_is_a_duplicate_that_names_the_product(till: Till) -> None:
    parent = seeded(till)

    async def work(adapter: XSeriesProducts) -> None:
        write = creation({**MUG, "name.en": "Tee"}, {"sku": "M1", "price": 500})
        assert await adapter.find(write) is None
        await adapter.write(write)

    with pytest.raises(DuplicateInTarget) as problem:
        till.run(make_settings(), work)
    assert (problem.value.field, problem.value.existing_id) == ("name", parent)


def test_mapped_attributes_go_to_their_places_and_come_back(till: Till) -> None:
    settings = make_settings(
        fields={
            "attr.account": {"lightspeed": "account_code"},
            "attr.weight": {"lightspeed": "weight"},
            "description": {"transforms": [{"kind": "strip_html"}]},
        }
    )
    fields = {**MUG, "attr.account": "4711", "description.en": "Line <one>\nline & two"}

    async def work(adapter: XSeriesProducts) -> Any:
        written = await adapter.write(creation(fields, {"sku": "M1", "price": 1, "attr.weight": "0.35"}))
        return written, await read_all(adapter)

    written, records = till.run(settings, work)
    product, variants = shown(records, written.product_id)
    assert product["attr.account"] == "4711" and variants["M1"]["attr.weight"] == "0.35"
    assert "two" in product["description.en"]
    assert till.store.product(written.product_id)["weight_unit"] == "KG"


def test_the_key_is_what_we_set_or_what_a_person_set(till: Till) -> None:
    till.store.add_product_family("Other", sku="o", source_id="THEIR-KEY")

    async def work(adapter: XSeriesProducts) -> Any:
        await adapter.write(creation(MUG, {"sku": "M1", "price": 500}, key="abc"))
        return await read_all(adapter)

    records = till.run(make_settings(), work)
    assert set(records.products["key"]) == {"abc", "THEIR-KEY"}
    assert plain_value("json", records.products["carry"].iloc[1])["source_id"] == "ct:abc"


def test_a_variant_can_be_added_and_changed_when_nothing_was_carried(till: Till) -> None:
    """Right after a creation the mirror knows the values but not what a read would carry."""

    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, RED))
        known = update(
            await read_all(adapter), made.product_id, None, {"TEE-R": {"barcodes": []}}, new=[BLUE]
        )
        bare = [replace(variant, carry={}) for variant in known.variants]
        await adapter.write(replace(known, carry={}, variants=bare))
        return made, await read_all(adapter)

    made, records = till.run(make_settings(), work)
    _, variants = shown(records, made.product_id)
    assert variants["TEE-R"]["barcodes"] == []
    assert {n: variants["TEE-B"][n] for n in ("price", "active", "barcodes", "option_values")} == {
        n: BLUE[n] for n in ("price", "active", "barcodes", "option_values")
    }


def test_a_loyalty_amount_of_a_new_family_follows_in_the_finishing_request(till: Till) -> None:
    settings = make_settings(fields={"attr.points": {"lightspeed": "loyalty_amount"}})

    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, {**RED, "attr.points": "1.5"}))
        return made, await read_all(adapter)

    made, records = till.run(settings, work)
    assert shown(records, made.product_id)[1]["TEE-R"]["attr.points"] == "1.5"


def test_an_inactive_standard_product_is_created_inactive_in_one_request(
    open_till: Callable[..., Till],
) -> None:
    till = open_till(create_honours_track_inventory=True)

    async def work(adapter: XSeriesProducts) -> Any:
        return await adapter.write(creation({**MUG, "brand": ""}, {"sku": "M", "price": 1, "active": False}))

    made = till.run(make_settings(), work)
    assert till.sent("PUT") == [] and till.store.product(made.product_id)["active"] is False


@pytest.mark.parametrize(
    "options",
    [
        {"reject_unknown_fields": True},
        {"money_as_strings": True},
        {"drop_version_envelope": True, "categories_double_nested": False},
        {"tax_exclusive": True, "show_including_tax_in_exclusive_stores": False},
        {"page_size_max": 1, "taxes_envelope_version": True, "tags_envelope_version": True},
        {"empty_put_answer": "always"},
    ],
)
def test_whatever_is_not_documented_a_family_reads_back_and_changes_back(
    open_till: Callable[..., Till], options: dict[str, Any]
) -> None:
    till = open_till(**options)

    async def work(adapter: XSeriesProducts) -> Any:
        made = await adapter.write(creation(TEE, RED, BLUE))
        first = await read_all(adapter)
        changes = {"TEE-R": {"price": 1234, "active": False}, "TEE-B": {"barcodes": ["96385074"]}}
        await adapter.write(
            update(first, made.product_id, {"description.en": "", "tax_class": "standard"}, changes)
        )
        second = await read_all(adapter)
        back = {"TEE-R": {"price": RED["price"], "active": True}, "TEE-B": {"barcodes": BLUE["barcodes"]}}
        fields = {"description.en": TEE["description.en"], "tax_class": "reduced"}
        await adapter.write(update(second, made.product_id, fields, back))
        return made, first, second, await read_all(adapter)

    made, first, second, third = till.run(make_settings(), work)
    assert (
        shown(first, made.product_id) == shown(third, made.product_id) == (TEE, {"TEE-R": RED, "TEE-B": BLUE})
    )
    assert shown(second, made.product_id)[1] == {
        "TEE-R": {**RED, "price": 1234, "active": False},
        "TEE-B": {**BLUE, "barcodes": ["96385074"]},
    }
