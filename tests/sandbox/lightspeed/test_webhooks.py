"""Webhooks of the stand-in: each state is told, signed where there is a secret, at least once and in no order."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.sandbox.faults import Faults
from include.sandbox.lightspeed import LightspeedStore, create_app
from include.sandbox.lightspeed.rows import Record
from include.sandbox.server import SandboxServer

SECRET = "s3"


class Ear:
    """A receiver: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = ""

    async def listen(self, request: Request) -> Response:
        status = self.answers.pop(0) if self.answers else 202
        self.got.append((request.url.path, dict(request.headers), await request.body()))
        return Response(status_code=status)

    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(parse_qs(body.decode())["payload"][0]) for _, _, body in self.got]


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    app = Starlette(routes=[Route("/{path:path}", made.listen, methods=["POST"])])
    with SandboxServer(app) as server:
        made.url = server.url
        yield made


@contextmanager
def shop(ear: Ear, *types: str, application: str = "app") -> Iterator[tuple[LightspeedStore, str, str]]:
    """A shop with one tracked product in one outlet; its store, product and outlet."""
    store = LightspeedStore()
    store.options.webhook_retry_seconds = 0.01
    store.tokens.add_application("app", SECRET, "webhooks")
    outlet = store.add_outlet("Main")
    product = store.add_product_family("Tee", sku="TEE", price="10")
    for kind in types:
        fields = {"type": kind, "url": f"{ear.url}/{kind}", "active": True, "application": application}
        store.webhooks.add(Record(id=store.new_id(), fields=fields))
    with SandboxServer(create_app(store, Faults(0))):
        yield store, product if isinstance(product, str) else product[0], outlet


Change = Callable[[LightspeedStore, str, str], Any]


def count(store: LightspeedStore, product: str, outlet: str) -> None:
    store.set_stock(product, outlet, "7")


def test_a_count_is_told_with_its_level(ear: Ear) -> None:
    with shop(ear, "inventory.update") as (store, product, outlet):
        count(store, product, outlet)
        assert store.hooks.settle()
    told = ear.payloads()[-1]
    assert (told["product_id"], told["outlet_id"], told["count"]) == (product, outlet, "7")
    assert ear.got[-1][0] == "/inventory.update"


def test_the_signature_is_that_of_the_raw_body_with_the_applications_secret(ear: Ear) -> None:
    with shop(ear, "inventory.update") as world:
        count(*world)
        assert world[0].hooks.settle()
    _, headers, body = ear.got[-1]
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-signature"] == f"signature={expected},algorithm=HMAC-SHA256"
    assert headers["content-type"] == "application/x-www-form-urlencoded"


def test_webhooks_of_personal_tokens_are_not_signed(ear: Ear) -> None:
    with shop(ear, "inventory.update", application="personal") as world:
        count(*world)
        assert world[0].hooks.settle()
    assert "x-signature" not in ear.got[-1][1]


def test_what_nobody_registered_for_is_not_told(ear: Ear) -> None:
    with shop(ear, "sale.update") as world:
        count(*world)
        assert world[0].hooks.settle()
        assert list(world[0].hooks.log) == []
    assert ear.got == []


def test_an_edit_of_a_product_and_a_new_customer_are_told(ear: Ear) -> None:
    with shop(ear, "product.update", "customer.update") as (store, product, _):
        store.edit_product(product, price="12")
        store.add_customer(first_name="Ada", email="ada@example.com")
        assert store.hooks.settle()
    assert [path for path, _, _ in ear.got] == ["/product.update", "/customer.update"]
    assert ear.payloads()[0]["id"] == product
    assert "version" not in ear.payloads()[1], "the old shape of customers has none"


@pytest.mark.parametrize(
    ("answers", "attempts", "state"), [([500, 503, 200], 3, "delivered"), ([404], 1, "refused")]
)
def test_only_failures_of_the_receiver_are_tried_again(
    ear: Ear, answers: list[int], attempts: int, state: str
) -> None:
    with shop(ear, "inventory.update") as world:
        ear.answers = list(answers)
        count(*world)
        assert world[0].hooks.settle()
        [delivery] = world[0].hooks.log
    assert (delivery.attempts, delivery.state) == (attempts, state)
    assert len(ear.got) == attempts


def test_duplicates_and_losses_come_as_the_switches_say(ear: Ear) -> None:
    with shop(ear, "inventory.update") as (store, product, outlet):
        store.options.webhook_duplicates = 1.0
        store.set_stock(product, outlet, "3")
        assert store.hooks.settle()
        assert len(ear.got) == 2
        assert ear.got[0][2] == ear.got[1][2]
        store.options.webhook_drop = 1.0
        store.set_stock(product, outlet, "4")
        assert store.hooks.settle()
    assert len(ear.got) == 2


def test_late_events_overtake_one_another(ear: Ear) -> None:
    with shop(ear, "inventory.update") as (store, product, outlet):
        store.options.webhook_late_seconds = 0.5
        for level in range(20):
            store.set_stock(product, outlet, str(level))
        assert store.hooks.settle()
    versions = [one["version"] for one in ear.payloads()]
    assert len(versions) == 20
    assert versions != sorted(versions)
