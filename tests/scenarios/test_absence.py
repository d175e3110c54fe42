"""A list that lacks rows deletes nothing: what was not met is asked for by its id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.shop import Shop
from sandbox.shop.config import ROLE_NAMES
from tests.support.worlds import World, world_of

LISTS = {"commercetools": "/product-projections$", "lightspeed": "/products$"}
ALWAYS: dict[str, Any] = {"method": "GET", "times": None}


def shorten(world: World, system: str, kind: str = "short_list", **more: Any) -> None:
    world.faults[system].add({"match": LISTS[system], "kind": kind, **ALWAYS, **more})


def states(world: World) -> dict[str, int]:
    """How many products are offered on each side."""
    published = sum(bool(one["masterData"]["published"]) for one in world.online_products())
    return {"online": published, "till": sum(bool(row["active"]) for row in world.till.all_products())}


@pytest.mark.parametrize(
    ("system", "kind"),
    [("lightspeed", "short_list"), ("commercetools", "short_list"), ("commercetools", "empty_list")],
)
def test_a_full_run_whose_lists_lack_half_of_their_rows_writes_nothing(
    sample: World, system: str, kind: str
) -> None:
    sample.run("products", "full")
    sample.run("products", "full")
    before, offered = sample.state(), states(sample)
    assert offered["till"] > 100
    shorten(sample, system, kind)
    sample.forget_requests()
    ran = sample.run("products", "full")
    assert sample.writes() == [] and ran.accounts.changes == 0
    assert (sample.state(), states(sample)) == (before, offered)
    sample.faults[system].clear()
    assert sample.run("products", "full").accounts.changes == 0
    assert sample.state() == before


# ---------------------------------------------------------------- a small shop


def small(shop: Shop, count: int = 6, variants: int = 100) -> Shop:
    """The first few products of a shop that are online only and have so many variants at most, and nothing else."""
    at_the_till = {variant["sku"] for family in shop.lightspeed.families for variant in family["variants"]}
    products = [
        product
        for product in shop.products
        if not {one.get("sku") for one in [product["masterVariant"], *product.get("variants", [])]}
        & at_the_till
        and len(product.get("variants", [])) < variants
    ]
    till = replace(shop.lightspeed, families=[], price_books=[], customers=[])
    return replace(shop, products=products[:count], inventory=[], customers=[], orders=[], lightspeed=till)


@pytest.fixture
def few(sample_shop: Shop, ledger_url: str, tmp_path: Path) -> Iterator[World]:
    with world_of(small(sample_shop), ledger_url, tmp_path) as world:
        world.run("products", "full")
        assert world.run("products", "full").accounts.changes == 0
        yield world


def draft_of(product: dict[str, Any]) -> dict[str, Any]:
    """The draft of a product that looks like this one."""
    data = product["masterData"]["current"]
    named = ("sku", "prices", "attributes", "images")
    variants = [
        {name: variant[name] for name in named if name in variant}
        for variant in [data["masterVariant"], *data["variants"]]
    ]
    for variant in variants:
        variant["prices"] = [
            {name: value for name, value in price.items() if name != "id"} for price in variant["prices"]
        ]
    return {
        "productType": product["productType"],
        "name": data["name"],
        "slug": {locale: f"{slug}-again" for locale, slug in data["slug"].items()},
        "taxCategory": product["taxCategory"],
        "categories": data["categories"],
        "masterVariant": variants[0],
        "variants": variants[1:],
        "publish": True,
    }


def take_off(world: World, product: dict[str, Any]) -> None:
    world.online.update("products", [{"action": "unpublish"}], id=product["id"])
    world.online.delete("products", id=product["id"])


def linked_product(world: World) -> dict[str, Any]:
    linked = {link.commercetools_id for link in world.ledger.links.read("products", "product")}
    return next(one for one in world.online_products() if one["id"] in linked)


def test_a_product_made_anew_online_is_linked_again_by_the_delta(few: World) -> None:
    old = linked_product(few)
    data = old["masterData"]["current"]
    skus = [one["sku"] for one in [data["masterVariant"], *data["variants"]]]
    before = {sku: few.till_product(sku)["id"] for sku in skus}
    take_off(few, old)
    new = few.online.create("products", draft_of(old))
    few.run("products", "delta")
    assert [hold.code for hold in few.holds()] == []
    assert {sku: few.till_product(sku)["id"] for sku in skus} == before, "nothing was made twice"
    links = {
        link.lightspeed_id: link.commercetools_id for link in few.ledger.links.read("products", "variant")
    }
    assert {links[one].partition(":")[0] for one in before.values()} == {new["id"]}
    assert all(few.till_product(sku)["active"] for sku in skus)
    names = {locale: f"{name} (neu)" for locale, name in new["masterData"]["current"]["name"].items()}
    few.online.update("products", [{"action": "changeName", "name": names, "staged": False}], id=new["id"])
    few.run("products", "delta")
    assert few.till_product(skus[0])["name"].endswith("(neu)"), "edits travel"
    assert few.run("products", "full").accounts.changes == 0


def test_what_vanished_is_switched_off_by_proof_alone_and_on_again_when_it_is_back(few: World) -> None:
    product = linked_product(few)
    sku = product["masterData"]["current"]["masterVariant"]["sku"]
    record = few.till_product(sku)["id"]
    few.till.delete_product(record, whole_family=True)
    few.run("products", "delta")
    shown = few.online.get("products", id=product["id"])
    assert shown is not None and shown["masterData"]["published"] is False
    assert few.run("products", "full").accounts.changes == 0, "what we did is nobody's edit"


@pytest.mark.parametrize("kind", ["short_list", "empty_list"])
@pytest.mark.parametrize("match", ["/product-selections/[^/]+/products$", "/product-selections$|/stores$"])
def test_a_selection_whose_list_came_short_takes_nothing_out_of_sale(
    kind: str, match: str, sample_shop: Shop, ledger_url: str, tmp_path: Path
) -> None:
    rule = {"commercetools": {"product_selections": ["till"]}}
    settings = {"products": {"assortment": rule}}
    with world_of(small(sample_shop, 4), ledger_url, tmp_path, settings) as world:
        world.online.create("product-selections", {"key": "till", "name": {"en": "Till"}})
        for product in world.online_products():
            action = {"action": "addProduct", "product": {"typeId": "product", "id": product["id"]}}
            world.online.update("product-selections", [action], key="till")
        world.run("products", "full")
        before = world.state()
        world.faults["commercetools"].add({"match": match, "kind": kind, "method": "GET", "times": 2})
        assert world.run("products", "full").accounts.changes == 0
        assert world.state() == before


@pytest.mark.parametrize("owner", ["commercetools", "lightspeed", "newest", "review"])
def test_a_variant_that_is_off_at_the_till_beside_a_sister_that_is_sold_stays_so(
    owner: str, sample_shop: Shop, ledger_url: str, tmp_path: Path
) -> None:
    settings = {"products": {"fields": {"active": {"owner": owner, "commercetools": "published"}}}}
    families = [
        one for one in sample_shop.lightspeed.families if len(one["variants"]) > 1 and one.get("options")
    ]
    shop = small(sample_shop, 1)
    shop = replace(shop, lightspeed=replace(shop.lightspeed, families=families[:6]))
    with world_of(shop, ledger_url, tmp_path, settings) as world:
        pairs = [(one["variants"][0]["sku"], one["variants"][-1]["sku"]) for one in families[:6]]
        for _, off in pairs:
            world.till.edit_product(world.till_product(off)["id"], is_active=False)
        world.run("products", "full")
        assert world.run("products", "full").accounts.changes == 0
        online = {
            variant.get("sku"): product["masterData"]["published"]
            for product in world.online_products()
            for variant in _variants(product)
        }
        made = [(sold, off) for sold, off in pairs if sold in online and off in online]
        assert made
        for sold, off in made:
            assert online[sold]
            assert [world.till_product(sku)["active"] for sku in (sold, off)] == [True, False]


def _variants(product: dict[str, Any]) -> list[dict[str, Any]]:
    data = product["masterData"]["current"]
    return [data["masterVariant"], *data["variants"]]


def test_a_product_whose_standalone_price_a_list_leaves_out_keeps_its_price_at_the_till(few: World) -> None:
    draft = draft_of(linked_product(few))
    sku = "STANDALONE"
    draft |= {"priceMode": "Standalone", "variants": [], "name": dict.fromkeys(draft["name"], sku)}
    attributes = [
        one for one in draft["masterVariant"]["attributes"] if one["name"] not in ROLE_NAMES["barcode"]
    ]
    prices = draft["masterVariant"].pop("prices")
    draft["masterVariant"] |= {"sku": sku, "attributes": attributes}
    made = few.online.create("products", draft)
    for price in prices:
        few.online.create("standalone-prices", {"sku": sku, **price})
    few.run("products", "full")
    shows = few.till_product(sku)["price_including_tax"]
    assert shows
    few.online.update(
        "products", [{"action": "changeName", "name": {"de": "Anders"}, "staged": False}], id=made["id"]
    )
    few.faults["commercetools"].add({"match": "/standalone-prices$", "kind": "empty_list", **ALWAYS})
    few.run("products", "full")
    few.faults["commercetools"].clear()
    assert few.till_product(sku)["price_including_tax"] == shows
    assert not [hold for hold in few.holds() if hold.label == sku]
    few.run("products", "full")
    few.forget_requests()
    assert few.run("products", "full").accounts.changes == 0 and few.writes() == []
