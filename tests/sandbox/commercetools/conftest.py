"""A fresh commercetools stand-in per test, behind one HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.clock import Clock
from sandbox.commercetools import CommercetoolsStore, create_app
from sandbox.faults import Faults
from tests.support.stage import Stage

Json = dict[str, Any]


class Api:
    """The stand-in as a client with all permissions sees it."""

    def __init__(self, url: str, project: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=10)
        self.project = project
        token = self.client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=("sandbox-client", "sandbox-secret"),
        ).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.client.request(
            method,
            f"/{self.project}/{path}".rstrip("/"),
            headers=self.headers | more.pop("headers", {}),
            **more,
        )

    def get(self, path: str, status: int = 200, **params: Any) -> Json:
        return self._body(self.send("GET", path, params=params), status)

    def post(self, path: str, body: Any, status: int | None = None, **params: Any) -> Json:
        answer = self.send("POST", path, json=body, params=params)
        return self._body(answer, status if status is not None else answer.status_code, most=status or 299)

    def delete(self, path: str, status: int = 200, **params: Any) -> Json:
        return self._body(self.send("DELETE", path, params=params), status)

    def update(self, path: str, resource: Json, *actions: Json, status: int = 200) -> Json:
        body = {"version": resource["version"], "actions": list(actions)}
        return self.post(f"{path}/{resource['id']}", body, status)

    def refused(self, path: str, body: Any, code: str, status: int = 400) -> Json:
        """The first error of a POST that must be refused with this code."""
        answer = self.post(path, body, status)
        assert answer["errors"][0]["code"] == code, answer
        assert answer["statusCode"] == status
        assert answer["message"] == answer["errors"][0]["message"]
        error: Json = answer["errors"][0]
        return error

    def update_refused(self, path: str, resource: Json, code: str, *actions: Json) -> Json:
        return self.refused(
            f"{path}/{resource['id']}", {"version": resource["version"], "actions": list(actions)}, code
        )

    @staticmethod
    def _body(answer: httpx.Response, status: int, most: int = 599) -> Json:
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        assert answer.status_code <= most, f"{answer.status_code}: {answer.text}"
        body: Json = answer.json()
        return body


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> CommercetoolsStore:
    """A shop with two channels, one tax category, one category and one product type."""
    store = CommercetoolsStore("shop", seed=1, clock=clock)
    store.create("channels", {"key": "web", "roles": ["ProductDistribution"]})
    store.create("channels", {"key": "warehouse", "roles": ["InventorySupply"]})
    rate = {"name": "19 %", "amount": 0.19, "includedInPrice": True, "country": "DE"}
    store.create("tax-categories", {"key": "standard", "name": "Standard", "rates": [rate]})
    store.create("categories", {"key": "shirts", "name": {"en": "Shirts"}, "slug": {"en": "shirts"}})
    store.create("product-types", PRODUCT_TYPE)
    return store


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def api(stage: Stage, store: CommercetoolsStore, faults: Faults) -> Iterator[Api]:
    stage.app = create_app(store, faults)
    api = Api(stage.url, "shop")
    yield api
    api.client.close()


def attribute(name: str, type_: Json, **more: Any) -> Json:
    return {"name": name, "label": {"en": name}, "type": type_, "isRequired": False, **more}


PRODUCT_TYPE: Json = {
    "key": "shirt",
    "name": "Shirt",
    "description": "Things with sleeves",
    "attributes": [
        attribute("size", {"name": "text"}),
        attribute(
            "color",
            {"name": "enum", "values": [{"key": "r", "label": "Red"}, {"key": "g", "label": "Green"}]},
        ),
        attribute("fit", {"name": "lenum", "values": [{"key": "slim", "label": {"en": "Slim"}}]}),
        attribute("material", {"name": "ltext"}, attributeConstraint="SameForAll"),
        attribute("serial", {"name": "text"}, attributeConstraint="Unique"),
        attribute("weight", {"name": "number"}),
        attribute("washable", {"name": "boolean"}),
        attribute("deposit", {"name": "money"}),
        attribute("labels", {"name": "set", "elementType": {"name": "text"}}),
        attribute("released", {"name": "date"}),
        attribute("season", {"name": "text"}, level="Product"),
    ],
}


def variant(sku: str, **more: Any) -> Json:
    return {"sku": sku, **more}


def draft(name: str = "a", *skus: str, **more: Any) -> Json:
    """A small ProductDraft; the first SKU is the master variant's."""
    first, *others = skus or (f"{name}-1",)
    return {
        "key": f"key-{name}",
        "productType": {"typeId": "product-type", "key": "shirt"},
        "name": {"en": f"Shirt {name}"},
        "slug": {"en": f"shirt-{name}"},
        "masterVariant": variant(first),
        "variants": [variant(sku) for sku in others],
        **more,
    }


def euros(cents: int, **more: Any) -> Json:
    return {"value": {"currencyCode": "EUR", "centAmount": cents}, **more}
