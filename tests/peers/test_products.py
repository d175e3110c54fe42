"""The product scenario with commercetools played by software no one here wrote, end states compared field by field."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.owners import TILL_PRICES
from tests.peers.views import attributes_of, current_variants, online_view, till_view
from tests.support.worlds import World, world_of

pytestmark = pytest.mark.peer
Json = dict[str, Any]


def shared_products(world: World) -> Iterator[tuple[str, Json]]:
    """Single-variant products that both sides have, unheld: the SKU, and the product online."""
    held = {hold.subject for hold in world.holds()}
    at_the_till = {row["sku"] for row in world.till.all_products()}
    linked = {link.commercetools_id for link in world.ledger.links.read("products", "variant")}
    for product in world.online_products():
        variants = current_variants(product)
        id = f"{product['id']}:{variants[0]['id']}"
        names = {f"commercetools:{id}", f"commercetools:{product['id']}"}
        if len(variants) == 1 and id in linked and not names & held and variants[0]["sku"] in at_the_till:
            yield variants[0]["sku"], product


def base_price(world: World, variant: Json) -> Json:
    """The one price of a variant that the settings speak of."""
    wanted = world.settings.products.price
    (found,) = [
        price
        for price in variant["prices"]
        if (price["value"]["currencyCode"], price.get("country")) == (wanted.currency, wanted.country)
        and not any(price.get(name) for name in ("channel", "customerGroup", "validFrom", "validUntil"))
    ]
    return dict(found)


def till_amount(world: World, row: Json) -> int:
    """The price of an article in cents, with or without tax as the settings count it."""
    name = "price_including_tax" if world.settings.products.price.tax == "included" else "price_excluding_tax"
    return int((Decimal(str(row[name])) * 100).to_integral_value())


# --- a shop online, an empty till -----------------------------------------------------------------------------------


def test_what_arrives_at_an_empty_till_is_what_the_shop_shows_online(first_alignment: World) -> None:
    world = first_alignment
    ran = world.run("products", "full")
    assert ran.accounts.add_up and ran.accounts.failed == 0
    assert world.writes("commercetools") == []
    rows = {row["sku"]: row for row in till_view(world)}
    held = {hold.label for hold in world.holds()}
    locale = world.settings.shop.till_locale
    arrived = 0
    for product in world.online_products():
        variants = [variant for variant in current_variants(product) if variant.get("sku") in rows]
        for variant in variants:
            row = rows[variant["sku"]]
            arrived += 1
            assert row["name"] == product["masterData"]["current"]["name"][locale]
            assert row["active"] is product["masterData"]["published"]
            assert till_amount(world, world.till_product(variant["sku"])) == int(
                base_price(world, variant)["value"]["centAmount"]
            )
            assert row["family"] == sorted(each["sku"] for each in variants)
            assert row["options"] or len(variants) == 1
            assert len(row["taxes"]) == 1
        missing = [each.get("sku") for each in current_variants(product) if each not in variants]
        ignored = not product["masterData"]["published"]
        assert ignored or all(sku is None or sku in held for sku in missing), missing
    assert arrived == len(rows) > 100


def test_the_till_ends_up_the_same_whoever_plays_commercetools(
    first_alignment: World, second_ledger_url: str, tmp_path: Path
) -> None:
    first_alignment.run("products", "full")
    with world_of(first_alignment.shop, second_ledger_url, tmp_path / "stand-in", TILL_PRICES) as stand_in:
        stand_in.run("products", "full")
        assert till_view(first_alignment) == till_view(stand_in)
        assert _held(first_alignment) == _held(stand_in)


def _held(world: World) -> list[tuple[str, str]]:
    """Holds by code and name; records without a name a person knows are named by their id, which differs."""
    named = {"sku_missing": ""}
    return sorted((hold.code, named.get(hold.code, hold.label or "")) for hold in world.holds())


def test_a_second_full_run_writes_nothing_on_either_side(first_alignment: World) -> None:
    first_alignment.run("products", "full")
    before = first_alignment.state()
    first_alignment.forget_requests()
    ran = first_alignment.run("products", "full")
    assert ran.accounts.changes == 0 and first_alignment.writes() == []
    assert first_alignment.state() == before  # versions and times included


def test_a_delta_carries_an_edit_online_and_an_edit_at_the_till(first_alignment: World) -> None:
    world = first_alignment
    world.run("products", "full")
    (sku, renamed), (other, priced) = list(shared_products(world))[:2]
    world.rename_online(renamed, "Ein neuer Name")
    world.till.edit_product(world.till_product(other)["id"], price="123")
    world.forget_requests()
    ran = world.run("products", "delta")
    assert ran.accounts.changes == ran.accounts.applied == 2 and ran.accounts.add_up
    assert [len(world.writes(system)) for system in ("commercetools", "lightspeed")] == [1, 1]
    assert world.till_product(sku)["name"] == "Ein neuer Name"
    _, variant = world.online_variant(other)
    assert base_price(world, variant)["value"]["centAmount"] == 12300
    before_it = current_variants(priced)[0]
    base = base_price(world, before_it)
    assert base_price(world, variant)["id"] == base["id"]
    assert base_price(world, variant).get("discounted") == base.get("discounted")
    assert [p for p in variant["prices"] if p["id"] != base["id"]] == [
        p for p in before_it["prices"] if p["id"] != base["id"]
    ]
    before = world.state()
    world.forget_requests()
    assert world.run("products", "delta").accounts.changes == 0
    assert world.run("products", "full").accounts.changes == 0
    assert world.writes() == [] and world.state() == before


# --- the sample shop: both sides have products already -------------------------------------------------------------


def test_both_sides_end_up_the_same_whoever_plays_commercetools(
    sample: World, second_ledger_url: str, tmp_path: Path
) -> None:
    ran = sample.run("products", "full")
    assert ran.accounts.add_up and ran.accounts.failed == 0
    assert len(sample.writes("commercetools")) >= 5  # what only the till had is created online
    with world_of(sample.shop, second_ledger_url, tmp_path / "stand-in") as stand_in:
        stand_in.run("products", "full")
        assert online_view(sample) == online_view(stand_in)
        assert till_view(sample) == till_view(stand_in)
        assert _held(sample) == _held(stand_in)


def test_a_second_full_run_of_two_filled_shops_writes_nothing(sample: World) -> None:
    sample.run("products", "full")
    before = sample.state()
    sample.forget_requests()
    ran = sample.run("products", "full")
    assert ran.accounts.changes == 0 and sample.writes() == [] and sample.state() == before


def test_every_field_the_till_owns_goes_online_and_a_full_run_then_finds_nothing_to_do(
    led_by_the_till: World,
) -> None:
    world = led_by_the_till
    world.run("products", "full")
    sku, product = next(iter(shared_products(world)))
    row = world.till_product(sku)
    brand = next(each for each in world.till.brands.live() if each.id != row["brand_id"])
    tags = list(world.till.tags.live())[:2]
    edits: Json = {
        "name": "Von der Kasse",
        "description": "<p>An der Kasse beschrieben</p>",
        "brand_id": brand.id,
        "tag_ids": [tag.id for tag in tags],
        "price": "77.70",
        "supply_price": "33.30",
    }
    world.till.edit_product(row["id"], **edits)
    ran = world.run("products", "delta")
    assert ran.accounts.failed == 0 and len(world.writes("commercetools")) > 0
    changed, variant = world.online_variant(sku)
    attributes = attributes_of(variant)
    shown = changed["masterData"]["current"]
    assert shown["name"]["de-DE"] == "Von der Kasse"
    assert shown["name"].get("en-GB") == product["masterData"]["current"]["name"].get("en-GB")
    assert shown["description"]["de-DE"] == "<p>An der Kasse beschrieben</p>"
    assert attributes["brand"]["label"] == brand.fields["name"]
    assert attributes["purchase-price"] == ["EUR", 3330]
    assert base_price(world, variant)["value"]["centAmount"] == 7770
    assert changed["masterData"]["hasStagedChanges"] is False
    world.forget_requests()
    assert world.run("products", "full").accounts.changes == 0 and world.writes() == []


def test_taking_an_article_out_of_sale_at_the_till_unpublishes_it_and_back(led_by_the_till: World) -> None:
    world = led_by_the_till
    world.run("products", "full")
    sku, product = next(iter(shared_products(world)))
    row = world.till_product(sku)
    for active in (False, True):
        world.till.edit_product(row["id"], is_active=active)
        ran = world.run("products", "delta")
        print(
            [
                (c.kind, c.action, c.before, c.after, c.reasons, c.label)
                for c in world.ledger.changes.read(ran.run_id)
            ]
        )
        assert ran.accounts.changes == ran.accounts.applied == 1
        assert world.online_variant(sku)[0]["masterData"]["published"] is active


def test_a_variant_added_at_the_till_is_added_online_with_what_all_variants_share(small: World) -> None:
    world = small
    world.run("products", "full")
    row = next(
        row
        for row in world.till.all_products()
        if row["variant_options"]
        and [o["name"] for o in row["variant_options"]] == ["Farbe", "Größe"]
        and not any(hold.label == row["sku"] for hold in world.holds())
        and row["product_suppliers"]
    )
    product, sister = world.online_variant(row["sku"])
    taken = {
        tuple(o["value"] for o in r["variant_options"])
        for r in world.till.all_products()
        if r["family_id"] == row["family_id"]
    }
    colour = row["variant_options"][0]
    size = next(s for s in ("XS", "S", "M", "L", "XL") if (colour["value"], s) not in taken)
    _add_at_the_till(
        world, row, "PEER-NEW", {colour["id"]: colour["value"], row["variant_options"][1]["id"]: size}
    )
    ran = world.run("products", "delta")
    assert ran.accounts.failed == 0
    grown, added = world.online_variant("PEER-NEW")
    assert grown["id"] == product["id"] and len(current_variants(grown)) == len(current_variants(product)) + 1
    attributes, theirs = attributes_of(added), attributes_of(sister)
    assert attributes["size"]["key"] == size and attributes["color"] == theirs["color"]
    for name in ("brand", "material", "activities", "waterproof"):
        assert attributes.get(name) == theirs.get(name), name
    assert base_price(world, added)["value"]["centAmount"] == till_amount(
        world, world.till_product("PEER-NEW")
    )
    world.forget_requests()
    assert world.run("products", "full").accounts.changes == 0 and world.writes() == []


def _add_at_the_till(world: World, sister: Json, sku: str, options: dict[str, str]) -> None:
    body = {
        "common": {"name": sister["name"]},
        "details": {
            "product_codes": [{"type": "CUSTOM", "code": sku}],
            "price_including_tax": float(sister["price_including_tax"]),
            "all_outlets_tax": {"tax_id": sister["outlet_taxes"][0]["tax_id"]},
            "variant_attribute_values": [
                {"attribute_id": id, "attribute_value": value} for id, value in options.items()
            ],
        },
    }
    answer = httpx.post(
        f"{world.till_url}/api/2.1/products",
        json=body,
        headers={"Authorization": f"Bearer {world.till_token}"},
        timeout=30,
    )
    assert answer.is_success, answer.text


def test_a_variant_added_online_arrives_in_its_family_at_the_till(small: World) -> None:
    world = small
    world.run("products", "full")
    row = next(
        row
        for row in world.till.all_products()
        if [o["name"] for o in row["variant_options"]] == ["Farbe", "Größe"]
        and not any(hold.label == row["sku"] for hold in world.holds())
    )
    product, sister = world.online_variant(row["sku"])
    attributes = {
        a["name"]: a["value"] for a in sister["attributes"] if a["name"] not in ("barcode", "supplier-code")
    }
    sizes = {attributes_of(v)["size"]["key"] for v in current_variants(product)}
    (size_type,) = [
        a["type"]
        for t in world.online.all("product-types")
        if t["id"] == product["productType"]["id"]
        for a in t["attributes"]
        if a["name"] == "size"
    ]
    attributes["size"] = next(v["key"] for v in size_type["values"] if v["key"] not in sizes)
    price = base_price(world, sister)
    world.online.update(
        "products",
        [
            {
                "action": "addVariant",
                "sku": "PEER-ONLINE",
                "staged": False,
                "prices": [
                    {"value": {"currencyCode": "EUR", "centAmount": 4321}, "country": price["country"]}
                ],
                "attributes": [{"name": n, "value": v} for n, v in attributes.items()],
            }
        ],
        id=product["id"],
    )
    ran = world.run("products", "delta")
    assert ran.accounts.failed == 0
    arrived = world.till_product("PEER-ONLINE")
    assert arrived["family_id"] == row["family_id"]
    assert till_amount(world, arrived) == 4321
    world.forget_requests()
    assert world.run("products", "full").accounts.changes == 0 and world.writes() == []


def test_unpublishing_online_deactivates_at_the_till_and_a_deletion_online_too(small: World) -> None:
    world = small
    world.run("products", "full")
    (sku, product), (other, deleted) = list(shared_products(world))[:2]
    world.online.update("products", [{"action": "unpublish"}], id=product["id"])
    world.run("products", "delta")
    assert world.till_product(sku)["active"] is False
    world.online.delete("products", id=deleted["id"])
    world.run("products", "full")
    assert world.till_product(other)["active"] is False
