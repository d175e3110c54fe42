"""A connection is complete and leads to a Lightspeed store, or nothing is sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from retail_sync.lightspeed.connection import LightspeedConnection, checked_store_url, from_airflow_fields
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.records.errors import ConfigurationFault
from retail_sync.transport.budget import Unlimited
from tests.lightspeed.till import Till, make_settings
from tests.transport.doubles import MemoryTokens


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("acme", "https://acme.retail.lightspeed.app"),
        ("Acme.retail.lightspeed.app", "https://acme.retail.lightspeed.app"),
        ("https://acme.retail.lightspeed.app/", "https://acme.retail.lightspeed.app"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://localhost:8123/", "http://localhost:8123"),
    ],
)
def test_stores_are_recognised(given: str, url: str) -> None:
    assert checked_store_url(given) == url


@pytest.mark.parametrize(
    "given",
    [
        "",
        "https://evil.example",
        "http://acme.retail.lightspeed.app",
        "https://acme.retail.lightspeed.app.evil.example",
        "https://evil.example/acme.retail.lightspeed.app",
        "https://acme.retail.lightspeed.app@evil.example",
        "https://a.b.retail.lightspeed.app",
        "https://acme.retail.lightspeed.app/api/2.0",
        "https://acme.vendhq.com",
        "acme evil",
    ],
)
def test_a_token_is_never_sent_to_any_other_host(given: str) -> None:
    with pytest.raises(ConfigurationFault):
        checked_store_url(given)


def test_a_password_alone_is_a_personal_token() -> None:
    connection = from_airflow_fields("acme", None, "lsxs_pt_1", '{"series": "X", "webhook_secret": "w"}')
    assert (connection.personal_token, connection.client_id, connection.webhook_secret) == (
        "lsxs_pt_1",
        None,
        "w",
    )
    assert connection.api_path == "/api/2026-07"


def test_a_login_makes_it_oauth() -> None:
    extra = {"refresh_token": "r", "api_version": "2026-04", "account_id": ""}
    connection = from_airflow_fields("acme", "id", "secret", extra)
    assert (connection.client_id, connection.client_secret, connection.refresh_token) == ("id", "secret", "r")
    assert connection.personal_token is None and connection.api_version == "2026-04"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("acme", None, None, None), "credentials"),
        (("acme", "id", "secret", None), "credentials"),
        (("acme", None, "t", {"refresh_token": "r"}), "both"),
        (("acme", None, "t", {"series": "r"}), "not supported"),
        (("acme", None, "t", {"series": "q"}), "not supported"),
        (("acme", None, "t", {"api_version": "../evil"}), "API version"),
        (("acme", None, "t", {"api_version": "2026-10"}), "'2026-10' is not supported"),
        (("acme", None, "t", {"api_version": "2027-01"}), "'2027-01' is not supported"),
        (("acme", None, "t", {"api_version": "2025-10"}), "'2025-10' is not supported"),
        (("acme", None, "t", "{not json"), "not JSON"),
        (("acme", None, "t", "[]"), "JSON object"),
    ],
)
def test_what_is_missing_is_said_with_the_way_out(fields: Any, said: str) -> None:
    with pytest.raises(ConfigurationFault, match=said) as problem:
        from_airflow_fields(*fields)
    assert problem.value.remedy


def test_secrets_are_not_in_the_representation() -> None:
    shown = repr(
        from_airflow_fields("acme", "id", "sec-ret", {"refresh_token": "ref-resh", "webhook_secret": "we-b"})
    )
    assert not any(secret in shown for secret in ("sec-ret", "ref-resh", "we-b"))


def test_a_webhook_may_be_signed_with_either_secret_and_with_no_empty_one() -> None:
    oauth = {"refresh_token": "r"}
    assert from_airflow_fields("acme", "id", "sec-ret", oauth).signing_secrets == ("sec-ret",)
    both = from_airflow_fields("acme", "id", "sec-ret", {**oauth, "webhook_secret": "we-b"})
    assert both.signing_secrets == ("we-b", "sec-ret")
    assert from_airflow_fields("acme", None, "t", {"webhook_secret": " "}).signing_secrets == ()


def test_refresh_tokens_rotate_once_for_all_workers_and_again_after_an_expiry(till: Till) -> None:
    scopes = (
        "products:read products:write outlets:read taxes:read retailer:read payment_types:read suppliers:read"
    )
    first = till.store.tokens.add_application("app", "secret", scopes)
    connection = LightspeedConnection(
        store_url=till.url, client_id="app", client_secret="secret", refresh_token=first
    )
    store = MemoryTokens()

    async def worker() -> str:
        arguments: Any = {"budget": Unlimited(), "sink": till.exchanges, "token_store": store}
        async with XSeriesClient(connection, make_settings(), **arguments) as client:
            adapter = XSeriesProducts(client, make_settings())
            await adapter.prepare()
            return (await adapter.server_time()).isoformat()

    async def work() -> None:
        await asyncio.gather(*(worker() for _ in range(4)))
        assert [tokens.version for tokens in store.kept.values()] == [1]
        till.store.tokens.expire_access_tokens()
        await asyncio.gather(*(worker() for _ in range(4)))
        assert [tokens.version for tokens in store.kept.values()] == [2]

    asyncio.run(work())
    (tokens,) = store.kept.values()
    assert tokens.refresh_token not in (None, first)
    assert not any(first in str(e) or "Bearer l" in str(e) for e in till.exchanges.kept)
