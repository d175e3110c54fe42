"""Every update action of products does its work, on the staged data unless told otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, Json, draft, euros, variant


@pytest.fixture
def product(api: Api) -> Json:
    """Published, three variants, a price and two images on the first."""
    images = [{"url": f"https://img/{n}.jpg", "dimensions": {"w": 10, "h": 10}} for n in (1, 2)]
    first = variant("A-1", prices=[euros(1000, key="de-eur")], images=images)
    return api.post("products", draft("a", "A-1", "A-2", "A-3", publish=True) | {"masterVariant": first}, 201)


def staged(product: Json) -> Json:
    data: Json = product["masterData"]["staged"]
    return data


def current(product: Json) -> Json:
    data: Json = product["masterData"]["current"]
    return data


TEXTS: list[tuple[str, str, Any]] = [
    ("changeName", "name", {"en": "New", "de": "Neu"}),
    ("setDescription", "description", {"en": "Long"}),
    ("changeSlug", "slug", {"en": "new-slug"}),
    ("setMetaTitle", "metaTitle", {"en": "T"}),
    ("setMetaDescription", "metaDescription", {"en": "D"}),
    ("setMetaKeywords", "metaKeywords", {"en": "K"}),
    ("setSearchKeywords", "searchKeywords", {"en": [{"text": "shirt"}]}),
]


@pytest.mark.parametrize(("action", "field", "value"), TEXTS)
def test_words_change_in_the_staged_data_first(
    api: Api, product: Json, action: str, field: str, value: Any
) -> None:
    before = current(product).get(field)
    changed = api.update("products", product, {"action": action, field: value})
    assert staged(changed)[field] == value
    assert current(changed).get(field) == before
    assert changed["masterData"]["hasStagedChanges"]
    live = api.update("products", changed, {"action": "publish"})
    assert current(live)[field] == value
    assert not live["masterData"]["hasStagedChanges"]


@pytest.mark.parametrize(("action", "field", "value"), TEXTS)
def test_words_change_at_once_when_they_are_not_staged(
    api: Api, product: Json, action: str, field: str, value: Any
) -> None:
    changed = api.update("products", product, {"action": action, field: value, "staged": False})
    assert staged(changed)[field] == current(changed)[field] == value
    assert not changed["masterData"]["hasStagedChanges"]


def test_a_set_action_without_a_value_removes(api: Api, product: Json) -> None:
    product = api.update("products", product, {"action": "setDescription", "description": {"en": "x"}})
    assert "description" not in staged(api.update("products", product, {"action": "setDescription"}))


def test_not_staged_changes_leave_an_editor_s_draft_alone(api: Api, product: Json) -> None:
    product = api.update("products", product, {"action": "changeName", "name": {"en": "Draft of an editor"}})
    product = api.update(
        "products", product, {"action": "setPrices", "sku": "A-1", "prices": [], "staged": False}
    )
    assert current(product)["name"] == {"en": "Shirt a"}
    assert staged(product)["name"] == {"en": "Draft of an editor"}
    assert current(product)["masterVariant"]["prices"] == staged(product)["masterVariant"]["prices"] == []
    assert product["masterData"]["hasStagedChanges"]


def test_staged_changes_are_thrown_away(api: Api, product: Json) -> None:
    changed = api.update("products", product, {"action": "changeName", "name": {"en": "x"}})
    reverted = api.update("products", changed, {"action": "revertStagedChanges"})
    assert staged(reverted) == current(reverted) == current(product)
    assert not reverted["masterData"]["hasStagedChanges"]


def test_unpublishing_hides_and_publishing_shows_again(api: Api, product: Json) -> None:
    path = f"product-projections/{product['id']}"
    product = api.update("products", product, {"action": "unpublish"})
    api.get(path, 404)
    api.update("products", product, {"action": "publish"})
    assert api.get(path)["published"]


def test_publishing_prices_alone_leaves_the_words(api: Api, product: Json) -> None:
    product = api.update(
        "products",
        product,
        {"action": "changeName", "name": {"en": "Draft"}},
        {"action": "setPrices", "sku": "A-1", "prices": [euros(5)]},
        {"action": "addVariant", "sku": "A-4", "prices": [euros(6)]},
        {"action": "publish", "scope": "Prices"},
    )
    assert current(product)["name"] == {"en": "Shirt a"}
    assert [price["value"]["centAmount"] for price in current(product)["masterVariant"]["prices"]] == [5]
    assert [each["sku"] for each in current(product)["variants"]] == ["A-2", "A-3"]
    assert product["masterData"]["hasStagedChanges"]


def test_key_tax_and_price_mode_are_live_at_once(api: Api, product: Json) -> None:
    tax = {"typeId": "tax-category", "key": "standard"}
    product = api.update(
        "products",
        product,
        {"action": "setKey", "key": "other-key"},
        {"action": "setTaxCategory", "taxCategory": tax},
        {"action": "setPriceMode", "priceMode": "Standalone"},
    )
    assert (product["key"], product["priceMode"]) == ("other-key", "Standalone")
    shown = api.get("product-projections/key=other-key")
    assert shown["taxCategory"]["id"] == api.get("tax-categories/key=standard")["id"]
    api.get("products/key=key-a", 404)
    assert "taxCategory" not in api.update("products", product, {"action": "setTaxCategory"})


def test_categories_come_and_go_with_their_hints(api: Api, product: Json) -> None:
    shirts = {"typeId": "category", "key": "shirts"}
    product = api.update(
        "products", product, {"action": "addToCategory", "category": shirts, "orderHint": "0.3"}
    )
    id = api.get("categories/key=shirts")["id"]
    assert staged(product)["categories"] == [{"typeId": "category", "id": id}]
    assert staged(product)["categoryOrderHints"] == {id: "0.3"}
    product = api.update("products", product, {"action": "removeFromCategory", "category": shirts})
    assert (staged(product)["categories"], staged(product)["categoryOrderHints"]) == ([], {})


def test_variant_numbers_are_never_used_for_another_variant_that_is_live(api: Api, product: Json) -> None:
    product = api.update(
        "products",
        product,
        {"action": "removeVariant", "id": 3},
        {"action": "addVariant", "sku": "A-4", "key": "four"},
    )
    assert [(each["id"], each["sku"]) for each in staged(product)["variants"]] == [(2, "A-2"), (4, "A-4")]
    assert [each["sku"] for each in current(product)["variants"]] == ["A-2", "A-3"]


def test_the_master_variant_stays_until_another_takes_its_place(api: Api, product: Json) -> None:
    api.update_refused("products", product, "InvalidOperation", {"action": "removeVariant", "sku": "A-1"})
    product = api.update(
        "products",
        product,
        {"action": "changeMasterVariant", "sku": "A-2"},
        {"action": "removeVariant", "sku": "A-1"},
    )
    assert staged(product)["masterVariant"]["sku"] == "A-2"
    assert [each["sku"] for each in staged(product)["variants"]] == ["A-3"]
    assert current(product)["masterVariant"]["sku"] == "A-1"


@pytest.mark.parametrize("named", [{}, {"variantId": 1, "sku": "A-1"}, {"variantId": 9}, {"sku": "B-1"}])
def test_a_variant_is_named_by_id_or_sku_and_must_be_there(api: Api, product: Json, named: Json) -> None:
    api.update_refused("products", product, "InvalidInput", {"action": "setPrices", "prices": [], **named})


def test_a_variant_that_is_only_staged_cannot_change_live(api: Api, product: Json) -> None:
    product = api.update("products", product, {"action": "addVariant", "sku": "A-4"})
    action = {"action": "setAttribute", "sku": "A-4", "name": "size", "value": "L"}
    api.update_refused("products", product, "InvalidInput", action | {"staged": False})
    api.update("products", product, action)


def test_a_sku_changes_until_stock_hangs_on_it(api: Api, product: Json) -> None:
    product = api.update(
        "products", product, {"action": "setSku", "variantId": 2, "sku": "A-2b", "staged": False}
    )
    api.post("inventory", {"sku": "A-2b", "quantityOnStock": 1}, 201)
    api.update_refused(
        "products", product, "InvalidOperation", {"action": "setSku", "variantId": 2, "sku": "A-2"}
    )
    product = api.update("products", product, {"action": "setSku", "variantId": 3})
    assert "sku" not in staged(product)["variants"][1]


def test_a_sku_of_a_sibling_or_of_another_product_is_refused(api: Api, product: Json) -> None:
    api.post("products", draft("b"), 201)
    for sku in ("A-1", "b-1"):
        api.update_refused(
            "products", product, "DuplicateField", {"action": "setSku", "variantId": 2, "sku": sku}
        )
        api.update_refused("products", product, "DuplicateField", {"action": "addVariant", "sku": sku})


def test_a_sku_moves_to_another_product_once_it_is_gone_from_the_first(api: Api, product: Json) -> None:
    other = api.post("products", draft("b"), 201)
    api.update("products", product, {"action": "removeVariant", "sku": "A-3", "staged": False})
    moved = api.update("products", other, {"action": "addVariant", "sku": "A-3"})
    assert staged(moved)["variants"][0]["sku"] == "A-3"


def test_a_variant_key_is_set_and_unique_within_the_product(api: Api, product: Json) -> None:
    product = api.update("products", product, {"action": "setProductVariantKey", "sku": "A-2", "key": "two"})
    assert staged(product)["variants"][0]["key"] == "two"
    again = {"action": "setProductVariantKey", "variantId": 3, "key": "two"}
    api.update_refused("products", product, "DuplicateField", again)


def test_images_are_added_labelled_moved_and_removed(api: Api, product: Json) -> None:
    third = {"url": "https://img/3.jpg", "dimensions": {"w": 1, "h": 1}}
    url = {"variantId": 1, "imageUrl": "https://img/3.jpg"}
    product = api.update(
        "products",
        product,
        {"action": "addExternalImage", "sku": "A-1", "image": third},
        {"action": "moveImageToPosition", "position": 0, **url},
        {"action": "setImageLabel", "label": "Front", **url},
    )
    images = staged(product)["masterVariant"]["images"]
    assert [image["url"][-5:] for image in images] == ["3.jpg", "1.jpg", "2.jpg"]
    assert images[0]["label"] == "Front"
    product = api.update("products", product, {"action": "removeImage", **url})
    assert len(staged(product)["masterVariant"]["images"]) == 2
    api.update_refused("products", product, "InvalidOperation", {"action": "removeImage", **url})
    out = {"action": "moveImageToPosition", "sku": "A-1", "imageUrl": "https://img/1.jpg", "position": 2}
    api.update_refused("products", product, "InvalidField", out)


def test_setting_prices_replaces_the_list_under_new_ids(api: Api, product: Json) -> None:
    before = current(product)["masterVariant"]["prices"][0]["id"]
    prices = [euros(900, key="de-eur"), euros(800, country="DE")]
    product = api.update(
        "products", product, {"action": "setPrices", "sku": "A-1", "prices": prices, "staged": False}
    )
    stored = current(product)["masterVariant"]["prices"]
    assert [price["value"] for price in stored] == [
        {"type": "centPrecision", "currencyCode": "EUR", "centAmount": cents, "fractionDigits": 2}
        for cents in (900, 800)
    ]
    assert before not in {price["id"] for price in stored}
    assert stored == staged(product)["masterVariant"]["prices"]


def test_single_prices_are_added_changed_and_removed(api: Api, product: Json) -> None:
    id = staged(product)["masterVariant"]["prices"][0]["id"]
    product = api.update(
        "products",
        product,
        {"action": "addPrice", "variantId": 1, "price": euros(700, country="GB")},
        {"action": "changePrice", "priceId": id, "price": euros(1100)},
    )
    prices = staged(product)["masterVariant"]["prices"]
    assert [(price["id"] == id, price["value"]["centAmount"]) for price in prices] == [
        (True, 1100),
        (False, 700),
    ]
    product = api.update("products", product, {"action": "removePrice", "priceId": id})
    assert len(staged(product)["masterVariant"]["prices"]) == 1
    api.update_refused("products", product, "InvalidOperation", {"action": "removePrice", "priceId": id})


@pytest.mark.parametrize("is_staged", [None, True, False])
def test_price_actions_are_staged_unless_told_otherwise(
    api: Api, product: Json, is_staged: bool | None
) -> None:
    flag = {} if is_staged is None else {"staged": is_staged}

    def amounts(data: Json) -> list[int]:
        return [price["value"]["centAmount"] for price in data["masterVariant"]["prices"]]

    before = amounts(current(product))
    for action, after in (
        ({"action": "setPrices", "sku": "A-1", "prices": [euros(5)]}, [5]),
        ({"action": "addPrice", "sku": "A-1", "price": euros(6, country="GB")}, [5, 6]),
        ({"action": "changePrice", "price": euros(7)}, [7, 6]),
        ({"action": "removePrice"}, [6]),
    ):
        if action["action"] in ("changePrice", "removePrice"):
            action["priceId"] = staged(product)["masterVariant"]["prices"][0]["id"]
        product = api.update("products", product, action | flag)
        assert amounts(staged(product)) == after
        assert amounts(current(product)) == (after if is_staged is False else before)


def test_an_added_price_keeps_to_the_limit_of_a_hundred(api: Api, product: Json) -> None:
    prices = [euros(1, country=f"{a}{b}") for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJ"]
    too_many = {"action": "setPrices", "sku": "A-1", "prices": [*prices, euros(1)]}
    api.update_refused("products", product, "MaxResourceLimitExceeded", too_many)
    product = api.update("products", product, too_many | {"prices": prices})
    one_more = {"action": "addPrice", "sku": "A-1", "price": euros(1)}
    api.update_refused("products", product, "MaxResourceLimitExceeded", one_more)


def test_a_state_moves_only_where_its_transitions_lead(api: Api, product: Json) -> None:
    end = api.post("states", {"key": "end", "type": "ProductState", "transitions": []}, 201)
    to_end = [{"typeId": "state", "id": end["id"]}]
    api.post("states", {"key": "start", "type": "ProductState", "transitions": to_end}, 201)
    to = {name: {"typeId": "state", "key": name} for name in ("start", "end")}
    product = api.update("products", product, {"action": "transitionState", "state": to["start"]})
    product = api.update("products", product, {"action": "transitionState", "state": to["end"]})
    assert product["state"]["id"] == end["id"]
    api.update_refused(
        "products", product, "InvalidOperation", {"action": "transitionState", "state": to["start"]}
    )
    api.update("products", product, {"action": "transitionState", "state": to["start"], "force": True})
