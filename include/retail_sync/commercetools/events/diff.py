"""Which subscription there should be, and how the one that is there differs from it. Pure: nothing is read or written.

Ours is the one with our key. Secrets of a destination come back partly masked, so they are compared as far as they are
shown, and stand in no finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.events.notifications import RESOURCES
from retail_sync.records.ports.events import Registration
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import (
    CommercetoolsSubscription,
    EventGridDestination,
    PubSubDestination,
    SqsDestination,
)

Json = dict[str, Any]
DEFAULT_KEY = str(CommercetoolsSubscription.model_fields["key"].default)
SENDER_ON_AWS = "arn:aws:iam::362576667341:user/subscriptions"
SENDER_ON_GOOGLE = "subscriptions@commercetools-platform.iam.gserviceaccount.com"
"""Who delivers (API reference, "Subscriptions", Destinations)."""
HEALTHY, STOPPED = "Healthy", "ConfigurationErrorDeliveryStopped"

_SECRETS = frozenset({"accessKey", "accessSecret"})
_PLACES = {"SQS": ("queueUrl",), "GoogleCloudPubSub": ("projectId", "topic"), "EventGrid": ("uri",)}
"""What of a destination says where it is, by its type."""
_MASKS = "*•…"
_LOST = "What was not delivered is lost: run products, prices, inventory, customers and orders (mode delta) afterwards"
_UNHEALTHY = {
    "ConfigurationError": (
        "commercetools can't deliver: the destination is gone, or its credentials or permissions are",
        "What is not delivered is kept for a while and comes later.",
    ),
    STOPPED: (
        "commercetools has given up delivering to the destination",
        f"Then run subscribe, which starts delivery again. {_LOST}; their schedules do it, too.",
    ),
    "TemporaryError": (
        "commercetools can't deliver at the moment, for reasons outside the configuration",
        "Nothing, if it passes by itself: what is not delivered comes later.",
    ),
    "ManuallySuspended": (
        "commercetools has suspended delivery",
        f"Ask the support of commercetools to resume it. {_LOST}; their schedules do it, too.",
    ),
}
"""Status -> what it means, and what follows (API reference, SubscriptionHealthStatus)."""


@dataclass(frozen=True)
class Wanted:
    """What there should be. `draft` holds secrets; None = none should be there, or it can't be: `lacking` says why,
    in words and with the way out. `remedy`: what to do where the destination can't be reached."""

    key: str
    address: str = ""
    draft: Json | None = field(default=None, repr=False)
    lacking: Registration | None = None
    remedy: str = ""

    @property
    def nothing(self) -> bool:
        return self.draft is None and self.lacking is None


def wanted_of(settings: SyncSettings, connection: CommercetoolsConnection) -> Wanted:
    """One subscription to the changes that followed entities need, where a destination is set."""
    subscription = settings.realtime.commercetools
    if subscription is None:
        return Wanted(DEFAULT_KEY)
    followed = set(settings.followed_entities)
    changes = [type_id for type_id, entities in RESOURCES.items() if followed.intersection(entities)]
    if not changes:
        return Wanted(subscription.key)
    destination, missing = _destination(subscription, connection)
    address = address_of(destination)
    missing += (
        []
        if connection.event_secret is not None or not _needs_event_secret(subscription)
        else ["event_secret"]
    )
    if missing:
        return Wanted(subscription.key, address, lacking=_lacking(subscription.key, address, missing))
    draft = {
        "key": subscription.key,
        "destination": destination,
        "changes": [{"resourceTypeId": type_id} for type_id in changes],
        "format": _format(subscription),
    }
    return Wanted(subscription.key, address, draft, remedy=_access(subscription))


def compared(ours: Json | None, others: Sequence[Json], wanted: Wanted) -> list[Registration]:
    """Our subscription as it is and as it should be, if either is the case, and others' to the same destination."""
    return [*_ours(ours, wanted), *_foreign(others, wanted)]


