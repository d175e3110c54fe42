"""Webhooks of the stand-in: each change is told, signed where there is a secret, at least once and in no order."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, create_app
from sandbox.lightspeed.rows import Record
from sandbox.server import SandboxServer

SECRET = "s3"


class Ear:
    """A receiver: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.slow: set[str] = set()
        self.ports: set[int] = set()
        self.enough = threading.Event()
        self.url = ""

    async def listen(self, request: Request) -> Response:
        status = self.answers.pop(0) if self.answers else 202
        self.got.append((request.url.path, dict(request.headers), await request.body()))
        assert request.client is not None
        self.ports.add(request.client.port)
        if request.url.path in self.slow:
            await asyncio.to_thread(self.enough.wait, 120)
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
        made.enough.set()


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


def told_of(ear: Ear, kind: str) -> list[dict[str, Any]]:
    pairs = zip(ear.got, ear.payloads(), strict=True)
    return [payload for (path, _, _), payload in pairs if path == f"/{kind}"]


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
    [edited], [new] = told_of(ear, "product.update"), told_of(ear, "customer.update")
    assert edited["id"] == product
    assert (new["contact_first_name"], new["email"]) == ("Ada", "ada@example.com")
    assert "version" not in new, "the old shape of customers has none"


@pytest.mark.parametrize(
    ("answers", "attempts", "state"),
    [([500, 503, 200], 3, "delivered"), ([404], 1, "refused"), ([302], 1, "refused"), ([410], 1, "refused")],
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


def states(store: LightspeedStore) -> list[str]:
    return [one.state for one in store.hooks.log]


def test_a_write_through_the_api_by_the_application_itself_is_told_to_its_own_webhook(ear: Ear) -> None:
    store = LightspeedStore(domain_prefix="acme")
    store.options.webhook_signature = "base64"
    outlet = store.add_outlet("Main")
    [product] = store.add_product_family("Tee", sku="TEE", price="10")
    scopes = "webhooks products:write inventory:write"
    token = store.tokens.refresh("app", SECRET, store.tokens.add_application("app", SECRET, scopes))
    with SandboxServer(create_app(store, Faults(0))) as server:
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        with httpx.Client(base_url=f"{server.url}/api/2026-07", headers=headers) as api:
            hook = {"type": "inventory.update", "url": f"{ear.url}/here", "active": True}
            made = api.post("/webhooks", json=hook).json()["data"]
            adjusted = {
                "product_id": product,
                "outlet_id": outlet,
                "quantity": "2.5",
                "reason": "STOCK_FOUND",
            }
            assert api.post("/stock_adjustments", json={"stock_adjustments": [adjusted]}).status_code == 201
            assert store.hooks.settle()
            assert api.put(f"/webhooks/{made['id']}", json=hook | {"active": False}).status_code == 200
            assert api.post("/stock_adjustments", json={"stock_adjustments": [adjusted]}).status_code == 201
            assert store.hooks.settle()
    [(path, given, body)] = ear.got
    form = {name: value for name, [value] in parse_qs(body.decode(), strict_parsing=True).items()}
    assert path == "/here"
    assert form.keys() == {"payload", "domain_prefix", "environment", "retailer_id", "type"}
    assert (form["domain_prefix"], form["type"]) == ("acme", "inventory.update")
    assert form["retailer_id"] == store.retailer_id
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    assert given["x-signature"] == f"signature={signature},algorithm=HMAC-SHA256"
    told = json.loads(form["payload"])
    assert (told["count"], told["product"]["sku"], told["outlet"]["name"]) == ("2.5", "TEE", "Main")


def test_a_sale_is_told_once_in_the_old_shape_and_so_is_the_level_it_moves(ear: Ear) -> None:
    with shop(ear, "sale.update", "inventory.update") as (store, product, outlet):
        store.add_register("Till", outlet)
        ada = store.add_customer(first_name="Ada", last_name="Byron", customer_code="CT-1")
        sale = store.sell(outlet, [(product, 2)], customer=ada)
        assert store.hooks.settle()
    [told] = told_of(ear, "sale.update")
    assert (told["id"], told["status"], told["customer"]["customer_code"]) == (sale, "CLOSED", "CT-1")
    assert told["version"] == store.sales.rows[sale].version
    assert told["user"]["id"] == told["user_id"]
    assert told["totals"]["total_payment"] == 20
    assert told["totals"]["total_to_pay"] == 0
    assert [(line["product_id"], line["quantity"]) for line in told["register_sale_products"]] == [
        (product, 2)
    ]
    [payment] = told["register_sale_payments"]
    assert (payment["amount"], payment["retailer_payment_type"]["name"]) == (20, "Cash")
    assert " " in told["created_at"]
    assert told["sale_date"].endswith("Z")
    assert [level["count"] for level in told_of(ear, "inventory.update")] == ["-2"]


def test_a_new_product_is_told_once_and_whole_and_a_deleted_one_as_an_update(ear: Ear) -> None:
    with shop(ear, "product.update") as (store, _, outlet):
        red = store.add_variant_attribute("Colour")
        variant = {"sku": "R", "price": 30, "variant_definitions": [{"attribute_id": red, "value": "Red"}]}
        [made] = store.add_product_family(
            "Hat", variants=[variant], brand_id=store.add_brand("Puma"), tag_ids=[store.add_tag("new")]
        )
        assert store.hooks.settle()
        [told] = ear.payloads()
        store.delete_product(made)
        assert store.hooks.settle()
    assert (told["sku"], told["base_name"], told["name"]) == ("R", "Hat", "Hat / Red")
    assert (told["brand"]["name"], [tag["name"] for tag in told["categories"]]) == ("Puma", ["new"])
    assert [level["outlet_id"] for level in told["inventory"]] == [outlet]
    assert [(entry["price"], entry["type"]) for entry in told["price_book_entries"]] == [(30, "BASE")]
    assert [tax["outlet_id"] for tax in told["taxes"]] == [outlet]
    assert told["deleted_at"] is None
    [_, gone] = ear.payloads()
    assert gone["deleted_at"] is not None
    assert gone["version"] > told["version"]


def test_levels_of_untracked_products_are_not_told(ear: Ear) -> None:
    with shop(ear, "inventory.update") as (store, _, outlet):
        [untracked] = store.add_product_family("Voucher", sku="V", price="5", track_inventory=False)
        store.set_stock(untracked, outlet, 3)
        assert store.hooks.settle()
    assert ear.got == []


def test_a_transfer_is_told_when_it_is_sent_and_received_and_a_delivery_when_it_is_received(ear: Ear) -> None:
    with shop(ear, "consignment.send", "consignment.receive") as (store, product, outlet):
        other = store.add_outlet("Other")
        moved = store.transfer(product, outlet, other, 2)
        assert store.hooks.settle()
        [sent], [received] = told_of(ear, "consignment.send"), told_of(ear, "consignment.receive")
        delivered = store.receive(product, outlet, 5)
        store.count(product, outlet, 9)
        assert store.hooks.settle()
    assert (sent["id"], sent["status"], sent["source_outlet_id"]) == (moved, "SENT", outlet)
    assert (received["id"], received["status"], received["outlet_id"]) == (moved, "RECEIVED", other)
    assert [line["count"] for line in sent["consignment_products"]] == ["2.00000"]
    assert len(told_of(ear, "consignment.send")) == 1
    assert [told["id"] for told in told_of(ear, "consignment.receive")] == [moved, delivered]


def test_what_is_changed_twice_at_once_is_told_once_as_it_is_in_the_end(ear: Ear) -> None:
    with shop(ear, "inventory.update") as (store, product, outlet):
        with store.lock:
            store.set_stock(product, outlet, 1)
            store.set_stock(product, outlet, 2)
            assert states(store) == []
        assert store.hooks.settle()
    assert [told["count"] for told in ear.payloads()] == ["2"]


def test_a_change_before_an_error_is_told_all_the_same(ear: Ear) -> None:
    def fail(store: LightspeedStore, product: str, outlet: str) -> None:
        with store.lock:
            store.set_stock(product, outlet, 1)
            raise KeyError(product)

    with shop(ear, "inventory.update") as world:
        with pytest.raises(KeyError):
            fail(*world)
        assert world[0].hooks.settle()
    assert [told["count"] for told in ear.payloads()] == ["1"]


def test_after_twenty_tries_in_vain_it_is_given_up(ear: Ear) -> None:
    with shop(ear, "inventory.update") as world:
        world[0].options.webhook_retry_seconds = 0
        ear.answers = [503] * 30
        count(*world)
        assert world[0].hooks.settle()
        [delivery] = world[0].hooks.log
    assert (delivery.attempts, delivery.status, delivery.state) == (20, 503, "given up")
    assert len({body for _, _, body in ear.got}) == 1, "each try has the same body"
    assert len(ear.ports) == 1, "on the same connection"


def test_whoever_does_not_answer_in_time_is_tried_again_and_holds_up_no_other_webhook(ear: Ear) -> None:
    ear.slow = {"/inventory.update"}
    with shop(ear, "inventory.update", "product.update") as (store, product, outlet):
        store.options.webhook_timeout_seconds = 60
        store.set_stock(product, outlet, 1)
        store.edit_product(product, price="12")
        [slow, quick] = store.hooks.log
        with store.hooks._changed:
            assert store.hooks._changed.wait_for(lambda: quick.state == "delivered", 50)
            assert (slow.type, slow.attempts) == ("inventory.update", 0)
        ear.enough.set()
        assert store.hooks.settle()
        ear.enough.clear()
        store.options.webhook_timeout_seconds = 0.05
        store.set_stock(product, outlet, 2)
        late = store.hooks.log[-1]
        with store.hooks._changed:
            assert store.hooks._changed.wait_for(lambda: late.attempts, 50)
            assert late.state == "waiting"
        ear.enough.set()
        store.options.webhook_timeout_seconds = 60
        assert store.hooks.flush()
    assert late.attempts > 1
    assert (late.state, late.status) == ("delivered", 202)


def test_no_receiver_at_all_is_tried_again_and_does_not_stop_what_comes_after(ear: Ear) -> None:
    with shop(ear, "product.update") as (store, product, _):
        store.options.webhook_retry_seconds = 3600
        [hook] = store.webhooks.live()
        right, hook.fields["url"] = hook.fields["url"], "http://127.0.0.1:1/"
        store.edit_product(product, price="11")
        assert store.hooks.flush()
        [delivery] = store.hooks.log
        assert (delivery.state, delivery.status, delivery.error) == ("waiting", None, "ConnectError")
        hook.fields["url"] = right
        store.edit_product(product, price="12")
        assert store.hooks.flush()
        assert states(store) == ["delivered", "delivered"]


def test_what_waits_for_a_webhook_that_is_deleted_is_lost(ear: Ear) -> None:
    with shop(ear, "inventory.update") as world:
        store = world[0]
        store.options.webhook_late_seconds = 3600
        count(*world)
        assert not store.hooks.settle(0.05)
        [hook] = store.webhooks.live()
        store.webhooks.delete(hook)
        assert store.hooks.settle()
        assert states(store) == ["lost"]
    assert ear.got == []


def test_threads_end_with_the_server_and_what_waits_is_delivered_when_it_is_there_again(ear: Ear) -> None:
    with shop(ear, "inventory.update") as world:
        store = world[0]
        store.options.webhook_late_seconds = 3600
        count(*world)
        assert [each.name for each in threading.enumerate() if each.name.startswith("webhook-")]
    assert [each.name for each in threading.enumerate() if each.name.startswith("webhook-")] == []
    assert states(store) == ["waiting"]
    with SandboxServer(create_app(store, Faults(0))):
        assert store.hooks.flush()
    assert states(store) == ["delivered"]


def test_losses_and_duplicates_repeat_with_the_seed(ear: Ear) -> None:
    def happened(seed: int) -> list[tuple[str, bool]]:
        store = LightspeedStore(seed=seed)
        store.hooks.close()
        store.options.webhook_drop = store.options.webhook_duplicates = 0.4
        outlet = store.add_outlet("Main")
        [product] = store.add_product_family("Tee", sku="TEE", price="10")
        fields = {"type": "inventory.update", "url": ear.url, "active": True, "application": "personal"}
        store.webhooks.add(Record(id=store.new_id(), fields=fields))
        for level in range(40):
            store.set_stock(product, outlet, level)
        return [(one.state, one.duplicate) for one in store.hooks.log]

    assert happened(1) == happened(1) != happened(2)
    assert {("dropped", False), ("waiting", True), ("waiting", False)} == set(happened(1))


def test_shuffled_events_overtake_one_another_and_none_is_missing(ear: Ear) -> None:
    with shop(ear, "inventory.update") as (store, product, outlet):
        store.options.webhook_shuffle = 0.5
        for level in range(40):
            store.set_stock(product, outlet, level)
        assert store.hooks.settle()
    counts = [int(told["count"]) for told in ear.payloads()]
    assert sorted(counts) == list(range(40)) != counts


def test_the_log_tells_neither_addresses_nor_what_was_sent(ear: Ear) -> None:
    store = LightspeedStore()
    fields = {
        "type": "customer.update",
        "url": f"{ear.url}/secret",
        "active": True,
        "application": "personal",
    }
    store.webhooks.add(Record(id=store.new_id(), fields=fields))
    with SandboxServer(create_app(store, Faults(0))) as server:
        customer = store.add_customer(first_name="Ada", email="ada@example.com")
        flushed = httpx.post(f"{server.url}/_admin/webhooks/flush").json()["data"]
        log = httpx.get(f"{server.url}/_admin/webhooks/deliveries")
        none = httpx.get(f"{server.url}/_admin/webhooks/deliveries", params={"type": "sale.update"})
    assert (flushed["done"], flushed["states"]["delivered"]) == (True, 1)
    [shown] = log.json()["data"]
    assert (shown["type"], shown["resource_id"], shown["attempts"]) == ("customer.update", customer, 1)
    assert (shown["state"], shown["status"]) == ("delivered", 202)
    assert shown["millis"] > 0
    assert "secret" not in log.text
    assert "ada" not in log.text
    assert none.json() == {"data": []}


def test_a_simulated_till_sells_a_unit(ear: Ear) -> None:
    with (
        shop(ear, "sale.update", "inventory.update") as (store, product, outlet),
        SandboxServer(create_app(store, Faults(0))) as server,
    ):
        wanted = {"product_id": product, "outlet_id": outlet}
        shut = httpx.post(f"{server.url}/_admin/sell", json=wanted)
        store.add_register("Till", outlet)
        sold = httpx.post(f"{server.url}/_admin/sell", json=wanted)
        unknown = httpx.post(f"{server.url}/_admin/sell", json=wanted | {"outlet_id": "nowhere"})
        nothing = httpx.post(f"{server.url}/_admin/sell", json=wanted | {"quantity": "none"})
        assert store.hooks.settle()
    assert (shut.status_code, unknown.status_code, nothing.status_code) == (400, 404, 400)
    assert sold.status_code == 201
    assert sold.json()["data"]["level"] == -1
    assert [told["id"] for told in told_of(ear, "sale.update")] == [sold.json()["data"]["id"]]
    assert [told["count"] for told in told_of(ear, "inventory.update")] == ["-1"]
