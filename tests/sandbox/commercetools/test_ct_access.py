"""Who gets in, and how the door says no."""

from __future__ import annotations

import httpx
import pytest

from sandbox.clock import Clock
from sandbox.commercetools import CommercetoolsStore

from .conftest import Api, draft


def ask(api: Api, form: dict[str, str] | None = None, secret: str = "sandbox-secret") -> httpx.Response:
    return api.client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", **(form or {})},
        auth=("sandbox-client", secret),
    )


def test_a_token_carries_the_client_s_scopes_and_its_life(api: Api, store: CommercetoolsStore) -> None:
    store.token_lifetime = 90
    token = ask(api).json()
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 90
    assert token["scope"] == "manage_project:shop"
    assert "refresh_token" not in token


def test_wrong_credentials_get_no_token(api: Api) -> None:
    answer = ask(api, secret="wrong")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert api.client.post("/oauth/token", data={"grant_type": "client_credentials"}).status_code == 401


def test_only_client_credentials_are_served(api: Api) -> None:
    assert ask(api, {"grant_type": "password"}).json()["error"] == "unsupported_grant_type"


def test_a_scope_the_client_has_not_cannot_be_asked_for(api: Api) -> None:
    assert ask(api, {"scope": "view_products:shop"}).json()["scope"] == "view_products:shop"
    answer = ask(api, {"scope": "view_products:another"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_request_without_a_valid_token_is_401(api: Api) -> None:
    api.headers = {}
    assert api.get("products", 401)["errors"][0]["code"] == "invalid_token"
    api.headers = {"Authorization": "Bearer made-up"}
    assert api.get("products", 401)["error"] == "invalid_token"


def test_a_token_dies_when_its_time_is_up(api: Api, clock: Clock) -> None:
    clock.advance(172_799)
    api.get("products")
    clock.advance(2)
    assert api.get("products", 401)["errors"][0]["code"] == "invalid_token"


def test_a_revoked_token_is_401_before_its_time(api: Api, store: CommercetoolsStore) -> None:
    store.authority.revoke_all()
    api.get("products", 401)


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (["view_products:shop"], "products", 200),
        (["manage_products:shop"], "products", 200),
        (["view_published_products:shop"], "products", 403),
        (["view_published_products:shop"], "product-projections", 200),
        (["view_published_products:shop"], "product-projections?staged=true", 403),
        (["view_products:shop"], "standalone-prices", 403),
        (["view_products:shop"], "tax-categories", 200),
        (["view_products:shop"], "stores", 403),
        (["manage_orders:shop"], "custom-objects/c", 200),
        (["view_products:other"], "products", 403),
        (["view_project_settings:shop"], "", 200),
        (["view_products:shop"], "", 403),
    ],
)
def test_every_endpoint_wants_its_scope(
    api: Api, store: CommercetoolsStore, scopes: list[str], path: str, status: int
) -> None:
    store.add_client("narrow", "s", scopes)
    token = api.client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("narrow", "s")
    ).json()
    answer = api.send("GET", path, headers={"Authorization": f"Bearer {token['access_token']}"})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["errors"][0]["code"] == "insufficient_scope"


def test_reading_permission_does_not_write(api: Api, store: CommercetoolsStore) -> None:
    store.add_client("reader", "s", ["view_products:shop"])
    token = api.client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("reader", "s")
    ).json()
    api.headers = {"Authorization": f"Bearer {token['access_token']}"}
    api.post("products", draft(), 403)


def test_the_project_says_what_it_sells_in(api: Api, store: CommercetoolsStore) -> None:
    store.set_project(currencies=["SEK"], productCatalogModel="Modular")
    project = api.get("")
    assert (project["key"], project["currencies"], project["productCatalogModel"]) == (
        "shop",
        ["SEK"],
        "Modular",
    )


def test_unknown_places_are_404_with_the_usual_body(api: Api) -> None:
    api.project = "nobody"
    assert api.get("products", 404)["errors"][0]["code"] == "ResourceNotFound"
    api.project = "shop"
    for path in ("nothing", "products/x/y/z", "graphql", "products/unknown-id", "products/key=unknown"):
        assert api.get(path, 404)["statusCode"] == 404


def test_the_correlation_id_comes_back(api: Api) -> None:
    assert (
        api.send("GET", "products", headers={"X-Correlation-ID": "run-1"}).headers["x-correlation-id"]
        == "run-1"
    )
    assert api.send("GET", "products").headers["x-correlation-id"]
    assert (
        api.send("GET", "nowhere", headers={"X-Correlation-ID": "run-2"}).headers["x-correlation-id"]
        == "run-2"
    )


def test_a_write_remembers_who_wrote(api: Api) -> None:
    answer = api.send("POST", "products", json=draft(), headers={"X-External-User-ID": "sync-run-9"}).json()
    assert answer["lastModifiedBy"]["clientId"] == "sandbox-client"
    assert answer["lastModifiedBy"]["externalUserId"] == "sync-run-9"


def test_broken_json_is_the_client_s_fault(api: Api) -> None:
    answer = api.send("POST", "products", content=b'{"key": ')
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "InvalidJsonInput"
    assert answer.json()["errors"][0]["detailedErrorMessage"]


def test_more_requests_than_the_rate_allows_are_sent_away(api: Api, store: CommercetoolsStore) -> None:
    store.rate = 1.0
    answers = [api.send("GET", "products") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200, 503} or {a.status_code for a in answers} == {
        503
    }
    assert answers[-1].json()["errors"][0]["code"] == "OverCapacity"
    store.rate = None
    api.get("products")


def test_a_full_house_lets_nobody_in(api: Api, store: CommercetoolsStore) -> None:
    store.capacity = 0
    assert api.get("products", 503)["errors"][0]["code"] == "OverCapacity"


def test_latency_is_felt(api: Api, store: CommercetoolsStore) -> None:
    store.latency = 0.05
    assert api.send("GET", "products").elapsed.total_seconds() >= 0.05