def updates(ours: Json, draft: Json) -> list[Json]:
    """The update actions that make ours what it should be; [] where only its format differs, or nothing does. Where
    delivery was given up, setting the same destination again starts it."""
    actions: list[Json] = []
    if not _same_destination(ours["destination"], draft["destination"]) or ours.get("status") == STOPPED:
        actions.append({"action": "changeDestination", "destination": draft["destination"]})
    if _types(ours.get("changes")) != _types(draft["changes"]):
        actions.append({"action": "setChanges", "changes": draft["changes"]})
    if ours.get("messages"):
        actions.append({"action": "setMessages", "messages": []})
    if ours.get("events"):
        actions.append({"action": "setEvents", "events": []})
    return actions


def has_other_format(ours: Json, draft: Json) -> bool:
    """No update action changes the format."""
    return _format_type(ours) != _format_type(draft)


def address_of(destination: Mapping[str, Any]) -> str:
    """Where a destination is, without secrets: an address without a query, or the path of a topic."""
    kind = destination.get("type")
    if kind == "GoogleCloudPubSub":
        return f"projects/{destination.get('projectId')}/topics/{destination.get('topic')}"
    place = destination.get("queueUrl") or destination.get("uri")
    if not isinstance(place, str):
        return str(kind)
    try:
        parts = urlsplit(place)
    except ValueError:
        return str(kind)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def told_without(text: str, draft: Json | None) -> str:
    """`text` without the secrets of the draft's destination."""
    for name in _SECRETS:
        secret = draft["destination"].get(name) if draft is not None else None
        text = text.replace(secret, "***") if secret else text
    return text


def _ours(ours: Json | None, wanted: Wanted) -> Iterator[Registration]:
    key = wanted.key
    if wanted.lacking is not None:
        yield wanted.lacking
    elif wanted.draft is None:
        if ours is not None:
            yield Registration(
                key,
                address_of(ours["destination"]),
                "superfluous",
                f"{key} is not wanted any more, and goes on telling",
                id=str(ours["id"]),
                action="delete",
            )
    elif ours is None:
        finding = f"{key} is not there"
        yield Registration(key, wanted.address, "missing", finding, action="create")
    else:
        yield _as_it_is(ours, wanted, wanted.draft)


def _as_it_is(ours: Json, wanted: Wanted, draft: Json) -> Registration:
    key, id_, status = wanted.key, str(ours["id"]), str(ours.get("status", HEALTHY))
    differences = [*_differences(ours, draft)]
    if differences:
        finding = f"{key} has {', '.join(differences)}"
        return Registration(key, wanted.address, "different", finding, id=id_, action="update")
    if status == HEALTHY:
        finding = f"{key} tells {wanted.address} of {', '.join(sorted(_types(draft['changes'])))}"
        return Registration(key, wanted.address, "right", finding, id=id_)
    means, follows = _UNHEALTHY.get(
        status, ("its status is not known here", "Look it up in the API reference.")
    )
    mend = status in ("ConfigurationError", STOPPED)
    return Registration(
        key,
        wanted.address,
        "unhealthy",
        f"{key} is {status}: {means}",
        id=id_,
        remedy=f"{wanted.remedy} {follows}" if mend else follows,
        action="update" if status == STOPPED else None,
    )


def _differences(ours: Json, draft: Json) -> Iterator[str]:
    if not _same_destination(ours["destination"], draft["destination"]):
        there = address_of(ours["destination"])
        same_place = there == address_of(draft["destination"])
        yield "other credentials" if same_place else f"another destination ({there})"
    if _types(ours.get("changes")) != _types(draft["changes"]):
        yield f"other changes ({', '.join(sorted(_types(ours.get('changes')))) or 'none'})"
    if ours.get("messages") or ours.get("events"):
        yield "messages or events, which nobody here needs"
    if has_other_format(ours, draft):
        yield f"the format {_format_type(ours)}"


def _foreign(others: Sequence[Json], wanted: Wanted) -> Iterator[Registration]:
    if wanted.draft is None:
        return
    for other in others:
        if _place(other["destination"]) == _place(wanted.draft["destination"]):
            name = str(other.get("key") or other["id"])
            yield Registration(
                name,
                wanted.address,
                "foreign",
                f"{name} tells the same destination, which costs and brings nothing; it is left alone",
                id=str(other["id"]),
                remedy="Delete it where it was made, if nobody else needs it.",
            )


