"""The ways to somebody's queue: an SQS queue, a Pub/Sub topic that pushes, an Event Grid topic that pushes.

commercetools delivers into a queue or topic; from a topic, Google or Azure delivers on to a receiver. So a topic is
known here by the push endpoint behind it, a receiver that is down does no harm to the subscription, and only a queue or
topic that does not exist (or does not let us in) does.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import threading
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict

from sandbox.commercetools.errors import Json

GRID_ORIGIN = "eventgrid.azure.net"
DUMMY_CREDENTIAL = "sandbox"
_SQS_SETUP = frozenset(
    {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "AccessDenied", "AccessDeniedException"}
)


class Undeliverable(Exception):
    """The queue or topic did not take it. `lasting`: the configuration is wrong, else it may work later."""

    def __init__(self, why: str, *, lasting: bool) -> None:
        super().__init__(why)
        self.lasting = lasting


class NotPushed(Exception):
    """The topic has it, its receiver did not take it."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Push(_Strict):
    """Where a Pub/Sub topic is pushed to. `token`: sent as a bearer token; a receiver may want one that Google signed.
    `subscription`: the name of the push subscription, as the receiver is told it."""

    url: str
    token: str | None = None
    subscription: str = "sandbox-push"


class GridPush(_Strict):
    """Where an Event Grid topic is pushed to. `access_key`: the topic's; None = any opens it."""

    url: str
    access_key: str | None = None


def _plain(given: Any) -> Any:
    return {"url": given} if isinstance(given, str) else given


class PushEndpoints(_Strict):
    """The receivers behind topics. `topics`: `projects/{projectId}/topics/{topic}` -> endpoint; `event_grid`: URI of
    the topic -> endpoint, or its address alone."""

    topics: dict[str, Annotated[Push, BeforeValidator(_plain)]] = {}
    event_grid: dict[str, Annotated[GridPush, BeforeValidator(_plain)]] = {}

    def shown(self) -> Json:
        """Without tokens and keys."""
        hidden = {"__all__": {"token", "access_key"}}
        return self.model_dump(exclude={"topics": hidden, "event_grid": hidden})


def topic_name(destination: Json) -> str:
    return f"projects/{destination['projectId']}/topics/{destination['topic']}"


def in_words(destination: Json) -> str:
    """The destination as an error of the API names it; those of SQS and Pub/Sub are as seen in the wild."""
    match destination["type"]:
        case "SQS":
            who = destination.get("accessKey", "IAM")
            return f"SQS '{destination['queueUrl']}' in {destination['region']} for {who}"
        case "GoogleCloudPubSub":
            project, topic = destination["projectId"], destination["topic"]
            return f"GoogleCloudPubSub topic '{topic}' in project '{project}'"
        case "EventGrid":
            return f"EventGrid '{destination['uri']}'"
        case other:
            return str(other)


@dataclass(frozen=True)
class Parcel:
    """One notification on its way: the document as the subscription's format has it, which delivery of this stand-in it
    is, which attempt, and when it was published (as text)."""

    document: Json
    number: int
    attempt: int
    published: str


