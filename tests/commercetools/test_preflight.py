"""Preflight finds every name that does not exist before a run does, and says what to do about it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.settings.models import SyncSettings
from tests.commercetools.world import PROJECT, World, settings


def check(world: World, config: SyncSettings | None = None, **connection: Any) -> list[CheckResult]:
    chosen = config or settings()

    async def main() -> list[CheckResult]:
        async with world.client(chosen, **connection) as client:
            return await CommercetoolsProducts(client, chosen).check()

    return asyncio.run(main())


def errors(results: list[CheckResult]) -> list[str]:
    return [f"{r.subject}: {r.finding}" for r in results if r.level == "error"]


def test_a_good_configuration_has_no_errors(world: World) -> None:
    results = check(world)
    assert errors(results) == []
    assert {"credentials", "project", "clock", "products"} <= {r.subject for r in results if r.level == "ok"}


@pytest.mark.parametrize(
    ("products", "expected"),
    [
        ({"fields": {"supplier": {"commercetools": "attribute:nobody"}}}, "products.fields.supplier: no product type"),
        ({"fields": {"tracked": {"commercetools": "attribute:cost"}}}, "a boolean attribute is needed"),
        ({"fields": {"supplier": {"commercetools": "attribute:labels"}}}, "needs the transform `join`"),
        ({"fields": {"tags": {"commercetools": "attribute:material"}}}, "needs the transform `split`"),
        ({"fields": {"supply_price": {"commercetools": "attribute:waterproof"}}}, "a number or money attribute"),
        ({"fields": {"brand": {"commercetools": "brnad"}}}, "products.fields.brand"),
        ({"fields": {"nonsense": {"commercetools": "name"}}}, "there is no such field"),
        ({"options": [{"name": "Care", "attribute": "care"}]}, "the same for all variants"),
        ({"options": [{"name": "Fit", "attribute": "fit"}]}, "products.options.Fit"),
        ({"tax_classes": [{"name": "x", "commercetools": "none", "lightspeed": "y"}]}, "there is no tax category none"),
        ({"price": {"country": "GB"}}, "has no single rate for GB"),
        ({"price": {"country": "FR"}}, "FR is no country of the project"),
        ({"price": {"currency": "USD"}}, "USD is no currency of the project"),
        ({"price": {"channel": "shop-1"}}, "there is no channel shop-1"),
        ({"price": {"channel": "warehouse"}}, "ProductDistribution"),
        ({"product_type": "gone"}, "there is no product type gone"),
        ({"assortment": {"commercetools": {"stores": ["s"], "categories": ["c"]}}}, "not found: s"),
        ({"assortment": {"commercetools": {"product_selections": ["p"]}}}, "not found: p"),
        ({"assortment": {"commercetools": {"attribute": "fit", "attribute_value": 1}}}, "no product type has"),
    ],
)  # fmt: skip
def test_each_wrong_name_is_found(world: World, products: dict[str, Any], expected: str) -> None:
    results = check(world, settings(**products))
    assert any(expected in found for found in errors(results)), errors(results)
    assert all(r.remedy for r in results if r.level == "error")


def test_a_required_attribute_nobody_fills_is_found(world: World) -> None:
    needed = {"name": "origin", "label": {"en-GB": "Origin"}, "type": {"name": "text"}, "isRequired": True}
    world.store.create(
        "product-types", {"key": "strict", "name": "Strict", "description": "", "attributes": [needed]}
    )
    assert any("origin" in found for found in errors(check(world, settings(product_type="strict"))))


def test_a_language_the_project_does_not_have_is_found(world: World) -> None:
    world.store.set_project(languages=["en-GB"])
    assert errors(check(world)) == ["shop.locales: de-DE is no language of the project"]


@pytest.mark.parametrize("model", [None, "Classic"])
def test_a_classic_catalogue_is_accepted(world: World, model: str | None) -> None:
    world.store.set_project(productCatalogModel=model)
    assert not errors(check(world))
    assert world.read()


@pytest.mark.parametrize("model", ["InMigration", "Modular", "Hexagonal"])
def test_any_other_catalogue_model_is_refused_by_name_for_every_entity(world: World, model: str) -> None:
    world.store.set_project(productCatalogModel=model)
    found = {r.subject: (r.level, model in r.finding) for r in check(world) if "catalogue" in r.subject}
    assert found == {
        "catalogue: products": ("error", True),
        "catalogue: prices": ("error", True),
        "catalogue: inventory": ("warning", True),
        "catalogue: orders": ("warning", True),
        "catalogue: sales": ("warning", True),
        "catalogue: customers": ("ok", True),
    }
    with pytest.raises(ConfigurationFault, match=model) as refusal:
        world.read()
    assert refusal.value.remedy


def test_missing_scopes_are_named(world: World) -> None:
    world.store.add_client(
        "reader", "secret", [f"view_products:{PROJECT}", f"view_project_settings:{PROJECT}"]
    )
    results = check(world, client_id="reader", client_secret="secret")
    (found,) = (r for r in results if r.subject == "scopes" and r.level == "error")
    assert f"manage_products:{PROJECT}" in found.remedy


def test_wrong_credentials_end_the_list(world: World) -> None:
    (only,) = check(world, client_secret="wrong")
    assert (only.level, only.subject) == ("error", "credentials")
    assert "wrong" not in only.finding + only.remedy


def test_a_wrong_project_is_told_from_wrong_credentials(world: World) -> None:
    results = check(world, project_key="another-shop")
    assert results[-1].subject == "project" and results[-1].level == "error"


def test_writing_what_is_never_read_is_warned_about(world: World) -> None:
    results = check(world, settings(write="staged"))
    assert any(r.level == "warning" and r.subject == "products.write" for r in results)


# ------------------------------------------------------------ connection


def fields(**more: Any) -> dict[str, Any]:
    usual = {
        "host": "api.europe-west1.gcp.commercetools.com",
        "login": "id",
        "password": "secret",
        "schema": None,
    }
    return {**usual, "extra": {"project_key": "my-shop"}, **more}


def test_airflow_fields_become_a_connection() -> None:
    made = CommercetoolsConnection.from_airflow_fields(
        **fields(extra={"project_key": "my-shop", "scopes": "view_products, manage_orders:my-shop"})
    )
    assert made.api_url == "https://api.europe-west1.gcp.commercetools.com"
    assert made.auth_url == "https://auth.europe-west1.gcp.commercetools.com"
    assert made.scope_list == ("view_products:my-shop", "manage_orders:my-shop")
    assert "s3cr3t" not in repr(made)


def test_secrets_of_near_real_time_are_optional_and_shown_nowhere() -> None:
    given = {
        "event_secret": "long-random-1",
        "event_grid_key": "long-random-2",
        "queue_access_key": "long-random-3",
        "queue_access_secret": " long-random-4 ",
    }
    made = CommercetoolsConnection.from_airflow_fields(**fields(extra={"project_key": "my-shop", **given}))
    assert made.secrets == ("secret", *(secret.strip() for secret in given.values()))
    assert "long-random" not in repr(made)
    empty = dict.fromkeys(given, " ")
    bare = CommercetoolsConnection.from_airflow_fields(**fields(extra={"project_key": "my-shop", **empty}))
    assert (bare.event_secret, bare.secrets) == (None, ("secret",))


@pytest.mark.parametrize(
    "region", ["us-central1.gcp", "us-east-2.aws", "eu-central-1.aws", "australia-southeast1.gcp"]
)
def test_every_region_is_accepted(region: str) -> None:
    assert CommercetoolsConnection.from_airflow_fields(
        **fields(host=f"https://api.{region}.commercetools.com/")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "https://api.europe-west1.gcp.commercetools.com.evil.example"},
        {"host": "https://evil.example/api.europe-west1.gcp.commercetools.com"},
        {"host": "http://api.europe-west1.gcp.commercetools.com"},
        {"host": "https://api.europe-west1.gcp.commercetools.com@evil.example"},
        {"host": "https://api.europe-west1.gcp.commercetools.com:8443"},
        {"host": "https://10.0.0.1"},
        {"extra": {"project_key": "my-shop", "auth_url": "https://auth.evil.example"}},
        {"extra": {"project_key": "../other"}},
        {"extra": {}},
        {"login": ""},
        {"password": None},
    ],
)
def test_a_bad_setting_never_sends_a_secret_elsewhere(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationFault) as refused:
        CommercetoolsConnection.from_airflow_fields(**fields(**wrong))
    assert "s3cr3t" not in str(refused.value)
