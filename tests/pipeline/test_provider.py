"""The connection types: found by Airflow, their forms, and their Test buttons against the stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from retail_sync.provider import get_provider_info
from retail_sync.provider.hooks import CommercetoolsHook, LightspeedHook
from sandbox.commercetools import CommercetoolsStore
from sandbox.commercetools import create_app as online_app
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed import create_app as till_app
from sandbox.server import SandboxServer
from sandbox.shop import SAMPLE_SHOP, load_shop
from sandbox.shop.seed_commercetools import new_commercetools_store
from sandbox.shop.seed_lightspeed import new_lightspeed_store

TYPES = {kind["connection-type"]: kind for kind in get_provider_info()["connection-types"]}


@pytest.fixture(scope="module")
def online() -> Iterator[tuple[CommercetoolsStore, str]]:
    store = new_commercetools_store(load_shop(SAMPLE_SHOP))
    with SandboxServer(online_app(store, Faults(0))) as server:
        yield store, server.url


@pytest.fixture(scope="module")
def till() -> Iterator[tuple[LightspeedStore, str]]:
    store = new_lightspeed_store(load_shop(SAMPLE_SHOP))
    with SandboxServer(till_app(store, Faults(0))) as server:
        yield store, server.url


def test_the_metadata_is_what_airflow_wants() -> None:
    import jsonschema
    from airflow.providers_manager import _create_provider_info_schema_validator

    validator = _create_provider_info_schema_validator()
    assert isinstance(validator, jsonschema.Draft7Validator)
    validator.validate(get_provider_info())


def test_airflow_finds_both_types_through_the_installed_project() -> None:
    from airflow.providers_manager import ProvidersManager

    found = ProvidersManager().hooks
    for kind in TYPES.values():
        hook = found[kind["connection-type"]]
        assert hook is not None
        assert hook.hook_class_name == kind["hook-class-name"]


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_secret_of_a_form_is_masked(kind: str) -> None:
    for name, field in TYPES[kind]["conn-fields"].items():
        is_secret = "token" in name or "secret" in name or (name.endswith("_key") and name != "project_key")
        assert (field["schema"].get("format") == "password") == is_secret, name
        assert field["label"] and field["description"]


def test_the_test_button_says_which_project_it_reached(
    online: tuple[CommercetoolsStore, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, url = online
    access = store.credentials()
    put(monkeypatch, "commercetools_default", url, access["client_id"], access["client_secret"],
        project_key=access["project_key"], auth_url=url)  # fmt: skip
    worked, sentence = CommercetoolsHook().test_connection()
    assert worked, sentence
    assert access["project_key"] in sentence


def test_the_test_button_says_which_store_it_reached(
    till: tuple[LightspeedStore, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, url = till
    put(monkeypatch, "lightspeed_default", url, None, store.tokens.add_personal(), series="x")
    worked, sentence = LightspeedHook().test_connection()
    assert worked, sentence
    assert "Connected to the store" in sentence


def test_wrong_credentials_are_a_sentence_with_the_way_out(
    online: tuple[CommercetoolsStore, str], till: tuple[LightspeedStore, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, url = online
    put(monkeypatch, "commercetools_default", url, "nobody", "wrong-secret",
        project_key=store.credentials()["project_key"], auth_url=url)  # fmt: skip
    put(monkeypatch, "lightspeed_default", till[1], None, "wrong-token", series="x")
    for hook in (CommercetoolsHook(), LightspeedHook()):
        worked, sentence = hook.test_connection()
        assert not worked
        assert "What to do:" in sentence
        assert "wrong-" not in sentence


def test_a_refresh_token_is_not_spent_by_the_test_button(
    till: tuple[LightspeedStore, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, "lightspeed_default", till[1], "app", "app-secret", refresh_token="first-refresh-token")
    worked, sentence = LightspeedHook().test_connection()
    assert worked
    assert "Not tried out" in sentence


def put(
    patch: pytest.MonkeyPatch, name: str, host: str, login: str | None, password: str, **extra: str
) -> None:
    fields = {"conn_type": "x", "host": host, "login": login, "password": password, "extra": extra}
    patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))
