"""Products as they are created, shown, versioned and kept apart."""

from __future__ import annotations

import threading

import pytest

from sandbox.commercetools import CommercetoolsStore
from tests.support.stage import Stage

from .conftest import Api, Json, draft, euros, variant


def test_a_draft_becomes_a_product_with_equal_current_and_staged_data(api: Api) -> None:
    product = api.post("products", draft("a", "A-1", "A-2"), 201)
    data = product["masterData"]
    assert data["current"] == data["staged"]
    assert (data["published"], data["hasStagedChanges"]) == (False, False)
    assert data["current"]["masterVariant"]["id"] == 1
    assert [each["id"] for each in data["current"]["variants"]] == [2]
    assert (product["version"], product["priceMode"]) == (1, "Embedded")
    assert product["productType"] == {
        "typeId": "product-type",
        "id": api.get("product-types/key=shirt")["id"],
    }


def test_it_is_found_by_id_and_by_key(api: Api) -> None:
    product = api.post("products", draft(), 201)
    assert api.get(f"products/{product['id']}") == api.get("products/key=key-a") == product


def test_the_current_projection_exists_for_published_products_only(api: Api) -> None:
    product = api.post("products", draft(), 201)
    api.get(f"product-projections/{product['id']}", 404)
    api.get("product-projections/key=key-a", 404)
    assert api.get("product-projections")["results"] == []
    (staged,) = api.get("product-projections", staged="true")["results"]
    assert (staged["published"], staged["masterVariant"]["sku"]) == (False, "a-1")
    api.update("products", product, {"action": "publish"})
    (current,) = api.get("product-projections", staged="false")["results"]
    assert current["published"]
    assert "masterData" not in current
    assert api.get("product-projections/key=key-a") == current


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("key", {"key": "key-a"}),
        ("slug.en", {"slug": {"en": "shirt-a"}}),
        ("sku", {"masterVariant": {"sku": "a-1"}}),
        ("sku", {"variants": [{"sku": "a-1"}]}),
        ("sku", {"variants": [{"sku": "b-1"}]}),
    ],
)
def test_key_slug_and_sku_are_unique_in_the_project(api: Api, field: str, change: Json) -> None:
    api.post("products", draft("a"), 201)
    error = api.refused("products", draft("b") | change, "DuplicateField")
    assert error["field"] == field
    assert error["duplicateValue"]
    assert api.get("products")["total"] == 1


def test_a_refused_product_leaves_nothing_behind(api: Api) -> None:
    api.post("products", draft("a"), 201)
    api.refused("products", draft("b", "b-1", "a-1"), "DuplicateField")
    api.post("products", draft("b", "b-1", "b-2"), 201)


def test_the_same_slug_in_another_locale_is_no_duplicate(api: Api) -> None:
    api.post("products", draft("a"), 201)
    api.post("products", draft("b", slug={"de": "shirt-a"}), 201)


def test_a_sku_that_only_waits_to_be_published_is_taken_all_the_same(api: Api) -> None:
    product = api.post("products", draft("a", publish=True), 201)
    api.update("products", product, {"action": "setSku", "variantId": 1, "sku": "new"})
    for sku in ("new", "a-1"):
        api.refused("products", draft("b", sku), "DuplicateField")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": None}, "InvalidJsonInput"),
        ({"slug": {"en": "not a slug"}}, "InvalidField"),
        ({"slug": {"en": "x"}}, "InvalidField"),
        ({"key": "no spaces"}, "InvalidField"),
        ({"key": "x"}, "InvalidField"),
        ({"key": "k" * 257}, "InvalidField"),
        ({"nmae": {"en": "x"}}, "InvalidJsonInput"),
        ({"name": "plain"}, "InvalidJsonInput"),
        ({"publish": "yes"}, "InvalidJsonInput"),
        ({"priceMode": "Free"}, "InvalidJsonInput"),
        ({"productType": {"typeId": "product-type", "key": "none"}}, "ReferencedResourceNotFound"),
        ({"taxCategory": {"typeId": "tax-category", "id": "none"}}, "ReferencedResourceNotFound"),
        ({"taxCategory": {"typeId": "category", "key": "shirts"}}, "InvalidJsonInput"),
        ({"taxCategory": {"typeId": "tax-category", "id": "a", "key": "b"}}, "InvalidJsonInput"),
        ({"variants": [{"sku": f"v-{n}"} for n in range(101)]}, "MaxResourceLimitExceeded"),
        ({"masterVariant": {"sku": "x", "images": [{"url": "https://x"}]}}, "InvalidJsonInput"),
    ],
)
def test_a_draft_that_is_wrong_is_refused_with_its_code(api: Api, change: Json, code: str) -> None:
    error = api.refused("products", draft() | change, code)
    if code == "ReferencedResourceNotFound":
        assert error["typeId"] in ("product-type", "tax-category")
    if code == "InvalidJsonInput":
        assert error["detailedErrorMessage"]


