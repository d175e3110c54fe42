"""Subscriptions: what somebody wants to be told, and where to.

A subscription made over HTTP is tried out first (a test notification must get through); one made in Python, by
`CommercetoolsStore.create`, is not. The official description has one scope for reading and writing them. What a draft
without anything to tell, or Event Grid without CloudEvents, is answered with is inferred.
"""

from __future__ import annotations

from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import key_of, queryable
from sandbox.commercetools.errors import ApiError, Json, invalid_input, invalid_json, required_field
from sandbox.commercetools.prices import put_list, set_text
from sandbox.commercetools.shapes import Shape, copied, words
from sandbox.commercetools.state import Action, Collection, Context, Kind, Project
from sandbox.commercetools.writing import add

MAX_SUBSCRIPTIONS = 50
"""Subscriptions a project (documented limit, raised on request)."""

PATH = "subscriptions"
HEALTHY = "Healthy"
BROKEN = "ConfigurationError"
STOPPED = "ConfigurationErrorDeliveryStopped"
DISTURBED = "TemporaryError"
SUSPENDED = "ManuallySuspended"
STATES = (HEALTHY, BROKEN, STOPPED, DISTURBED, SUSPENDED)

CHANGE_TYPES = words(
    "approval-flow approval-rule associate-role attribute-group business-unit cart cart-discount category channel",
    "customer customer-email-token customer-group customer-password-token discount-code discount-group extension",
    "inventory-entry key-value-document order order-edit payment product product-discount product-selection",
    "product-tailoring product-type quote quote-request recurrence-policy recurring-order review shipping-method",
    "shopping-list staged-quote standalone-price state store subscription tax-category type zone",
)
MESSAGE_TYPES = words(
    "approval-flow approval-rule associate-role business-unit category customer customer-email-token customer-group",
    "customer-password-token inventory-entry order payment product product-selection product-tailoring quote",
    "quote-request review shopping-list staged-quote standalone-price store",
)
EVENT_TYPES = ("checkout", "import-api")

_texts = shapes.list_of(shapes.text)
_CHANGES = shapes.list_of(shapes.shaped(Shape({"resourceTypeId": shapes.one_of(*CHANGE_TYPES)})))
_MESSAGES = shapes.list_of(
    shapes.shaped(Shape({"resourceTypeId": shapes.one_of(*MESSAGE_TYPES)}, {"types": _texts}))
)
_EVENTS = shapes.list_of(
    shapes.shaped(Shape({"resourceTypeId": shapes.one_of(*EVENT_TYPES)}, {"types": _texts}))
)


def _texted(required: str, optional: str = "", **checks: shapes.Check) -> Shape:
    fields = dict.fromkeys(["type", *words(required)], shapes.text)
    return Shape(fields, {**dict.fromkeys(words(optional), shapes.text), **checks})


_MODE = shapes.one_of("Credentials", "IAM")
_DESTINATIONS = {
    "SQS": _texted("queueUrl region", "accessKey accessSecret", authenticationMode=_MODE),
    "SNS": _texted("topicArn", "accessKey accessSecret", authenticationMode=_MODE),
    "GoogleCloudPubSub": _texted("projectId topic"),
    "EventGrid": _texted("uri accessKey"),
    "AzureServiceBus": _texted("connectionString"),
    "EventBridge": _texted("region accountId", "source"),
    "ConfluentCloud": _texted("bootstrapServer apiKey apiSecret acks topic", "key"),
    "IronMQ": _texted("uri"),
}
_SECRETS = frozenset({"accessSecret", "apiSecret", "connectionString"})


def _typed(known: dict[str, Shape]) -> shapes.Check:
    def check(value: Any, where: str) -> None:
        shapes.mapping(value, where)
        shapes.one_of(*known)(value.get("type"), f"{where}.type")
        known[value["type"]].check(value, where)

    return check


_destination = _typed(_DESTINATIONS)
_format = _typed({"Platform": _texted(""), "CloudEvents": _texted("cloudEventsVersion")})


def _build(context: Context, draft: Json) -> Json:
    if len(context.project.collection(PATH)) >= MAX_SUBSCRIPTIONS:
        message = f"A project has at most {MAX_SUBSCRIPTIONS} subscriptions."
        raise ApiError(400, "MaxResourceLimitExceeded", message, exceededResource="subscription")
    return {
        "changes": [],
        "messages": [],
        "events": [],
        "format": {"type": "Platform"},
        **draft,
        "status": HEALTHY,
    }


