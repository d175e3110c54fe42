"""Both stand-ins over HTTP, signed in: what the people of a shop see on either side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx

from demo.sandbox import Places

Row = dict[str, Any]
PAGE = 500


class Pair(NamedTuple):
    """The same product on both sides, as each API shows it."""

    online: Row
    till: Row


class Shops:
    """`online` and `till` are clients that are signed in."""

    def __init__(self, places: Places, *, api_version: str = "2026-07") -> None:
        online, till = places.commercetools, places.lightspeed
        self.online = httpx.Client(
            base_url=f"{online['url']}/{online['project_key']}", timeout=30, trust_env=False
        )
        self.till = httpx.Client(base_url=f"{till['url']}/api/{api_version}", timeout=30, trust_env=False)
        token = httpx.post(
            f"{online['auth_url']}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(online["client_id"], online["client_secret"]),
            timeout=30,
            trust_env=False,
        )
        self.online.headers["Authorization"] = f"Bearer {answered(token)['access_token']}"
        self.till.headers["Authorization"] = f"Bearer {till['token']}"

    def close(self) -> None:
        self.online.close()
        self.till.close()

    def shared_products(self) -> Iterator[Pair]:
        """Products that both sides have, told by the SKU of the first variant."""
        at_the_till = {
            row["sku"]: row
            for row in self.at_the_till("products")
            if row.get("sku") and row.get("active", True)
        }
        for product in self.all_online("product-projections", staged="false"):
            partner = at_the_till.get(product["masterVariant"].get("sku"))
            if partner is not None:
                yield Pair(product, partner)

    def all_online(self, path: str, **query: str) -> Iterator[Row]:
        """Every resource of a kind."""
        last: dict[str, str] = {}
        while rows := answered(
            self.online.get(f"/{path}", params={"limit": PAGE, "sort": "id asc", **query, **last})
        )["results"]:
            yield from rows
            last = {"where": f'id > "{rows[-1]["id"]}"'}

    def update_online(self, path: str, resource: Row, *actions: Row) -> None:
        """Update actions on a resource as it was seen."""
        body = {"version": resource["version"], "actions": list(actions)}
        answered(self.online.post(f"/{path}/{resource['id']}", json=body))

    def at_the_till(self, path: str) -> Iterator[Row]:
        """Every row of a kind."""
        after = 0
        while rows := answered(self.till.get(f"/{path}", params={"after": after, "page_size": PAGE}))["data"]:
            yield from rows
            after = max(row["version"] for row in rows)


def answered(answer: httpx.Response, *, empty_allowed: bool = False) -> Any:
    """What the answer holds. Raises RuntimeError where it is a refusal."""
    if answer.is_error:
        raise RuntimeError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}"
        )
    return None if empty_allowed and not answer.content else answer.json()
