"""One HTTP server for all tests of the stand-in; each test puts a fresh store behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, StoreOptions, create_app
from sandbox.lightspeed.numerals import decode
from tests.support.stage import Stage

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class Shop:
    """A store with the things products refer to, and a client with a personal token."""

    store: LightspeedStore
    faults: Faults
    http: httpx.Client
    tax: str = ""
    berlin: str = ""
    hamburg: str = ""
    colour: str = ""
    size: str = ""
    brand: str = ""
    tag: str = ""
    clothes: str = ""
    tops: str = ""
    supplier: str = ""
    version: str = "2026-07"
    answers: list[httpx.Response] = field(default_factory=list)

    def call(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The decoded answer, fractions as Decimal; fails unless the status is the expected one."""
        answer = self.http.request(method, f"/api/{self.version}/{path}", **more)
        self.answers.append(answer)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return decode(answer.content) if answer.content else None

    def get(self, path: str, status: Any = 200, **query: Any) -> Any:
        return self.call("GET", path, status, params=query)

    def answer_json(self, path: str) -> Any:
        """The answer as any JSON parser reads it, fractions as float."""
        self.call("GET", path)
        return self.answers[-1].json()

    def post(self, path: str, given: Any, status: int = 200) -> Any:
        return self.call("POST", path, status, json=given)

    def put(self, path: str, given: Any, status: int = 200) -> Any:
        return self.call("PUT", path, status, json=given)

    def delete(self, path: str, status: int = 200, **more: Any) -> Any:
        return self.call("DELETE", path, status, **more)

    def product(self, product_id: str) -> Any:
        return self.get(f"products/{product_id}")["data"]

    def variant(self, sku: str, colour: str, size: str = "M", **more: Any) -> dict[str, Any]:
        """An entry of `variants` with both attributes."""
        definitions = [
            {"attribute_id": self.colour, "value": colour},
            {"attribute_id": self.size, "value": size},
        ]
        return {"sku": sku, "variant_definitions": definitions, "price_including_tax": 30, **more}

    def tee(self, **more: Any) -> list[str]:
        """A family of two; returns their ids."""
        variants = [self.variant("TEE-R", "Red"), self.variant("TEE-B", "Blue")]
        ids: list[str] = self.post("products", {"name": "Tee", "variants": variants, **more})["data"]
        return ids

    def feed(self, path: str = "products", **query: Any) -> list[Any]:
        """Every row of a version feed, page by page until one is empty."""
        rows: list[Any] = []
        after = 0
        while True:
            page = self.get(path, after=after, **query)
            if not page["data"]:
                assert page["version"] == {"min": None, "max": None}
                return rows
            assert page["version"]["max"] > after
            rows += page["data"]
            after = page["version"]["max"]


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def open_shop(stage: Stage, clock: Clock, **settings: Any) -> Shop:
    """A furnished store behind the server."""
    store = LightspeedStore(seed=1, clock=clock, options=StoreOptions(empty_put_answer="never"), **settings)
    faults = Faults()
    stage.app = create_app(store, faults)
    http = httpx.Client(
        base_url=stage.url, headers={"Authorization": f"Bearer {store.tokens.add_personal()}"}
    )
    shop = Shop(store, faults, http)
    shop.tax = store.add_tax("GST", Decimal("0.15"), is_default=True)
    shop.berlin, shop.hamburg = store.add_outlet("Berlin"), store.add_outlet("Hamburg")
    store.add_register("Till 1", shop.berlin)
    shop.colour, shop.size = store.add_variant_attribute("Colour"), store.add_variant_attribute("Size")
    shop.brand, shop.tag, shop.supplier = (
        store.add_brand("Puma"),
        store.add_tag("summer"),
        store.add_supplier("Acme"),
    )
    shop.clothes = store.add_category("Clothes")
    shop.tops = store.add_category("Tops", shop.clothes)
    return shop


@pytest.fixture
def shop(stage: Stage, clock: Clock) -> Iterator[Shop]:
    opened = open_shop(stage, clock)
    yield opened
    opened.http.close()


@pytest.fixture
def exclusive_shop(stage: Stage, clock: Clock) -> Iterator[Shop]:
    opened = open_shop(stage, clock, tax_exclusive=True)
    yield opened
    opened.http.close()