class Carrier:
    """Takes notifications to destinations. Safe to use from several threads; `close` ends its connections."""

    def __init__(self) -> None:
        self.endpoints = PushEndpoints()
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._queues: dict[tuple[str, ...], Any] = {}
        self._agreed: set[str] = set()

    def set_endpoints(self, endpoints: PushEndpoints) -> None:
        """Puts endpoints beside those that are there, or in their place; a receiver is asked again for its consent."""
        self.endpoints = PushEndpoints(
            topics={**self.endpoints.topics, **endpoints.topics},
            event_grid={**self.endpoints.event_grid, **endpoints.event_grid},
        )
        self._agreed.clear()

    def clear_endpoints(self) -> None:
        self.endpoints = PushEndpoints()
        self._agreed.clear()

    def close(self) -> None:
        with self._lock:
            if self._http is not None:
                self._http.close()
            for queue in self._queues.values():
                queue.close()
            self._http, self._queues = None, {}

    def find(self, destination: Json) -> None:
        """Raises `Undeliverable` for a destination that is not there; of a queue that only sending tells."""
        match destination["type"]:
            case "SQS":
                pass
            case "GoogleCloudPubSub":
                self._topic(destination)
            case "EventGrid":
                self._grid(destination)
            case other:
                raise Undeliverable(f"The sandbox does not deliver to {other}.", lasting=True)

    def send(
        self, destination: Json, parcels: list[Parcel], timeout: float, *, batched: bool = False
    ) -> int | None:
        """Delivers. `batched`: as an array, and then several at once; Event Grid only. Returns the HTTP status of the
        receiver, None of a queue. Raises `Undeliverable` or `NotPushed`."""
        self.find(destination)
        match destination["type"]:
            case "SQS":
                self._to_queue(destination, parcels[0], timeout)
                return None
            case "GoogleCloudPubSub":
                return self._from_topic(self._topic(destination), parcels[0], timeout)
            case _:
                return self._from_grid(self._grid(destination), parcels, timeout, batched)

    # --- SQS ---

    def _to_queue(self, destination: Json, parcel: Parcel, timeout: float) -> None:
        client, errors = self._queue_client(destination, timeout)
        body = json.dumps(parcel.document, ensure_ascii=False)
        try:
            answer = client.send_message(QueueUrl=destination["queueUrl"], MessageBody=body)
        except errors.ClientError as error:
            answer = error.response
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = answer.get("Error", {}).get("Code", "")
            lasting = code in _SQS_SETUP or 400 <= status < 500
            raise Undeliverable(f"The queue says: {code} ({status}).", lasting=lasting) from None
        except errors.BotoCoreError as error:
            raise Undeliverable(f"The queue did not answer: {type(error).__name__}.", lasting=False) from None
        if "MessageId" not in answer:
            raise Undeliverable("What answers at the queue URL is no queue.", lasting=True)

    def _queue_client(self, destination: Json, timeout: float) -> tuple[Any, Any]:
        try:
            session = importlib.import_module("botocore.session")
            config, errors = (
                importlib.import_module(f"botocore.{name}") for name in ("config", "exceptions")
            )
        except ImportError:
            raise Undeliverable(
                "The sandbox needs boto3 to deliver to SQS: install it.", lasting=True
            ) from None
        address = urlsplit(destination["queueUrl"])
        host = address.hostname or ""
        if address.scheme not in ("http", "https") or not host:
            raise Undeliverable("The queue URL is no web address.", lasting=True)
        if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            raise Undeliverable("The sandbox does not deliver to AWS itself.", lasting=True)
        names = ("accessKey", "accessSecret")
        access, secret = (destination.get(name, DUMMY_CREDENTIAL) for name in names)
        endpoint = f"{address.scheme}://{address.netloc}"
        key = (endpoint, destination["region"], access, secret, str(timeout))
        with self._lock:
            if key not in self._queues:
                # Whatever AWS account the machine is set up for has no part in it.
                nowhere = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
                unset = {"profile": (None, None, None, None), **nowhere}
                self._queues[key] = session.Session(session_vars=unset).create_client(
                    "sqs",
                    endpoint_url=endpoint,
                    region_name=destination["region"],
                    aws_access_key_id=access,
                    aws_secret_access_key=secret,
                    # Attempts and back-off are ours, and a queue on this machine is never behind a proxy.
                    config=config.Config(
                        retries={"total_max_attempts": 1},
                        connect_timeout=timeout,
                        read_timeout=timeout,
                        proxies={},
                    ),
                )
            return self._queues[key], errors

    # --- Google Pub/Sub ---

    def _topic(self, destination: Json) -> Push:
        name = topic_name(destination)
        found = self.endpoints.topics.get(name)
        if found is None:
            raise Undeliverable(f"There is no topic {name}: POST /_admin/push-endpoints.", lasting=True)
        return found

    def _from_topic(self, push: Push, parcel: Parcel, timeout: float) -> int:
        text = json.dumps(parcel.document, ensure_ascii=False)
        message = {
            "data": base64.b64encode(text.encode()).decode(),
            "messageId": str(parcel.number),
            "message_id": str(parcel.number),
            "publishTime": parcel.published,
            "publish_time": parcel.published,
            "attributes": {},
        }
        body = {
            "message": message,
            "subscription": f"projects/sandbox/subscriptions/{push.subscription}",
            "deliveryAttempt": parcel.attempt,
        }
        headers = {"Content-Type": "application/json", "User-Agent": "APIs-Google (sandbox)"}
        if push.token is not None:
            headers["Authorization"] = f"Bearer {push.token}"
        return self._posted("POST", push.url, timeout, headers, json.dumps(body).encode()).status_code

    # --- Azure Event Grid ---

    def _grid(self, destination: Json) -> GridPush:
        found = self.endpoints.event_grid.get(destination["uri"])
        if found is None:
            raise Undeliverable(
                "There is no such Event Grid topic: POST /_admin/push-endpoints.", lasting=True
            )
        if found.access_key not in (None, destination["accessKey"]):
            raise Undeliverable("The access key does not open the Event Grid topic.", lasting=True)
        return found

    def _from_grid(self, push: GridPush, parcels: list[Parcel], timeout: float, batched: bool) -> int:
        self._agree(push.url, timeout)
        documents = [parcel.document for parcel in parcels]
        kind = "cloudevents-batch" if batched else "cloudevents"
        headers = {
            "Content-Type": f"application/{kind}+json; charset=utf-8",
            "aeg-event-type": "Notification",
            "aeg-subscription-name": "SANDBOX",
            "aeg-delivery-count": str(parcels[0].attempt - 1),
        }
        body = json.dumps(documents if batched else documents[0], ensure_ascii=False).encode()
        return self._posted("POST", push.url, timeout, headers, body).status_code

    def _agree(self, url: str, timeout: float) -> None:
        """The handshake of CloudEvents webhooks: nothing is sent to somebody who did not say that he wants it."""
        if url in self._agreed:
            return
        headers = {"WebHook-Request-Origin": GRID_ORIGIN, "WebHook-Request-Rate": "120"}
        answer = self._posted("OPTIONS", url, timeout, headers, b"")
        if answer.headers.get("WebHook-Allowed-Origin") not in (GRID_ORIGIN, "*"):
            raise NotPushed("The receiver did not allow the origin in the handshake.", answer.status_code)
        self._agreed.add(url)

    def _posted(
        self, method: str, url: str, timeout: float, headers: dict[str, str], body: bytes
    ) -> httpx.Response:
        with self._lock:
            if self._http is None:
                self._http = httpx.Client(trust_env=False)
            http = self._http
        try:
            answer = http.request(method, url, headers=headers, content=body, timeout=timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotPushed(f"The receiver did not answer: {type(error).__name__}.") from None
        if not answer.is_success:
            what = "the handshake" if method == "OPTIONS" else "it"
            raise NotPushed(f"The receiver refused {what}.", answer.status_code)
        return answer