def _check(context: Context, subscription: Json) -> None:
    if not any(subscription[name] for name in ("changes", "messages", "events")):
        raise invalid_input("At least one of 'changes', 'messages' and 'events' must be set.")
    destination, format_ = subscription["destination"], subscription["format"]["type"]
    if destination["type"] == "EventGrid" and format_ != "CloudEvents":
        raise invalid_input("The destination EventGrid can only be used with the format CloudEvents.")
    if (
        destination["type"] in ("SQS", "SNS")
        and destination.get("authenticationMode", "Credentials") == "Credentials"
    ):
        for name in ("accessKey", "accessSecret"):
            if name not in destination:
                raise required_field(f"destination.{name}")


def _set_list(name: str, check: shapes.Check) -> Action:
    return put_list(name, lambda context, old, action: action.get(name, []), Shape(optional={name: check}))


def _change_destination(context: Context, subscription: Json, action: Json) -> None:
    """Heals whatever was wrong with the old one; what support has suspended stays so (documented)."""
    subscription["destination"] = action["destination"]
    if subscription["status"] != SUSPENDED:
        subscription["status"] = HEALTHY


def _masked(secret: str) -> str:
    """Secrets are partially hidden when they are read (documented; how is not)."""
    return "*" * max(len(secret) - 3, 3) + secret[-3:] if len(secret) > 6 else "*" * 6


def _render(project: Project, subscription: Json) -> Json:
    destination = subscription["destination"]
    hidden = _SECRETS | ({"accessKey"} if destination["type"] == "EventGrid" else set())
    shown = {name: _masked(value) if name in hidden else value for name, value in destination.items()}
    return {**subscription, "destination": shown}


SUBSCRIPTIONS = Kind(
    path=PATH,
    type_id="subscription",
    draft=Shape(
        {"destination": _destination},
        {
            "key": shapes.key,
            "changes": _CHANGES,
            "messages": _MESSAGES,
            "events": _EVENTS,
            "format": _format,
        },
    ),
    build=_build,
    actions={
        "setKey": set_text("key", shapes.key),
        "setChanges": _set_list("changes", _CHANGES),
        "setMessages": _set_list("messages", _MESSAGES),
        "setEvents": _set_list("events", _EVENTS),
        "changeDestination": Action(_change_destination, Shape({"destination": _destination})),
    },
    fields=queryable("destination changes messages events format status"),
    scopes=("subscriptions",),
    is_read_by_managers_only=True,
    check=_check,
    render=_render,
)


def create(context: Context, collection: Collection, draft: Json, tried: Json | None) -> Json:
    """A new subscription; with the id that its test notification named, where there was one."""
    SUBSCRIPTIONS.draft.check(draft)
    given = {name: value for name, value in copied(draft).items() if value is not None}
    body = _build(context, given)
    return add(collection, context, {**body, **({"id": tried["id"]} if tried is not None else {})})


def to_try_out(context: Context, collection: Collection, found: Json | None, body: Any) -> Json | None:
    """The subscription as it would be, if its destination has to be tried out first: a draft (`found` is None), or an
    update that changes the destination. None: there is nothing to try, or the request will be refused anyway.

    Raises what the draft would be refused with, so that nothing is sent for it.
    """
    if not isinstance(body, dict):
        raise invalid_json("expected an object")
    if found is None:
        SUBSCRIPTIONS.draft.check(body)
        draft = {name: value for name, value in body.items() if value is not None}
        wanted = {"id": context.project.platform.new_id(), **_build(context, draft)}
        _check(context, wanted)
        for name, value in key_of(wanted):
            if collection.find_by(name, value) is not None:
                return None
        return wanted
    actions = body.get("actions")
    if body.get("version") != found["version"] or not isinstance(actions, list):
        return None
    changes = [
        each for each in actions if isinstance(each, dict) and each.get("action") == "changeDestination"
    ]
    if not changes:
        return None
    _destination(changes[-1].get("destination"), "destination")
    return {**found, "destination": changes[-1]["destination"]}
