"""One project of a running commercetools-mock: filled with a shop, looked at, and edited as people would edit it."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from sandbox.shop import Shop
from sandbox.shop.prices import EXTERNAL_DISCOUNT_ID

Json = dict[str, Any]
PAGE = 500


class MockProject:
    """A project of its own; the mock makes it with its first request. `drafts` refused by the mock raise."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        self.key = key or f"peer-{uuid4().hex[:12]}"
        self._http = httpx.Client(base_url=url, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    # ------------------------------------------------------------ as a test looks at it and edits it

    def credentials(self) -> dict[str, str]:
        """The mock lets in any client that has a name and a secret."""
        return {"project_key": self.key, "client_id": "any-client", "client_secret": "any-secret"}

    def all(self, path: str) -> list[Json]:
        rows: list[Json] = []
        while True:
            params: dict[str, str | int] = {"limit": PAGE, "offset": len(rows), "sort": "id asc"}
            page = self._send("GET", path, params=params)["results"]
            rows += page
            if len(page) < PAGE:
                return rows

    def get(self, path: str, *, id: str | None = None, key: str | None = None) -> Json | None:
        answer = self._http.get(self._address(path, id, key))
        return None if answer.status_code == 404 else _said(answer)

    def create(self, path: str, draft: Json) -> Json:
        return self._send("POST", path, json=draft)

    def update(
        self, path: str, actions: list[Json], *, id: str | None = None, key: str | None = None
    ) -> Json:
        """Applies update actions to whatever version is there, as somebody else's edit."""
        found = _said(self._http.get(self._address(path, id, key)))
        body = {"version": found["version"], "actions": actions}
        return _said(self._http.post(self._address(path, found["id"]), json=body))

    def delete(self, path: str, *, id: str | None = None, key: str | None = None) -> None:
        found = _said(self._http.get(self._address(path, id, key)))
        _said(self._http.delete(self._address(path, found["id"]), params={"version": found["version"]}))

    def insert(self, type_id: str, resources: Sequence[Json]) -> None:
        """Puts whole resources there as they are, id, version and times included."""
        _said(self._http.post(f"/_admin/seed/{self.key}/{type_id}", json=list(resources)))

    def misbehave(self, path: str, status: int, *, times: int, method: str = "GET", **more: Any) -> None:
        """The next `times` requests of this project whose address holds `path` are refused with `status`."""
        fault = {"match": f"/{self.key}{path}", "method": method, "status": status, "times": times, **more}
        _said(self._http.post("/_admin/fault", json=fault))

    def _send(self, method: str, path: str, **more: Any) -> Json:
        return _said(self._http.request(method, self._address(path), **more))

    def _address(self, path: str, id: str | None = None, key: str | None = None) -> str:
        name = f"/key={key}" if key is not None else f"/{id}" if id is not None else ""
        return f"/{self.key}/{path}{name}"

    # ------------------------------------------------------------ a shop

    def fill(self, shop: Shop) -> None:
        """The online side of a shop, as ordinary creations in the order references allow."""
        self.insert("product-discount", [_external_discount(shop.locales)])
        for path, drafts in (
            ("types", shop.types),
            ("tax-categories", shop.tax_categories),
            ("channels", shop.channels),
            ("customer-groups", shop.customer_groups),
            ("zones", shop.zones),
            ("product-types", shop.product_types),
            ("categories", shop.categories),
            ("products", shop.products),
        ):
            for draft in drafts:
                self.create(path, draft)


def _external_discount(languages: Sequence[str]) -> Json:
    """The rule of an external service that a shop's discounted prices name."""
    return {
        "id": EXTERNAL_DISCOUNT_ID,
        "version": 1,
        "name": dict.fromkeys(languages, "external"),
        "value": {"type": "external"},
        "predicate": "1=1",
        "sortOrder": "0.5",
        "isActive": True,
        "references": [],
    }


def _said(answer: httpx.Response) -> Json:
    if answer.is_error:
        raise RuntimeError(f"commercetools-mock answered {answer.status_code}: {answer.text[:500]}")
    found: Json = answer.json()
    return found