def test_a_hundred_variants_fit_and_no_more(api: Api) -> None:
    product = api.post("products", draft("a", *(f"v-{n}" for n in range(100))), 201)
    api.update_refused(
        "products", product, "MaxResourceLimitExceeded", {"action": "addVariant", "sku": "v-100"}
    )


def test_versions_rise_by_more_than_one_and_never_fall(api: Api, store: CommercetoolsStore) -> None:
    product = api.post("products", draft(), 201)
    versions = [product["version"]]
    for number in range(20):
        product = api.update("products", product, {"action": "changeName", "name": {"en": f"n{number}"}})
        versions.append(product["version"])
    steps = {later - earlier for earlier, later in zip(versions, versions[1:], strict=False)}
    assert min(steps) >= 1
    assert max(steps) <= 5
    assert len(steps) > 1


def test_an_update_that_changes_nothing_keeps_version_and_time(api: Api) -> None:
    product = api.post("products", draft(), 201)
    same = api.update("products", product, {"action": "changeName", "name": {"en": "Shirt a"}})
    assert (same["version"], same["lastModifiedAt"]) == (product["version"], product["lastModifiedAt"])


def test_a_stale_version_is_a_conflict_that_names_the_current_one_if_told_to(
    api: Api, store: CommercetoolsStore
) -> None:
    product = api.post("products", draft(), 201)
    newer = api.update("products", product, {"action": "setDescription", "description": {"en": "x"}})
    path, body = f"products/{product['id']}", {"version": 1, "actions": [{"action": "publish"}]}
    assert api.refused(path, body, "ConcurrentModification", 409)["currentVersion"] == newer["version"]
    store.tell_current_version = False
    assert "currentVersion" not in api.refused(path, body, "ConcurrentModification", 409)


def test_a_version_from_the_future_is_a_conflict_too(api: Api) -> None:
    product = api.post("products", draft(), 201)
    body = {"version": product["version"] + 1, "actions": []}
    api.refused(f"products/{product['id']}", body, "ConcurrentModification", 409)


def test_of_many_writers_with_the_same_version_one_wins(api: Api, stage: Stage) -> None:
    product = api.post("products", draft(), 201)
    seen: list[int] = []

    def write(number: int) -> None:
        mine = Api(stage.url, "shop")
        body = {"version": 1, "actions": [{"action": "changeName", "name": {"en": f"writer {number}"}}]}
        seen.append(mine.send("POST", f"products/{product['id']}", json=body).status_code)
        mine.client.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(seen) == [200] + [409] * 7


def test_actions_are_applied_all_or_none(api: Api) -> None:
    product = api.post("products", draft(), 201)
    api.update_refused(
        "products",
        product,
        "InvalidInput",
        {"action": "changeName", "name": {"en": "half"}},
        {"action": "setAttribute", "variantId": 99, "name": "size", "value": "L"},
    )
    assert api.get(f"products/{product['id']}") == product


def test_five_hundred_actions_are_taken_and_one_more_is_not(api: Api) -> None:
    product = api.post("products", draft(), 201)
    actions = [{"action": "changeName", "name": {"en": f"n{number}"}} for number in range(500)]
    product = api.update("products", product, *actions)
    assert product["masterData"]["staged"]["name"] == {"en": "n499"}
    api.update_refused("products", product, "InvalidInput", *actions, {"action": "publish"})


@pytest.mark.parametrize(
    "action",
    [
        {"action": "makeBetter"},
        {"name": {"en": "x"}},
        {"action": "changeName"},
        {"action": "changeName", "name": {"en": "x"}, "stagde": False},
        {"action": "changeName", "name": "x"},
        {"action": "changeName", "name": {"en": "x"}, "staged": "false"},
        "publish",
    ],
)
def test_an_action_that_cannot_be_read_is_refused(api: Api, action: Json) -> None:
    product = api.post("products", draft(), 201)
    error = api.update_refused("products", product, "InvalidJsonInput", action)
    assert "actions[0]" in error["detailedErrorMessage"]


