"""Tokens, their rotation, scopes, and the request budget."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.clock import Clock

if TYPE_CHECKING:
    from .conftest import Shop

SCOPES = "products:read products:write"


def refresh(shop: Shop, token: str, status: int = 200, secret: str = "s3") -> Any:
    form = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "client_secret": secret,
        "refresh_token": token,
    }
    answer = shop.http.post("/api/1.0/token", data=form)
    assert answer.status_code == status, answer.text
    return answer.json()


def use(shop: Shop, token: str) -> None:
    shop.http.headers["Authorization"] = f"Bearer {token}"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer lsxs_pt_unknown", "Basic YTpi"])
def test_a_call_without_a_known_token_is_a_401(shop: Shop, header: str | None) -> None:
    shop.http.headers.pop("Authorization")
    headers = {} if header is None else {"Authorization": header}
    assert shop.call("GET", "products", 401, headers=headers) == {"error": "Access token is not valid"}


def test_a_refresh_rotates_both_tokens_and_revokes_the_earlier_ones(shop: Shop, clock: Clock) -> None:
    first = refresh(shop, shop.store.tokens.add_application("app", "s3", SCOPES))
    assert first["expires"] == int(clock.now().timestamp()) + first["expires_in"]
    assert (first["token_type"], first["scope"], first["domain_prefix"]) == ("Bearer", SCOPES, "sandbox")
    use(shop, first["access_token"])
    shop.get("products")
    second = refresh(shop, first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    shop.get("products", 401)
    use(shop, second["access_token"])
    shop.get("products")
    assert refresh(shop, first["refresh_token"], 400)["error"] == "invalid_grant"
    shop.get("products")


def test_a_used_refresh_token_lives_on_for_its_grace(shop: Shop, clock: Clock) -> None:
    shop.store.options.refresh_grace_seconds = 10
    token = shop.store.tokens.add_application("app", "s3", SCOPES)
    refresh(shop, token)
    clock.advance(9)
    refresh(shop, token)
    clock.advance(1)
    refresh(shop, token, 400)


def test_an_access_token_ends_with_its_life(shop: Shop, clock: Clock) -> None:
    use(shop, refresh(shop, shop.store.tokens.add_application("app", "s3", SCOPES))["access_token"])
    clock.advance(86_399)
    shop.get("products")
    clock.advance(1)
    shop.get("products", 401)


def test_a_wrong_secret_is_refused_and_uses_nothing_up(shop: Shop) -> None:
    token = shop.store.tokens.add_application("app", "s3", SCOPES)
    assert refresh(shop, token, 401, secret="wrong")["error"] == "invalid_client"
    refresh(shop, token)
    answer = shop.http.post("/api/1.0/token", data={"grant_type": "password"})
    assert answer.json()["error"] == "unsupported_grant_type"


def test_a_missing_scope_is_a_403(shop: Shop) -> None:
    use(shop, shop.store.tokens.add_personal(scopes=frozenset({"products:read", "retailer:read"})))
    shop.get("products")
    shop.get("brands")
    assert "error" in shop.post("products", {"name": "Mug"}, 403)
    shop.get("outlets", 403)
    shop.get("retailer", 403)  # asks for payment_types:read as well
    shop.get("stock_adjustments", 403)  # asks for the scope to write
    shop.get("search", 403, type="customers")
    shop.get("search", type="products")


def test_the_budget_is_300_a_register_plus_50_and_every_answer_tells_it(shop: Shop) -> None:
    shop.get("products")
    assert shop.answers[-1].headers["X-RateLimit-Limit"] == "350"
    assert shop.answers[-1].headers["X-RateLimit-Remaining"] == "349"
    shop.store.add_register("Till 2", shop.hamburg)
    shop.get("products/unknown", 404)
    assert shop.answers[-1].headers["X-RateLimit-Limit"] == "650"
    assert shop.answers[-1].headers["X-RateLimit-Remaining"] == "648"


def test_over_budget_is_a_429_with_a_date_until_the_window_ends(shop: Shop, clock: Clock) -> None:
    shop.store.options.rate_limit_override = 2
    shop.get("products")
    clock.advance(100)
    shop.get("products")
    refusal = shop.get("products", 429)
    assert refusal == {"error": "Too Many Requests", "message": "Rate limiting enforced"}
    headers = shop.answers[-1].headers
    assert (parsedate_to_datetime(headers["Retry-After"]) - clock.now()).total_seconds() == 200
    assert headers["X-RateLimit-Remaining"] == "0"
    shop.store.options.retry_after_seconds = True
    shop.get("products", 429)
    assert shop.answers[-1].headers["Retry-After"] == "200"
    clock.advance(200)
    shop.get("products")


def test_a_write_over_budget_is_not_executed(shop: Shop) -> None:
    shop.store.options.rate_limit_override = 0
    shop.post("products", {"name": "Mug"}, 429)
    assert shop.store.all_products() == []


def test_applications_have_budgets_of_their_own(shop: Shop) -> None:
    shop.store.options.rate_limit_override = 1
    shop.get("products")
    shop.get("products", 429)
    use(shop, refresh(shop, shop.store.tokens.add_application("app", "s3", SCOPES))["access_token"])
    shop.get("products")
    use(shop, shop.store.tokens.add_personal())
    shop.get("products", 429)  # all personal tokens of a retailer share one


def test_the_limit_can_be_switched_off(shop: Shop) -> None:
    shop.store.options.rate_limit = False
    shop.get("products")
    assert "X-RateLimit-Limit" not in shop.answers[-1].headers


def test_the_token_endpoint_has_a_limit_of_its_own(shop: Shop) -> None:
    shop.store.options.token_rate_limit = 1
    token = refresh(shop, shop.store.tokens.add_application("app", "s3", SCOPES))["refresh_token"]
    refresh(shop, token, 429)
    shop.get("products")
