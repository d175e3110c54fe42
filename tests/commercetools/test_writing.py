"""Canonical changes become the fewest update actions, and what they did reads back as what was wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from retail_sync.commercetools.api.writing import product_action, update_body
from retail_sync.commercetools.products.drafts import key_of, slugs
from retail_sync.records.errors import ConfigurationFault, RecordRejected, StaleTarget
from retail_sync.records.products import ProductTables
from tests.commercetools.world import Json, World, new_product, product_row, settings, variant, variant_row

LIVE = {"staged": False}


def sent(world: World) -> list[Json]:
    """The actions of every product update that was sent."""
    bodies = [json.loads(r.body) for r in world.requests("POST", "/products/")]
    return [action for body in bodies for action in body["actions"]]


def test_one_changed_name_is_one_action_and_keeps_other_locales(world: World) -> None:
    product = world.product(name={"en-GB": "Jacket", "de-DE": "Jacke", "fr-FR": "Veste"})
    written = world.change(product["id"], {"name.en-GB": "Coat"})
    name = {"en-GB": "Coat", "de-DE": "Jacke", "fr-FR": "Veste"}
    assert sent(world) == [{"action": "changeName", "name": name, **LIVE}]
    assert product_row(written.after or world.read())["name.en-GB"] == "Coat"
    assert written.version == world.stored(product["id"])["version"]
    assert written.exchange_ids and not written.dropped


def test_a_changed_price_changes_that_price_and_no_other(world: World) -> None:
    prices: list[Json] = [
        {"value": {"currencyCode": "EUR", "centAmount": 1}, "country": "GB"},
        {
            "key": "base",
            "value": {"currencyCode": "EUR", "centAmount": 1999},
            "country": "DE",
            "validFrom": "2020-01-01T00:00:00.000Z",
            "tiers": [{"minimumQuantity": 10, "value": {"currencyCode": "EUR", "centAmount": 999}}],
        },
        {"value": {"currencyCode": "GBP", "centAmount": 3}},
    ]
    product = world.product({"sku": "J-1", "prices": prices})
    before = world.stored(product["id"])["masterData"]["current"]["masterVariant"]["prices"]
    world.change(product["id"], variants={"J-1": {"price": 2499}})
    after = world.stored(product["id"])["masterData"]["current"]["masterVariant"]["prices"]
    (action,) = sent(world)
    assert action["action"] == "changePrice"
    assert action["priceId"] == before[1]["id"]
    assert [p for p in after if p in before] == [before[0], before[2]]
    (changed,) = (p for p in after if p not in before)
    expected = {**before[1], "value": {**before[1]["value"], "centAmount": 2499}}
    assert {k: v for k, v in changed.items() if k != "id"} == {k: v for k, v in expected.items() if k != "id"}


def test_a_missing_price_is_added_in_the_base_scope(world: World) -> None:
    product = world.product(variant("J-1", None))
    world.change(product["id"], variants={"J-1": {"price": 500}})
    price = {"value": {"currencyCode": "EUR", "centAmount": 500}, "country": "DE"}
    assert sent(world) == [{"action": "addPrice", "variantId": 1, "price": price, **LIVE}]


def test_a_price_is_converted_to_what_the_tax_category_holds(world: World) -> None:
    product = world.product(taxCategory={"typeId": "tax-category", "key": "on-top"})
    world.change(product["id"], variants={"J-1": {"price": 11900}})
    assert sent(world)[0]["price"]["value"]["centAmount"] == 10000
    assert variant_row(world.read())["price"] == 11900


def test_a_price_that_can_not_be_held_to_the_cent_is_written_as_near_as_it_goes_and_told(
    world: World,
) -> None:
    product = world.product(taxCategory={"typeId": "tax-category", "key": "on-top"})
    written = world.change(
        product["id"], variants={"J-1": {"price": 10004}}
    )  # net 84.07, which is gross 100.04
    assert not written.dropped
    written = world.change(product["id"], variants={"J-1": {"price": 10003}})  # net 84.06 is gross 100.03
    assert not written.dropped
    written = world.change(product["id"], variants={"J-1": {"price": 3}})  # net 0.03 is gross 0.04
    assert written.dropped == [("change-J-1", "price", "the nearest price that can be held comes to 4")]
    assert variant_row(world.read())["price"] == 4


def test_a_price_without_tax_rate_is_left_out_and_told(world: World) -> None:
    product = world.product(taxCategory=None)
    written = world.change(product["id"], variants={"J-1": {"price": 500}})
    assert sent(world) == []
    ((change, field, why),) = written.dropped
    assert (change, field) == ("change-J-1", "price") and "no rate for DE" in why


def test_an_attribute_all_variants_share_is_set_once(world: World) -> None:
    product = world.product(variant("J-1", brand="acme"), variant("J-2", brand="acme"))
    world.change(product["id"], {"brand": "Globex", "tags": ["b", "a"]})
    assert [(a["action"], a["name"], a["value"]) for a in sent(world)] == [
        ("setAttributeInAllVariants", "brand", "globex"),
        ("setAttributeInAllVariants", "labels", ["b", "a"]),
    ]
    row = product_row(world.read())
    assert (row["brand"], row["tags"]) == ("Globex", ["a", "b"])


def test_an_emptied_attribute_is_removed(world: World) -> None:
    product = world.product(variant("J-1", ean="4006381333931"))
    world.change(product["id"], variants={"J-1": {"barcodes": []}})
    assert sent(world) == [{"action": "setAttribute", "variantId": 1, "name": "ean", **LIVE}]
    assert variant_row(world.read())["barcodes"] == []


def test_a_localized_option_keeps_its_other_locales(world: World) -> None:
    product = world.product(
        variant("J-1", color={"en-GB": "Red", "de-DE": "Rot"}, size="s"), variant("J-2", size="m")
    )
    world.change(
        product["id"], variants={"J-1": {"option_values": [["Colour", "Crimson"], ["Size", "Large"]]}}
    )
    values = {
        a["name"]: a["value"]
        for a in world.stored(product["id"])["masterData"]["current"]["masterVariant"]["attributes"]
    }
    assert values["color"] == {"en-GB": "Crimson", "de-DE": "Rot"}
    assert values["size"]["key"] == "l"


def test_an_enum_value_nobody_knows_is_left_out_and_told(world: World) -> None:
    product = world.product(variant("J-1", brand="acme"))
    written = world.change(product["id"], {"brand": "Initech", "name.en-GB": "Coat"})
    assert [action["action"] for action in sent(world)] == ["changeName"]
    assert [(change, field) for change, field, _ in written.dropped] == [("change-product", "brand")]


def test_a_field_without_a_place_is_told(world: World) -> None:
    product = world.product()
    written = world.change(product["id"], {"supplier": "Initech"}, {"J-1": {"supplier_code": "X1"}})
    assert {field for _, field, _ in written.dropped} == {"supplier", "supplier_code"}
    assert written.already_there


def test_only_the_first_barcode_is_held_by_a_text(world: World) -> None:
    product = world.product()
    written = world.change(product["id"], variants={"J-1": {"barcodes": ["4006381333931", "96385074"]}})
    assert variant_row(world.read())["barcodes"] == ["4006381333931"]
    assert [field for _, field, _ in written.dropped] == ["barcodes"]


def test_codes_that_do_not_sync_stay_in_a_set(world: World) -> None:
    product = world.product(variant("J-1", codes=["J-1", "111", "222"]))
    config = settings(fields={"barcodes": {"commercetools": "attribute:codes"}})
    world.change(product["id"], variants={"J-1": {"barcodes": ["333"]}}, config=config)
    attributes = world.stored(product["id"])["masterData"]["current"]["masterVariant"]["attributes"]
    assert {tuple(sorted(a["value"])) for a in attributes if a["name"] == "codes"} == {("222", "333", "J-1")}


def test_the_tax_category_comes_first_and_decides_how_the_price_is_written(world: World) -> None:
    product = world.product()
    world.change(product["id"], {"tax_class": "On top"}, {"J-1": {"price": 11900}})
    first, second = sent(world)
    assert first["action"] == "setTaxCategory" and first["taxCategory"]["id"] == world.id_of(
        "tax-categories", "on-top"
    )
    assert second["price"]["value"]["centAmount"] == 10000


def test_the_category_that_shows_is_exchanged_and_others_stay(world: World) -> None:
    product = world.product(categories=[{"typeId": "category", "key": "wear"}])
    world.change(product["id"], {"category": "Jackets"})
    assert [action["action"] for action in sent(world)] == ["addToCategory", "removeFromCategory"]
    assert product_row(world.read())["category"] == "Jackets"


def test_a_category_that_would_not_show_is_not_written(world: World) -> None:
    product = world.product(categories=[{"typeId": "category", "key": k} for k in ("wear", "jackets")])
    written = world.change(product["id"], {"category": "Wear", "name.en-GB": "Coat"})
    assert product_row(world.read())["category"] == "Wear"  # `jackets` goes, `wear` is already there
    written = world.change(product["id"], {"category": "Nowhere"})
    assert [field for _, field, _ in written.dropped] == ["category"]


def test_a_new_variant_repeats_what_all_variants_share(world: World) -> None:
    product = world.product(variant("J-1", brand="acme", care={"en-GB": "Cold"}, color={"en-GB": "Red"}))
    fields = {"sku": "J-2", "price": 900, "option_values": [["Colour", "Blue"]], "barcodes": ["96385074"]}
    written = world.change(product["id"], new=[fields])
    assert written.variant_ids == {"new-0": f"{product['id']}:2"}
    tables = world.read()
    assert variant_row(tables, "J-2")["option_values"] == [["Colour", "Blue"]]
    assert variant_row(tables, "J-2")["price"] == 900
    stored = world.stored(product["id"])["masterData"]["current"]["variants"][0]
    shared = {a["name"]: a["value"] for a in stored["attributes"]}
    assert shared["care"] == {"en-GB": "Cold"}
    assert shared["brand"]["key"] == "acme"


def test_more_than_a_hundred_variants_are_refused_before_anything_is_sent(world: World) -> None:
    product = world.product(*(variant(f"J-{n}") for n in range(100)))
    with pytest.raises(RecordRejected) as refused:
        world.change(product["id"], new=[{"sku": "J-100"}])
    assert refused.value.code == "too_many_variants"
    assert sent(world) == []


def test_a_sku_with_stock_is_not_changed(world: World) -> None:
    product = world.product()
    world.store.create("inventory", {"sku": "J-1", "quantityOnStock": 3})
    with pytest.raises(RecordRejected) as refused:
        world.change(product["id"], variants={"J-1": {"sku": "J-9"}})
    assert refused.value.code == "sku_change"
    assert sent(world) == []


def test_a_sku_without_stock_is_changed(world: World) -> None:
    product = world.product()
    world.change(product["id"], variants={"J-1": {"sku": "J-9"}})
    assert sent(world) == [{"action": "setSku", "variantId": 1, "sku": "J-9", **LIVE}]


def test_more_than_500_actions_go_in_several_requests(world: World) -> None:
    skus = [f"J-{n}" for n in range(100)]
    product = world.product(*(variant(sku, 100, ean=f"{n:08}", material="x") for n, sku in enumerate(skus)))
    wanted = {
        sku: {
            "price": 200,
            "barcodes": [f"9{n:07}"],
            "attr.material": "y",
            "attr.weight": str(n),
            "supply_price": "1",
            "option_values": [["Colour", f"c{n}"]],
        }
        for n, sku in enumerate(skus)
    }
    world.change(product["id"], variants=wanted)
    counts = [len(json.loads(r.body)["actions"]) for r in world.requests("POST", "/products/")]
    assert counts == [500, 100]
    tables = world.read()
    assert set(tables.variants["price"]) == {200}
    assert variant_row(tables, "J-99")["option_values"] == [["Colour", "c99"]]


# ------------------------------------------------------------ live, staged, publish


def test_live_changes_are_seen_at_once_and_leave_an_editors_draft_alone(world: World) -> None:
    product = world.product()
    world.edit(product, {"action": "setDescription", "description": {"en-GB": "Draft"}, "staged": True})
    world.change(product["id"], {"name.en-GB": "Coat"})
    data = world.stored(product["id"])["masterData"]
    assert data["current"]["name"] == data["staged"]["name"] == {"en-GB": "Coat"}
    assert "description" not in data["current"] and data["staged"]["description"] == {"en-GB": "Draft"}


def test_staged_changes_wait_for_a_person(world: World) -> None:
    product = world.product()
    world.change(product["id"], {"name.en-GB": "Coat"}, config=settings(write="staged"))
    data = world.stored(product["id"])["masterData"]
    assert data["current"]["name"] == {"en-GB": "Jacket"} and data["staged"]["name"] == {"en-GB": "Coat"}


def test_publish_publishes_what_nobody_else_was_editing(world: World) -> None:
    product = world.product()
    world.change(product["id"], {"name.en-GB": "Coat"}, config=settings(write="publish"))
    assert [action["action"] for action in sent(world)] == ["changeName", "publish"]
    assert not world.stored(product["id"])["masterData"]["hasStagedChanges"]


def test_publish_never_publishes_an_editors_draft(world: World) -> None:
    product = world.product()
    world.edit(product, {"action": "setDescription", "description": {"en-GB": "Draft"}, "staged": True})
    world.change(product["id"], {"name.en-GB": "Coat"}, config=settings(write="publish"))
    data = world.stored(product["id"])["masterData"]
    assert data["current"]["name"] == {"en-GB": "Coat"} and "description" not in data["current"]


def test_a_product_is_unpublished_when_no_variant_is_sold(world: World) -> None:
    product = world.product(variant("J-1"), variant("J-2"))
    world.change(product["id"], variants={"J-1": {"active": False}, "J-2": {"active": False}})
    assert sent(world) == [{"action": "unpublish"}]
    assert world.read().variants["active"].tolist() == [False, False]


def test_one_inactive_variant_hides_no_other(world: World) -> None:
    product = world.product(variant("J-1"), variant("J-2"))
    written = world.change(product["id"], variants={"J-1": {"active": False}})
    assert sent(world) == []
    assert [(change, field) for change, field, _ in written.dropped] == [("change-J-1", "active")]


def test_an_active_variant_publishes_its_product(world: World) -> None:
    product = world.product(publish=False)
    assert world.read().variants["active"].tolist() == [False]
    world.change(product["id"], variants={"J-1": {"active": True}})
    assert sent(world) == [{"action": "publish", "scope": "All"}]


# ------------------------------------------------------------ creating


TILL_PRODUCT: Json = {
    "name.en-GB": "Rain Jacket / 2",
    "name.de-DE": "Regenjacke Größe",
    "description.en-GB": "Dry.",
    "brand": "Acme",
    "category": "Jackets",
    "tags": ["new"],
    "tax_class": "On top",
    "images": ["https://images.example.com/1.jpg"],
}
TILL_VARIANTS: tuple[Json, Json] = (
    {
        "sku": "T/1",
        "price": 11900,
        "active": True,
        "barcodes": ["0012345"],
        "option_values": [["Colour", "Red"], ["Size", "Small"]],
        "supply_price": "12.5",
        "attr.weight": "0.75",
    },
    {
        "sku": "T 2",
        "price": 5950,
        "active": False,
        "barcodes": [],
        "option_values": [["Colour", "Red"], ["Size", "Large"]],
    },
)


def _agrees(tables: ProductTables, product_id: str, product: Json, variants: tuple[Json, ...]) -> None:
    (row,) = (r for _, r in tables.products.iterrows() if r["id"] == product_id)
    from tests.commercetools.world import plain

    shown = plain("product", row)
    assert {name: shown.get(name) for name in product} == product
    for wanted in variants:
        seen = variant_row(tables, wanted["sku"])
        assert {name: seen.get(name) for name in wanted if name != "active"} == {
            name: value for name, value in wanted.items() if name != "active"
        }


def test_a_created_product_reads_back_as_it_was_wanted(world: World) -> None:
    written = world.write(new_product(TILL_PRODUCT, *TILL_VARIANTS))
    assert written.after is not None
    # One variant is not sold, its sister is: commercetools publishes whole products.
    assert [name for _, name, _ in written.dropped] == ["active"]
    _agrees(written.after, written.product_id, TILL_PRODUCT, TILL_VARIANTS)
    _agrees(world.read(), written.product_id, TILL_PRODUCT, TILL_VARIANTS)
    assert written.variant_ids == {
        "change-0": f"{written.product_id}:1",
        "change-1": f"{written.product_id}:2",
    }
    stored = world.stored(written.product_id)
    assert stored["key"] == "lightspeed-77"
    assert stored["masterData"]["published"]
    assert set(stored["masterData"]["current"]["slug"]) == {"en-GB", "de-DE"}


def test_two_products_of_one_name_get_different_slugs(world: World) -> None:
    for key in ("lightspeed-1", "lightspeed-2"):
        world.write(new_product({"name.en-GB": "Mug", "tax_class": "Standard"}, {"sku": key}, key=key))
    assert len(world.read().products) == 2


def test_a_product_of_inactive_variants_is_created_unpublished(world: World) -> None:
    world.write(new_product({"name.en-GB": "Mug", "tax_class": "Standard"}, {"sku": "M", "active": False}))
    assert world.read().products["published"].tolist() == [False]


def test_nothing_is_created_without_a_product_type(world: World) -> None:
    with pytest.raises(ConfigurationFault, match="products.product_type"):
        world.run(lambda a: a.write(new_product(TILL_PRODUCT, {"sku": "1"})), settings(product_type=None))


@given(some.text(min_size=1, max_size=300))
def test_any_text_makes_a_valid_key_and_slug(text: str) -> None:
    from pydantic import TypeAdapter

    from retail_sync.commercetools.api.writing import Key, Slug

    TypeAdapter(Key).validate_python(key_of(text))
    TypeAdapter(Slug).validate_python(slugs({"en-GB": text}, "key")["en-GB"])


def test_different_texts_make_different_keys() -> None:
    assert len({key_of("a b"), key_of("a/b"), key_of("a-b"), key_of("x" * 300), key_of("x" * 301)}) == 5


def test_an_unknown_field_never_leaves() -> None:
    with pytest.raises(ValueError, match="extra"):
        product_action(
            "addPrice",
            variantId=1,
            price={"value": {"currencyCode": "EUR", "centAmount": 1}, "tax": 1},
            staged=False,
        )
    with pytest.raises(ValueError, match="at most 500|500 items"):
        update_body(1, *[product_action("unpublish")] * 501)


# ------------------------------------------------------------ any change reads back


WORDS = some.text(alphabet="abcäß 09-.'&<", min_size=1, max_size=20).map(str.strip).filter(bool)
DIGITS = some.text(alphabet="0123456789", min_size=1, max_size=14)
PRODUCT_FIELDS: dict[str, Any] = {
    "name.en-GB": WORDS,
    "name.de-DE": some.one_of(some.just(""), WORDS),
    "description.en-GB": some.one_of(some.just(""), WORDS),
    "brand": some.sampled_from(["", "Acme", "Globex"]),
    "tags": some.lists(WORDS, max_size=3, unique=True).map(sorted),
    "tax_class": some.sampled_from(["Standard", "On top"]),
    "category": some.sampled_from(["Wear", "Jackets", "Sale"]),
}
VARIANT_FIELDS: dict[str, Any] = {
    "price": some.integers(1, 10_000_000),
    "barcodes": some.lists(DIGITS, max_size=1),
    "supply_price": some.integers(1, 99999).map(lambda cents: f"{cents / 100:.2f}".rstrip("0").rstrip(".")),
    "attr.material": some.one_of(some.just(""), WORDS),
    "attr.weight": some.sampled_from(["", "0", "1", "2.125", "1000000.5"]),
    "option_values": some.tuples(WORDS, some.sampled_from(["Small", "Medium", "Large"])).map(
        lambda pair: [["Colour", pair[0]], ["Size", pair[1]]]
    ),
}


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    product=some.fixed_dictionaries({}, optional=PRODUCT_FIELDS),
    first=some.fixed_dictionaries({}, optional=VARIANT_FIELDS),
    second=some.fixed_dictionaries({}, optional=VARIANT_FIELDS),
)
def test_whatever_is_written_reads_back_and_is_not_written_again(
    product: Json, first: Json, second: Json
) -> None:
    world = World()
    old = world.product(
        variant("J-1", brand="acme", color={"en-GB": "Red", "de-DE": "Rot"}, size="s", ean="123", weight=3),
        variant("J-2", brand="acme", color={"en-GB": "Blue"}, size="m", material="wool"),
        name={"en-GB": "Jacket", "de-DE": "Jacke"},
        categories=[{"typeId": "category", "key": "wear"}],
    )
    from retail_sync.records.types import clean_text

    wanted = {name: clean_text(value) if isinstance(value, str) else value for name, value in product.items()}
    variants = {"J-1": first, "J-2": second}
    write = world.planned(old["id"], wanted, variants)
    written = world.write(write)
    lost = {(change, field) for change, field, _ in written.dropped}
    after = written.after or world.read()
    shown = product_row(after)
    assert all(shown.get(n) == v for n, v in wanted.items() if ("change-product", n) not in lost)
    for sku, fields in variants.items():
        seen = variant_row(after, sku)
        for name, value in fields.items():
            if (f"change-{sku}", name) not in lost:
                assert seen.get(name) == value
    # Net prices can't hold every gross amount; everything else is held.
    assert {name for _, name in lost} <= ({"price"} if wanted.get("tax_class") == "On top" else set())
    found = world.run(lambda adapter: adapter.find(write))
    assert found is not None and found.already_there
    world.faults.clear_requests()
    world.write(world.planned(old["id"], wanted, variants))
    assert [a for a in sent(world) if a["action"] != "changePrice"] == []  # an amount is sent as it is told


def test_a_variant_is_not_added_to_a_product_that_changed(world: World) -> None:
    product = world.product()
    write = world.planned(product["id"], new=[{"sku": "J-2"}])
    world.edit(product, {"action": "changeName", "name": {"en-GB": "Parka"}, "staged": False})
    with pytest.raises(StaleTarget):
        world.write(write)
    assert world.requests("POST", "/products/") == []


def test_an_external_discount_survives_a_price_change(world: World) -> None:
    rule = {"value": {"type": "external"}, "predicate": "1 = 1", "sortOrder": "0.5", "isActive": True}
    discount = world.store.create("product-discounts", {"name": {"en-GB": "Ours"}, **rule})
    reference = {"typeId": "product-discount", "id": discount["id"]}
    value = {"currencyCode": "EUR", "centAmount": 1999}
    price = {
        "value": value,
        "country": "DE",
        "discounted": {"value": {**value, "centAmount": 999}, "discount": reference},
    }
    product = world.product({"sku": "J-1", "prices": [price]})
    world.change(product["id"], variants={"J-1": {"price": 2100}})
    (kept,) = world.stored(product["id"])["masterData"]["current"]["masterVariant"]["prices"]
    assert kept["value"]["centAmount"] == 2100
    assert kept["discounted"]["value"]["centAmount"] == 999


def test_a_standalone_price_is_changed_at_its_own_version(world: World) -> None:
    product = world.product(variant("J-1", None), priceMode="Standalone")
    value = {"currencyCode": "EUR", "centAmount": 500}
    world.store.create("standalone-prices", {"sku": "J-1", "value": value, "country": "DE"})
    world.change(product["id"], variants={"J-1": {"price": 650}})
    assert variant_row(world.read())["price"] == 650
    assert world.requests("POST", "/products/") == []