def test_an_update_without_version_or_actions_is_refused(api: Api) -> None:
    product = api.post("products", draft(), 201)
    for body in ({"actions": []}, {"version": 1}, {"version": "1", "actions": []}):
        api.refused(f"products/{product['id']}", body, "InvalidJsonInput")


def test_a_product_is_deleted_with_its_version_once_unpublished(api: Api) -> None:
    product = api.post("products", draft(publish=True), 201)
    path = f"products/{product['id']}"
    api.delete(path, 400)
    api.delete(path, 400, version=product["version"])
    product = api.update("products", product, {"action": "unpublish"})
    api.delete(path, 409, version=product["version"] + 1)
    api.delete(path, version=product["version"])
    api.get(path, 404)
    api.post("products", draft(), 201)


def test_a_sku_is_searched_in_master_and_other_variants_apart(api: Api) -> None:
    for name in "abc":
        api.post("products", draft(name, f"{name}-1", f"{name}-2", publish=True), 201)

    def keys(where: str, **params: str) -> list[str]:
        return sorted(row["key"] for row in api.get("product-projections", where=where, **params)["results"])

    assert keys('masterVariant(sku in ("a-1", "b-2"))') == ["key-a"]
    assert keys('variants(sku in ("a-1", "b-2"))') == ["key-b"]
    both = 'masterVariant(sku in ("a-1", "b-2")) or variants(sku in ("a-1", "b-2"))'
    assert keys(both) == ["key-a", "key-b"]
    assert keys(both, staged="true") == ["key-a", "key-b"]
    assert keys('slug(en = "shirt-c")') == ["key-c"]


def test_current_and_staged_are_searched_each_in_its_own_data(api: Api) -> None:
    product = api.post("products", draft(publish=True), 201)
    api.update("products", product, {"action": "setSku", "variantId": 1, "sku": "later"})

    def found(sku: str, staged: str) -> int:
        return int(
            api.get("product-projections", where=f'masterVariant(sku="{sku}")', staged=staged)["total"]
        )

    assert (found("a-1", "false"), found("later", "false")) == (1, 0)
    assert (found("a-1", "true"), found("later", "true")) == (0, 1)
    where = 'masterData(current(masterVariant(sku="a-1")))'
    assert api.get("products", where=where)["total"] == 1


def test_a_price_is_chosen_for_a_shopper(api: Api) -> None:
    channel = {"typeId": "channel", "key": "web"}
    prices = [euros(100), euros(90, country="DE"), euros(80, country="DE", channel=channel)]
    body = draft(publish=True) | {
        "masterVariant": variant("a-1", prices=prices),
        "variants": [variant("a-2")],
    }
    api.post("products", body, 201)

    def chosen(**params: str) -> int | None:
        (row,) = api.get("product-projections", **params)["results"]
        assert "price" not in row["variants"][0]
        price = row["masterVariant"].get("price")
        return price["value"]["centAmount"] if price else None

    assert chosen() is None
    assert chosen(priceCurrency="EUR") == 100
    assert chosen(priceCurrency="EUR", priceCountry="DE") == 90
    id = api.get("channels/key=web")["id"]
    assert chosen(priceCurrency="EUR", priceCountry="DE", priceChannel=id) == 80
    assert chosen(priceCurrency="GBP") is None
    assert chosen() is None
    api.get("product-projections", 400, priceCountry="DE")


def test_parameters_that_would_have_no_effect_are_refused(api: Api) -> None:
    api.get("product-projections", 400, storeProjection="a")


def test_a_projection_does_not_tell_who_wrote_last(api: Api) -> None:
    product = api.post("products", draft(publish=True), 201)
    projection = api.get("product-projections/key=key-a")
    assert "lastModifiedBy" in product
    assert "lastModifiedBy" not in projection
    assert "createdBy" not in projection


def test_another_project_shares_nothing(api: Api, store: CommercetoolsStore) -> None:
    store.add_project("second")
    store.add_client("sandbox-client", "sandbox-secret", ["manage_project:shop", "manage_project:second"])
    token = api.client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("sandbox-client", "sandbox-secret")
    ).json()
    api.headers = {"Authorization": f"Bearer {token['access_token']}"}
    api.post("products", draft(), 201)
    api.project = "second"
    assert api.get("products")["total"] == 0
    api.refused("products", draft(), "ReferencedResourceNotFound")