def _destination(
    subscription: CommercetoolsSubscription, connection: CommercetoolsConnection
) -> tuple[Json, list[str]]:
    """The destination as the API wants it, and which fields of the connection it lacks."""
    where = subscription.destination
    if isinstance(where, SqsDestination):
        queue = {
            "type": where.type,
            "queueUrl": where.queue_url,
            "region": where.region,
            "authenticationMode": where.authentication,
        }
        if where.authentication == "IAM":
            return queue, []
        return _with_secrets(
            queue,
            accessKey=("queue_access_key", connection.queue_access_key),
            accessSecret=("queue_access_secret", connection.queue_access_secret),
        )
    if isinstance(where, PubSubDestination):
        return {"type": where.type, "projectId": where.project_id, "topic": where.topic}, []
    grid = {"type": where.type, "uri": where.uri}
    return _with_secrets(grid, accessKey=("event_grid_key", connection.event_grid_key))


def _with_secrets(destination: Json, **secrets: tuple[str, SecretStr | None]) -> tuple[Json, list[str]]:
    held = {name: secret.get_secret_value() for name, (_, secret) in secrets.items() if secret is not None}
    return {**destination, **held}, [setting for setting, secret in secrets.values() if secret is None]


def _needs_event_secret(subscription: CommercetoolsSubscription) -> bool:
    """Whether the receiver's address holds a secret: a queue has none, and a token of Google does as well."""
    where = subscription.destination
    if isinstance(where, PubSubDestination):
        return where.audience is None
    return isinstance(where, EventGridDestination)


def _format(subscription: CommercetoolsSubscription) -> Json:
    if subscription.format == "CloudEvents" or isinstance(subscription.destination, EventGridDestination):
        return {"type": "CloudEvents", "cloudEventsVersion": "1.0"}
    return {"type": "Platform"}


def _lacking(key: str, address: str, missing: Sequence[str]) -> Registration:
    named = ", ".join(f"`{name}`" for name in missing)
    return Registration(
        key,
        address,
        "refused",
        f"{key} can't be set up: the connection has no {named}",
        remedy=f"Fill in {named} in the Airflow connection of type commercetools, then run subscribe.",
    )


def _access(subscription: CommercetoolsSubscription) -> str:
    """What has to be so that commercetools gets in."""
    where = subscription.destination
    if isinstance(where, SqsDestination):
        who = SENDER_ON_AWS if where.authentication == "IAM" else "the user of `queue_access_key`"
        return f"Check that the queue is there, that it is a standard queue, and that {who} may sqs:SendMessage to it."
    if isinstance(where, PubSubDestination):
        return (
            f"Check that the topic is there and that {SENDER_ON_GOOGLE} has the role Pub/Sub Publisher on it."
        )
    return (
        "Check that the topic is there, takes the schema CloudEvents 1.0, and has the key `event_grid_key`."
    )


def _same_destination(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether both are the same, as far as what comes back of a secret can tell."""
    shown = {"authenticationMode": "Credentials", **there}  # the API's default
    return all(
        _may_be(shown.get(name), value) if name in _SECRETS else shown.get(name) == value
        for name, value in wanted.items()
    )


def _may_be(shown: Any, secret: str) -> bool:
    """Whether `shown`, in which a part may be masked, can be `secret`. What is not shown at all can be anything."""
    if not isinstance(shown, str) or not shown:
        return True
    masked = [position for position, sign in enumerate(shown) if sign in _MASKS]
    if not masked:
        return shown == secret
    return secret.startswith(shown[: masked[0]]) and secret.endswith(shown[masked[-1] + 1 :])


def _place(destination: Mapping[str, Any]) -> tuple[Any, ...]:
    kind = destination.get("type")
    return (kind, *(destination.get(name) for name in _PLACES.get(str(kind), ())))


def _types(changes: Any) -> frozenset[str]:
    return frozenset(
        str(change.get("resourceTypeId")) for change in changes or () if isinstance(change, Mapping)
    )


def _format_type(subscription: Json) -> str:
    given = subscription.get("format")
    return str(given.get("type", "Platform")) if isinstance(given, Mapping) else "Platform"
