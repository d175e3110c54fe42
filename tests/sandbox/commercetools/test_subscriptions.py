"""Subscriptions: what they may look like, and what reaches a queue or a receiver when something changes."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest

from sandbox.clock import Clock
from sandbox.commercetools import (
    Basket,
    CommercetoolsStore,
    Item,
    PushEndpoints,
    RequestValidator,
    create_app,
)
from sandbox.faults import Faults
from sandbox.server import SandboxServer
from tests.support.sqs import REGION, client, new_queue, sqs_server

from .conftest import Api, Json, draft, euros
from .test_ct_official_shapes import DESCRIPTION, REQUESTS, check, unknown_fields
from .test_ct_resources import imported

TOPIC: Json = {"type": "GoogleCloudPubSub", "projectId": "cloud", "topic": "shop"}
GRID: Json = {
    "type": "EventGrid",
    "uri": "https://grid.example.com/api/events",
    "accessKey": "grid-access-key",
}
CLOUD_EVENTS: Json = {"type": "CloudEvents", "cloudEventsVersion": "1.0"}
FOLLOWED = ("product", "inventory-entry", "standalone-price", "customer", "order", "payment")

needs_description = pytest.mark.skipif(
    not (DESCRIPTION.is_file() and REQUESTS.is_file()),
    reason="the official API description is not beside the checkout",
)


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that writes down what it gets. `answers`: the statuses it gives first, before all are 200;
    `allows`: what it says in the handshake; `gate`: shut, it does not answer yet."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    allows: str | None = "eventgrid.azure.net"
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def posts(self) -> list[Received]:
        return [each for each in self.received if each.method == "POST"]

    @property
    def pushed(self) -> list[Json]:
        """What a Pub/Sub topic was given, unpacked."""
        return [json.loads(base64.b64decode(json.loads(each.body)["message"]["data"])) for each in self.posts]

    @property
    def told(self) -> list[Json]:
        """The same, without test notifications."""
        return [each for each in self.pushed if each["resource"]["typeId"] != "subscription"]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.gate.wait(10)
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.received.append(Received("POST", self.path, dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_OPTIONS(self) -> None:
                receiver.received.append(Received("OPTIONS", self.path, dict(self.headers), b""))
                self.send_response(200)
                if receiver.allows is not None:
                    self.send_header("WebHook-Allowed-Origin", receiver.allows)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.gate.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), receiver.handler())
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield receiver
    receiver.gate.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def topic(api: Api, receiver: Receiver, store: CommercetoolsStore) -> Iterator[Receiver]:
    """The receiver behind the topic. A failed attempt is repeated by `flush` only: nothing waits for a clock."""
    admin(api, "push-endpoints", {"topics": {"projects/cloud/topics/shop": f"{receiver.url}/push"}})
    admin(api, "options", {"retry_seconds": 3600, "retry_most_seconds": 3600})
    yield receiver
    store.deliveries.close()


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with sqs_server() as url:
        yield url


@pytest.fixture
def queue(aws: str) -> tuple[Any, str]:
    """An SQS client and the URL of an empty queue."""
    sqs_client = client(aws)
    return sqs_client, new_queue(sqs_client)


def admin(api: Api, path: str, body: Json | None = None, status: int = 200) -> Any:
    answer = api.client.request("GET" if body is None else "POST", f"/_admin/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def flush(api: Api) -> Json:
    figures: Json = admin(api, "subscriptions/flush", {})
    return figures


def delivering() -> set[threading.Thread]:
    """The threads that deliver at the moment."""
    return {each for each in threading.enumerate() if each.name.startswith("subscription-")}


def wanted(*changes: str, **more: Any) -> Json:
    """A draft; of the topic unless it says otherwise."""
    listed = [{"resourceTypeId": each} for each in changes]
    return {"key": "sync", "destination": TOPIC, "changes": listed, **more}


def messages(type_id: str, *types: str) -> Json:
    return {"messages": [{"resourceTypeId": type_id, **({"types": list(types)} if types else {})}]}


# --- the resource ---


@needs_description
def test_a_subscription_has_the_shape_of_the_description_and_every_update_action(
    api: Api, topic: Receiver, store: CommercetoolsStore
) -> None:
    store.validate_requests = RequestValidator(REQUESTS)
    more = {**messages("order", "OrderCreated"), "format": {"type": "Platform"}}
    subscription = api.post(
        "subscriptions", wanted("product", events=[{"resourceTypeId": "checkout"}]) | more, 201
    )
    check("Subscription", subscription)
    assert unknown_fields("Subscription", subscription) == set()
    assert subscription["status"] == "Healthy"
    subscription = api.update(
        "subscriptions",
        subscription,
        {"action": "setKey", "key": "other"},
        {"action": "setChanges", "changes": [{"resourceTypeId": "order"}]},
        {"action": "setMessages", "messages": []},
        {"action": "setEvents"},
        {"action": "changeDestination", "destination": TOPIC},
    )
    assert (subscription["key"], subscription["messages"], subscription["events"]) == ("other", [], [])
    assert subscription["changes"] == [{"resourceTypeId": "order"}]
    page = api.get("subscriptions", where='key = "other"')
    check("SubscriptionPagedQueryResponse", page)
    assert page["results"] == [subscription] == [api.get("subscriptions/key=other")]


def test_a_subscription_is_written_and_deleted_under_its_version(api: Api, topic: Receiver) -> None:
    subscription = api.post("subscriptions", wanted("product"), 201)
    stale = {"version": subscription["version"] + 1, "actions": [{"action": "setKey", "key": "x-1"}]}
    api.refused("subscriptions/key=sync", stale, "ConcurrentModification", 409)
    api.delete("subscriptions/key=sync", 409, version=9)
    api.delete("subscriptions/key=sync", version=subscription["version"])
    api.get("subscriptions/key=sync", 404)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"changes": []}, "InvalidInput"),
        ({"changes": [{"resourceTypeId": "prodcut"}]}, "InvalidJsonInput"),
        ({"messages": [{"resourceTypeId": "channel"}]}, "InvalidJsonInput"),
        ({"events": [{"resourceTypeId": "product"}]}, "InvalidJsonInput"),
        ({"destination": {"type": "Webhook", "url": "https://a.b"}}, "InvalidJsonInput"),
        ({"destination": {"type": "GoogleCloudPubSub", "topic": "shop"}}, "InvalidJsonInput"),
        ({"destination": {"type": "SQS", "queueUrl": "http://q/1/a", "region": "eu"}}, "RequiredField"),
        ({"format": {"type": "CloudEvents"}}, "InvalidJsonInput"),
        ({"destination": GRID}, "InvalidInput"),
        ({"key": "x"}, "InvalidField"),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused_and_nothing_is_sent(
    api: Api, topic: Receiver, change: Json, code: str
) -> None:
    api.refused("subscriptions", wanted("product") | change, code)
    assert flush(api)["delivered"] == 0
    assert topic.received == []


def test_a_key_is_taken_once_and_a_project_has_fifty(
    api: Api, topic: Receiver, store: CommercetoolsStore
) -> None:
    api.post("subscriptions", wanted("product"), 201)
    assert api.refused("subscriptions", wanted("order"), "DuplicateField")["field"] == "key"
    for number in range(49):
        store.create("subscriptions", wanted("product", key=f"k-{number}"))
    api.refused("subscriptions", wanted("order", key="one-more"), "MaxResourceLimitExceeded")


def test_reading_needs_the_scope_that_writing_needs(api: Api, store: CommercetoolsStore) -> None:
    for scope, status in (("manage_products", 403), ("manage_subscriptions", 200)):
        store.add_client(scope, "secret", [f"{scope}:shop"])
        form = {"grant_type": "client_credentials"}
        token = api.client.post("/oauth/token", data=form, auth=(scope, "secret")).json()["access_token"]
        api.headers = {"Authorization": f"Bearer {token}"}
        api.get("subscriptions", status)


def test_secrets_of_a_destination_are_not_read_back(
    api: Api, receiver: Receiver, store: CommercetoolsStore
) -> None:
    admin(api, "push-endpoints", {"event_grid": {GRID["uri"]: receiver.url}})
    subscription = api.post("subscriptions", wanted("product", destination=GRID, format=CLOUD_EVENTS), 201)
    assert GRID["accessKey"] not in json.dumps([subscription, api.get("subscriptions")])
    assert store.all("subscriptions")[0]["destination"] == GRID
    store.deliveries.close()


# --- the test notification ---


def test_a_topic_that_is_not_there_gets_no_subscription(api: Api, topic: Receiver) -> None:
    error = api.refused(
        "subscriptions", wanted("product", destination=TOPIC | {"topic": "none"}), "InvalidInput"
    )
    assert error["message"] == (
        "A test message could not be delivered to this destination: GoogleCloudPubSub topic 'none' in project "
        "'cloud'. Please make sure your destination is correctly configured."
    )
    assert api.get("subscriptions")["total"] == 0


def test_a_new_subscription_starts_with_a_test_notification_of_itself(api: Api, topic: Receiver) -> None:
    subscription = api.post("subscriptions", wanted("product"), 201)
    flush(api)
    (told,) = topic.pushed
    assert told == {
        "notificationType": "ResourceCreated",
        "projectKey": "shop",
        "resource": {"typeId": "subscription", "id": subscription["id"]},
        "resourceUserProvidedIdentifiers": {"key": "sync"},
        "version": 1,
        "modifiedAt": told["modifiedAt"],
    }


def test_a_new_destination_is_tried_out_before_the_old_one_is_left(api: Api, topic: Receiver) -> None:
    subscription = api.post("subscriptions", wanted("product"), 201)
    elsewhere = {"action": "changeDestination", "destination": TOPIC | {"topic": "none"}}
    api.update_refused("subscriptions", subscription, "InvalidInput", elsewhere)
    assert api.get("subscriptions/key=sync") == subscription


def test_trying_out_a_slow_queue_keeps_nobody_else_waiting(
    api: Api, receiver: Receiver, store: CommercetoolsStore
) -> None:
    """The queue URL is that of a server that does not answer yet: the store must stay free meanwhile."""
    receiver.gate.clear()
    destination = {
        "type": "SQS",
        "queueUrl": f"{receiver.url}/1/slow",
        "region": "eu",
        "authenticationMode": "IAM",
    }
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            api.send, "POST", "subscriptions", json=wanted("product", destination=destination)
        )
        assert api.client.get("/shop/products", headers=api.headers, timeout=5).status_code == 200
        assert not waiting.done()
        receiver.gate.set()
        assert waiting.result().status_code == 400


# --- changes ---


def test_everything_that_changes_is_told_of_with_its_versions(
    api: Api, topic: Receiver, store: CommercetoolsStore
) -> None:
    api.post("subscriptions", wanted(*FOLLOWED), 201)
    product = api.post("products", draft("a"), 201)
    newer = api.update("products", product, {"action": "setKey", "key": "key-b"})
    entry = store.create("inventory", {"sku": "a-1", "key": "a-1", "quantityOnStock": 3})
    price = api.post("standalone-prices", euros(100, sku="a-1", key="p-1"), 201)
    person = {"email": "a@b.c", "customerNumber": "7", "authenticationMode": "ExternalAuth"}
    customer = api.post("customers", person, 201)["customer"]
    order = store.check_out(Basket(items=(Item("a-1", rate=0.19),), number="1001"))
    store.delete("inventory", key="a-1")
    api.delete(f"customers/{customer['id']}", version=customer["version"], dataErasure="true")
    flush(api)
    told = [
        (n["resource"]["typeId"], n["notificationType"], n["version"], n.get("oldVersion"))
        for n in topic.told
    ]
    payment = order["paymentInfo"]["payments"][0]
    assert told == [
        ("product", "ResourceCreated", 1, None),
        ("product", "ResourceUpdated", newer["version"], 1),
        ("inventory-entry", "ResourceCreated", 1, None),
        ("standalone-price", "ResourceCreated", 1, None),
        ("customer", "ResourceCreated", 1, None),
        ("payment", "ResourceCreated", 1, None),
        ("order", "ResourceCreated", 1, None),
        ("inventory-entry", "ResourceDeleted", entry["version"], None),
        ("customer", "ResourceDeleted", customer["version"], None),
    ]
    named = {n["resource"]["id"]: n.get("resourceUserProvidedIdentifiers") for n in topic.told}
    assert named == {
        product["id"]: {"key": "key-b", "slug": {"en": "shirt-a"}},
        entry["id"]: {"key": "a-1", "sku": "a-1"},
        price["id"]: {"key": "p-1"},
        customer["id"]: {"customerNumber": "7"},
        payment["id"]: None,
        order["id"]: {"orderNumber": "1001"},
    }
    assert topic.told[1]["modifiedAt"] == newer["lastModifiedAt"]
    assert [n.get("dataErasure") for n in topic.told[-2:]] == [None, True]


def test_stock_that_an_order_takes_is_a_change_but_no_message(
    api: Api, topic: Receiver, store: CommercetoolsStore
) -> None:
    """A message tells of set quantities only (documented)."""
    api.post("products", draft("a"), 201)
    entry = api.post("inventory", {"sku": "a-1", "quantityOnStock": 3}, 201)
    api.post("subscriptions", wanted("inventory-entry", **messages("inventory-entry")), 201)
    store.place_order([("a-1", 1, None)])
    flush(api)
    (change,) = topic.told
    assert (change["notificationType"], change["oldVersion"]) == ("ResourceUpdated", entry["version"])
    stocked = store.update("inventory", [{"action": "changeQuantity", "quantity": 9}], id=entry["id"])
    flush(api)
    change, message = topic.told[1:]
    assert change["version"] == message["resourceVersion"] == stocked["version"]
    assert (message["type"], message["newQuantityOnStock"]) == ("InventoryEntryQuantitySet", 9)


def test_a_refused_write_and_a_resource_nobody_asked_for_are_not_told_of(api: Api, topic: Receiver) -> None:
    product = api.post("products", draft("a"), 201)
    api.post("subscriptions", wanted("product"), 201)
    api.refused("products", draft("a"), "DuplicateField")
    api.update("products", product)
    api.post("channels", {"key": "x-1"}, 201)
    assert flush(api)["delivered"] == 1
    assert topic.told == []


def test_nothing_is_written_down_and_no_thread_runs_without_a_subscription(
    api: Api, store: CommercetoolsStore
) -> None:
    before = delivering()
    api.post("products", draft("a"), 201)
    assert store.deliveries.log == []
    assert delivering() <= before


def test_a_subscription_is_not_told_of_anything_before_it_is_known_everywhere(
    api: Api, topic: Receiver, clock: Clock
) -> None:
    admin(api, "options", {"activation_seconds": 60})
    api.post("subscriptions", wanted("channel"), 201)
    api.post("channels", {"key": "early"}, 201)
    clock.advance(61)
    api.post("channels", {"key": "late"}, 201)
    flush(api)
    assert [each["resourceUserProvidedIdentifiers"] for each in topic.told] == [{"key": "late"}]


# --- messages ---


def test_messages_are_numbered_for_each_resource_and_chosen_by_type(
    api: Api, topic: Receiver, store: CommercetoolsStore
) -> None:
    api.post("subscriptions", wanted(**messages("order", "OrderStateChanged", "ReturnInfoAdded")), 201)
    order = api.post("orders/import", imported(), 201)
    item = {"lineItemId": order["lineItems"][0]["id"], "quantity": 1, "shipmentState": "Returned"}
    order = api.update("orders", order, {"action": "changeOrderState", "orderState": "Complete"})
    api.update("orders", order, {"action": "addReturnInfo", "items": [item]})
    flush(api)
    changed, returned = topic.told
    assert (changed["orderState"], changed["oldOrderState"]) == ("Complete", "Open")
    assert returned["returnInfo"]["items"][0]["quantity"] == 1
    # The import was the first message, whoever listened.
    assert [each["sequenceNumber"] for each in topic.told] == [2, 3]


def test_an_order_of_a_cart_is_created_and_one_of_a_file_imported(
    api: Api, topic: Receiver, store: CommercetoolsStore
) -> None:
    api.post("products", draft("a"), 201)
    api.post("subscriptions", wanted(**messages("order")), 201)
    store.place_order([("a-1", 1, None)], mode="None")
    store.check_out(Basket(items=(Item("a-1", rate=0.19),)))
    flush(api)
    assert [each["type"] for each in topic.told] == ["OrderImported", "OrderCreated"]


def test_publishing_is_a_message_also_for_what_is_published(api: Api, topic: Receiver) -> None:
    api.post("subscriptions", wanted(**messages("product")), 201)
    product = api.post("products", draft("a", publish=True), 201)
    product = api.update("products", product, {"action": "setKey", "key": "quiet"})
    renamed = {"action": "changeName", "name": {"en": "New"}}
    product = api.update("products", product, renamed, {"action": "publish"})
    api.update("products", product, {"action": "unpublish"})
    flush(api)
    assert [each["type"] for each in topic.told] == [
        "ProductPublished",
        "ProductPublished",
        "ProductUnpublished",
    ]
    assert topic.told[1]["productProjection"]["name"] == {"en": "New"}


def test_a_message_that_is_too_large_comes_without_its_fields(api: Api, topic: Receiver) -> None:
    admin(api, "options", {"payload_limit": 100})
    api.post("subscriptions", wanted("order", **messages("order")), 201)
    api.post("orders/import", imported(), 201)
    flush(api)
    change, message = topic.told
    assert change["notificationType"] == "ResourceCreated"
    assert message["payloadNotIncluded"]["payloadType"] == "OrderImported"
    assert {"type", "order"}.isdisjoint(message)


@needs_description
@pytest.mark.parametrize("format", [{"type": "Platform"}, CLOUD_EVENTS], ids=["platform", "cloud events"])
def test_notifications_have_the_shape_of_the_description(
    api: Api, topic: Receiver, store: CommercetoolsStore, format: Json
) -> None:
    followed = [{"resourceTypeId": each} for each in ("order", "product", "inventory-entry", "customer")]
    api.post("subscriptions", wanted(*FOLLOWED, messages=followed, format=format), 201)
    product = api.post("products", draft("a", publish=True), 201)
    product = api.update("products", product, {"action": "unpublish"})
    store.create("inventory", {"sku": "a-1", "key": "a-1", "quantityOnStock": 3})
    store.update("inventory", [{"action": "addQuantity", "quantity": 3}], key="a-1")
    api.post("customers", {"email": "a@b.c", "authenticationMode": "ExternalAuth"}, 201)
    order = api.post("orders/import", imported(), 201)
    item = {"lineItemId": order["lineItems"][0]["id"], "quantity": 1, "shipmentState": "Returned"}
    state = {"action": "changeOrderState", "orderState": "Complete"}
    api.update("orders", order, state, {"action": "addReturnInfo", "items": [item]})
    store.check_out(Basket(items=(Item("a-1", rate=0.19),)))
    api.delete(f"products/{product['id']}", version=product["version"])
    flush(api)
    seen = set()
    for sent in topic.pushed:
        told = sent
        if format == CLOUD_EVENTS:
            check("CloudEventsPayload", sent)
            assert unknown_fields("CloudEventsPayload", sent) == set()
            told = sent["data"]
        kind = told["notificationType"]
        if kind == "Message":
            check("MessageDeliveryPayload", told)
            check(f"{told['type']}MessagePayload", told)
            known = (
                unknown_fields(name, told) for name in ("MessageDeliveryPayload", f"{told['type']}Message")
            )
            assert set.intersection(*known) == set()
        else:
            check(f"{kind}DeliveryPayload", told)
            assert unknown_fields(f"{kind}DeliveryPayload", told) == set()
        seen.add(told.get("type", kind))
    assert seen == {
        *("ResourceCreated", "ResourceUpdated", "ResourceDeleted", "OrderImported", "OrderCreated"),
        *("OrderStateChanged", "ReturnInfoAdded", "ProductPublished", "ProductUnpublished"),
        *("InventoryEntryQuantitySet", "CustomerCreated"),
    }


def test_a_cloud_event_says_what_it_is_of(api: Api, topic: Receiver) -> None:
    api.post("subscriptions", wanted("order", **messages("order"), format=CLOUD_EVENTS), 201)
    order = api.post("orders/import", imported(), 201)
    flush(api)
    test, change, message = topic.pushed
    assert test["type"] == "com.commercetools.subscription.change.ResourceCreated"
    assert {**change, "data": None} == {
        "specversion": "1.0",
        "id": f"{order['id']}-c1",
        "type": "com.commercetools.order.change.ResourceCreated",
        "source": "/shop/orders",
        "subject": order["id"],
        "time": order["lastModifiedAt"],
        "data": None,
    }
    assert message["type"] == "com.commercetools.order.message.OrderImported"
    assert (message["sequence"], message["sequencetype"]) == ("1", "Integer")
    assert message["id"] == message["data"]["id"]


# --- ways to a receiver ---


def test_a_topic_pushes_with_its_token(api: Api, topic: Receiver) -> None:
    endpoint = {"url": f"{topic.url}/push/main", "token": "signed-by-google", "subscription": "sync"}
    shown = admin(api, "push-endpoints", {"topics": {"projects/cloud/topics/shop": endpoint}})
    assert "signed-by-google" not in json.dumps(shown)
    api.post("subscriptions", wanted("channel"), 201)
    channel = api.post("channels", {"key": "x-1"}, 201)
    flush(api)
    greeting, sent = topic.posts
    body = json.loads(sent.body)
    assert sent.path == "/push/main"
    assert sent.headers["Authorization"] == "Bearer signed-by-google"
    assert body["subscription"] == "projects/sandbox/subscriptions/sync"
    assert topic.pushed[1]["resource"]["id"] == channel["id"]
    assert body["message"]["messageId"] != json.loads(greeting.body)["message"]["messageId"]
    assert body["message"]["publishTime"].endswith("Z")


def grid(api: Api, receiver: Receiver, **options: Any) -> Json:
    admin(api, "push-endpoints", {"event_grid": {GRID["uri"]: f"{receiver.url}/eventgrid"}})
    admin(api, "options", {"retry_seconds": 3600, "retry_most_seconds": 3600, **options})
    return api.post("subscriptions", wanted("channel", destination=GRID, format=CLOUD_EVENTS), 201)


def test_event_grid_asks_before_it_sends(api: Api, receiver: Receiver) -> None:
    grid(api, receiver)
    api.post("channels", {"key": "x-1"}, 201)
    flush(api)
    asked, *sent = receiver.received
    assert (asked.method, asked.headers["WebHook-Request-Origin"]) == ("OPTIONS", "eventgrid.azure.net")
    assert [each.method for each in sent] == ["POST", "POST"]
    assert sent[1].headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert json.loads(sent[1].body)["type"] == "com.commercetools.channel.change.ResourceCreated"


@pytest.mark.parametrize("allowed", [None, "somebody.example.com"])
def test_event_grid_sends_nothing_to_a_receiver_that_does_not_want_it(
    api: Api, receiver: Receiver, allowed: str | None
) -> None:
    receiver.allows = allowed
    grid(api, receiver)
    assert flush(api)["waiting"] == 1
    assert receiver.posts == []
    receiver.allows = "*"
    assert flush(api)["delivered"] == 1


def test_event_grid_sends_arrays_if_it_is_told_to(api: Api, receiver: Receiver) -> None:
    grid(api, receiver, hold=True, event_grid_batch=3)
    for number in range(3):
        api.post("channels", {"key": f"x-{number}"}, 201)
    flush(api)
    assert [len(json.loads(each.body)) for each in receiver.posts] == [3, 1]
    kinds = {each.headers["Content-Type"] for each in receiver.posts}
    assert kinds == {"application/cloudevents-batch+json; charset=utf-8"}


def test_the_wrong_key_does_not_open_an_event_grid_topic(api: Api, receiver: Receiver) -> None:
    topics = {GRID["uri"]: {"url": receiver.url, "access_key": "another"}}
    admin(api, "push-endpoints", {"event_grid": topics})
    draft = wanted("channel", destination=GRID, format=CLOUD_EVENTS)
    error = api.refused("subscriptions", draft, "InvalidInput")
    assert "EventGrid" in error["message"]
    assert GRID["accessKey"] not in error["message"]


def sqs(url: str, **more: Any) -> Json:
    return {
        "type": "SQS",
        "queueUrl": url,
        "region": REGION,
        "authenticationMode": "IAM",
        **more,
    }


def taken(queue: tuple[Any, str]) -> list[Json]:
    """Everything in the queue, which is empty afterwards."""
    client, url = queue
    found: list[Json] = []
    while batch := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [json.loads(each["Body"]) for each in batch]
        for each in batch:
            client.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return found


def test_a_queue_gets_the_test_notification_first_and_changes_then(
    api: Api, queue: tuple[Any, str], store: CommercetoolsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither a proxy nor somebody's AWS account has a part in it.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    subscription = api.post("subscriptions", wanted("channel", destination=sqs(queue[1])), 201)
    assert [each["resource"]["id"] for each in taken(queue)] == [subscription["id"]]
    channel = api.post("channels", {"key": "x-1"}, 201)
    flush(api)
    (told,) = taken(queue)
    assert (told["notificationType"], told["resource"]["id"]) == ("ResourceCreated", channel["id"])
    store.deliveries.close()


@pytest.mark.parametrize("place", ["{aws}/123456789012/none", "https://sqs.eu-central-1.amazonaws.com/1/ct"])
def test_a_queue_that_is_not_there_gets_no_subscription(api: Api, aws: str, place: str) -> None:
    url = place.format(aws=aws)
    keys = {"authenticationMode": "Credentials", "accessKey": "AKIA1", "accessSecret": "hidden-away"}
    error = api.refused("subscriptions", wanted("channel", destination=sqs(url, **keys)), "InvalidInput")
    assert error["message"] == (
        f"A test message could not be delivered to this destination: SQS '{url}' in eu-central-1 for AKIA1. "
        "Please make sure your destination is correctly configured."
    )
    assert api.get("subscriptions")["total"] == 0


def test_a_queue_that_goes_away_makes_the_subscription_ill_until_it_is_back(
    api: Api, queue: tuple[Any, str], store: CommercetoolsStore
) -> None:
    client, url = queue
    admin(api, "options", {"retry_seconds": 3600, "retry_most_seconds": 3600, "attempts": 3})
    subscription = api.post("subscriptions", wanted("channel", destination=sqs(url)), 201)
    client.delete_queue(QueueUrl=url)
    api.post("channels", {"key": "x-1"}, 201)
    flush(api)
    assert api.get("subscriptions/key=sync")["status"] == "ConfigurationError"
    health = f"/shop/subscriptions/{subscription['id']}/health"
    assert api.client.get(health).status_code == 400
    client.create_queue(QueueName=url.rsplit("/", 1)[1])
    assert flush(api)["delivered"] == 2
    assert api.get("subscriptions/key=sync") == subscription
    assert api.client.get(health).status_code == 200
    client.delete_queue(QueueUrl=url)
    api.post("channels", {"key": "x-2"}, 201)
    for _ in range(3):
        figures = flush(api)
    assert figures["failed"] == 1
    assert api.get("subscriptions/key=sync")["status"] == "ConfigurationErrorDeliveryStopped"
    store.deliveries.close()


# --- how bad it gets ---


def test_a_receiver_that_fails_gets_it_again_and_the_subscription_stays_healthy(
    api: Api, topic: Receiver
) -> None:
    """A topic keeps what its receiver does not take: commercetools never hears of it."""
    api.post("subscriptions", wanted("channel"), 201)
    flush(api)
    # So that its first attempt, too, is one of the three that are counted.
    admin(api, "options", {"hold": True})
    topic.answers = [503, 302]
    api.post("channels", {"key": "x-1"}, 201)
    for waiting in (1, 1, 0):
        assert flush(api)["waiting"] == waiting
    assert len(topic.told) == 3
    attempts = [json.loads(each.body)["deliveryAttempt"] for each in topic.posts[1:]]
    assert attempts == [1, 2, 3]
    (entry,) = admin(api, "subscriptions/deliveries?key=sync&since=1")
    assert (entry["state"], entry["attempts"], entry["status"], entry["error"]) == ("delivered", 3, 200, None)
    assert api.get("subscriptions/key=sync")["status"] == "Healthy"


def test_a_failed_delivery_comes_again_by_itself_while_others_go_on(
    api: Api, topic: Receiver, store: CommercetoolsStore
) -> None:
    api.post("subscriptions", wanted("channel"), 201)
    flush(api)
    admin(api, "options", {"retry_seconds": 0.2})
    topic.answers = [500]
    for key in ("first", "second"):
        api.post("channels", {"key": key}, 201)
    assert store.deliveries.settle(10)
    told = [each["resourceUserProvidedIdentifiers"]["key"] for each in topic.told]
    assert told[0] == "first"
    assert sorted(told[1:]) == ["first", "second"]


def test_it_is_given_up_after_as_many_attempts_as_allowed(api: Api, topic: Receiver) -> None:
    api.post("subscriptions", wanted("channel"), 201)
    flush(api)
    admin(api, "options", {"attempts": 2})
    topic.answers = [500, 500]
    api.post("channels", {"key": "x-1"}, 201)
    flush(api)
    flush(api)
    assert flush(api) == {"waiting": 0, "delivered": 1, "dropped": 0, "failed": 1, "lost": 0}
    assert len(topic.told) == 2


def spoilt(make: Callable[[], CommercetoolsStore], receiver: Receiver, **options: Any) -> list[str]:
    """Keys of twenty new channels, as they reach the receiver of a stand-in with these switches."""
    store = make()
    store.deliveries.carrier.set_endpoints(
        PushEndpoints.model_validate({"topics": {"projects/cloud/topics/shop": receiver.url}})
    )
    store.deliveries.configure(hold=True, **options)
    store.create("subscriptions", wanted("channel"))
    for number in range(20):
        store.create("channels", {"key": f"x-{number:02}"})
    receiver.received.clear()
    store.deliveries.flush()
    store.deliveries.close()
    return [each["resourceUserProvidedIdentifiers"]["key"] for each in receiver.told]


def test_what_goes_wrong_goes_wrong_again_from_the_same_seed(receiver: Receiver) -> None:
    def make() -> CommercetoolsStore:
        return CommercetoolsStore("shop", seed=1)

    everything = [f"x-{number:02}" for number in range(20)]
    assert spoilt(make, receiver) == everything
    dropped = spoilt(make, receiver, seed=3, drop_share=0.3)
    assert set(dropped) < set(everything)
    assert dropped == sorted(dropped)
    twice = spoilt(make, receiver, seed=3, duplicate_share=0.3)
    assert sorted(set(twice)) == everything
    assert len(twice) > 20
    shuffled = spoilt(make, receiver, seed=3, shuffle_seconds=500)
    assert sorted(shuffled) == everything != shuffled
    late = spoilt(make, receiver, seed=3, late_share=0.3, late_seconds=500)
    assert sorted(late) == everything
    # First those on time, then those that are late, both in order.
    assert sum(one > next_one for one, next_one in pairwise(late)) == 1
    bad = {"drop_share": 0.2, "duplicate_share": 0.2, "shuffle_seconds": 500}
    assert spoilt(make, receiver, seed=5, **bad) == spoilt(make, receiver, seed=5, **bad)
    assert spoilt(make, receiver, seed=5, **bad) != spoilt(make, receiver, seed=6, **bad)


def test_what_is_held_goes_when_it_is_let_go(api: Api, topic: Receiver, store: CommercetoolsStore) -> None:
    admin(api, "options", {"hold": True})
    api.post("subscriptions", wanted("channel"), 201)
    api.post("channels", {"key": "x-1"}, 201)
    assert [each["state"] for each in admin(api, "subscriptions/deliveries")] == ["waiting", "waiting"]
    assert topic.received == []
    admin(api, "options", {"hold": False})
    assert store.deliveries.settle(10)
    assert len(topic.told) == 1


# --- health ---


@pytest.mark.parametrize(
    ("status", "health", "arrives"),
    [
        ("TemporaryError", 503, ["during", "after"]),
        ("ConfigurationError", 400, ["during", "after"]),
        ("ConfigurationErrorDeliveryStopped", 400, ["after"]),
        ("ManuallySuspended", 400, ["after"]),
    ],
)
def test_a_status_set_by_hand_stays_and_keeps_or_loses_what_happens_meanwhile(
    api: Api, topic: Receiver, store: CommercetoolsStore, status: str, health: int, arrives: list[str]
) -> None:
    subscription = api.post("subscriptions", wanted("channel"), 201)
    flush(api)
    admin(api, "subscriptions/sync/status", {"status": status})
    api.post("channels", {"key": "during"}, 201)
    flush(api)
    assert topic.told == []
    assert api.get("subscriptions/key=sync")["status"] == status
    assert api.client.get(f"/shop/subscriptions/{subscription['id']}/health").status_code == health
    admin(api, "subscriptions/sync/status", {"status": "Healthy"})
    api.post("channels", {"key": "after"}, 201)
    assert store.deliveries.settle(10)
    assert [each["resourceUserProvidedIdentifiers"]["key"] for each in topic.told] == arrives


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("ConfigurationErrorDeliveryStopped", "Healthy"),
        ("ConfigurationError", "Healthy"),
        ("ManuallySuspended", "ManuallySuspended"),
    ],
)
def test_a_changed_destination_heals_all_but_what_support_suspended(
    api: Api, topic: Receiver, status: str, then: str
) -> None:
    subscription = api.post("subscriptions", wanted("channel"), 201)
    admin(api, "subscriptions/sync/status", {"status": status})
    change = {"action": "changeDestination", "destination": TOPIC}
    assert api.update("subscriptions", subscription, change)["status"] == then


def test_what_waits_for_a_deleted_subscription_is_lost(api: Api, topic: Receiver) -> None:
    admin(api, "options", {"hold": True})
    subscription = api.post("subscriptions", wanted("channel"), 201)
    api.post("channels", {"key": "x-1"}, 201)
    api.delete("subscriptions/key=sync", version=subscription["version"])
    assert flush(api)["lost"] == 2
    assert topic.received == []


# --- running it ---


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("options", {"duplicates": 1}, "duplicates"),
        ("options", {"drop_share": 2}, "drop_share"),
        ("push-endpoints", {"topics": {"a": {"adress": "x"}}}, "adress"),
        ("subscriptions/sync/status", {"status": "Ill"}, "Ill"),
    ],
)
def test_admin_says_what_it_does_not_understand(
    api: Api, topic: Receiver, path: str, body: Json, said: str
) -> None:
    api.post("subscriptions", wanted("channel"), 201)
    assert said in json.dumps(admin(api, path, body, 400))
    admin(api, "subscriptions/nobody/status", {"status": "Healthy"}, 404)


def test_threads_end_with_the_server_and_what_waits_goes_on_with_the_next(receiver: Receiver) -> None:
    store = CommercetoolsStore("shop", seed=1)
    store.deliveries.configure(retry_seconds=3600, retry_most_seconds=3600, attempts=100)
    receiver.answers = [500] * 100
    before = delivering()
    with SandboxServer(create_app(store, Faults())) as server:
        api = Api(server.url, "shop")
        admin(api, "push-endpoints", {"topics": {"projects/cloud/topics/shop": receiver.url}})
        api.post("subscriptions", wanted("channel"), 201)
        api.post("channels", {"key": "x-1"}, 201)
        assert flush(api)["waiting"] == 2
        api.client.close()
        threads = delivering() - before
    assert len(threads) == 1
    assert not any(each.is_alive() for each in threads)
    receiver.answers.clear()
    with SandboxServer(create_app(store, Faults())) as server:
        api = Api(server.url, "shop")
        assert flush(api)["delivered"] == 2
        api.client.close()
