"""What no single setting of near real time can see: senders that reach nobody, and receivers that nobody sends to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from retail_sync.settings.document import Loc, Problem
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.realtime import EventGridDestination, PubSubDestination, SqsDestination

REALTIME: Loc = ("realtime",)
DESTINATION: Loc = (*REALTIME, "commercetools", "destination")
_AWS_HOST = re.compile(
    r"^(?:sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|([a-z0-9-]+)\.queue\.amazonaws\.com)$"
)
"""Host of a queue, with its region (SQS API reference, "Queue and message identifiers"; the second form is older)."""


def realtime_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Everything about near real time that several settings say together."""
    yield from _entities(settings)
    yield from _unsigned(settings)
    subscription = settings.realtime.commercetools
    if subscription is None:
        return
    destination = subscription.destination
    if isinstance(destination, SqsDestination):
        yield from _queue(destination)
        return
    if settings.realtime.receiver_url is None:
        yield Problem(
            DESTINATION,
            f"{destination.type} delivers to this Airflow's receiver, but nobody knows its address.",
            "Set realtime.receiver_url.",
        )
    if isinstance(destination, PubSubDestination):
        yield from _pub_sub(destination)
    else:
        yield from _event_grid(destination, subscription.format)


def _entities(settings: SyncSettings) -> Iterator[Problem]:
    named = settings.realtime.entities or ()
    for position, name in enumerate(named):
        loc: Loc = (*REALTIME, "entities", position)
        if name in named[:position]:
            yield Problem(loc, f"{name!r} is named twice.", "Remove one of them.")
        elif name not in settings.synced_entities:
            yield Problem(
                loc,
                f"{name!r} does not sync, so it can't follow either.",
                f"Remove it, or set up {'`locations`' if name == 'inventory' else f'`{name}`'}.",
            )


def _unsigned(settings: SyncSettings) -> Iterator[Problem]:
    given = settings.realtime
    if not given.lightspeed.allow_unsigned:
        return
    loc: Loc = (*REALTIME, "lightspeed", "allow_unsigned")
    if not given.lightspeed.enabled:
        yield Problem(
            loc,
            "Webhooks of Lightspeed are switched off, and unsigned ones would be taken.",
            "Set `allow_unsigned: false`, or `enabled: true`.",
        )
    elif given.receiver_url is None:
        yield Problem(
            loc,
            "Unsigned webhooks would be taken, but none is delivered: nobody knows the receiver's address.",
            "Set realtime.receiver_url, or remove this line.",
        )


def _queue(destination: SqsDestination) -> Iterator[Problem]:
    loc: Loc = (*DESTINATION, "queue_url")
    parts = urlsplit(destination.queue_url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if not (parts.scheme == "https" or local) or parts.path.count("/") != 2 or parts.query:
        yield Problem(
            loc,
            f"{destination.queue_url!r} is not the URL of a queue.",
            "Copy it from the queue's page in AWS: https://sqs.<region>.amazonaws.com/<account>/<name>.",
        )
        return
    if parts.path.endswith(".fifo"):
        yield Problem(
            loc,
            "commercetools delivers to standard queues only, and this one is FIFO.",
            "Make a standard queue.",
        )
    host = _AWS_HOST.match(parts.hostname or "")
    region = (host[1] or host[2]) if host else destination.region
    if region != destination.region:
        yield Problem(
            (*DESTINATION, "region"),
            f"The queue is in {region!r}, this says {destination.region!r}.",
            f"Write `region: {region}`.",
        )


def _pub_sub(destination: PubSubDestination) -> Iterator[Problem]:
    if (destination.audience is None) != (destination.service_account is None):
        given = "audience" if destination.audience is not None else "service_account"
        lacking = "service_account" if given == "audience" else "audience"
        yield Problem(
            (*DESTINATION, given),
            f"`{given}` needs `{lacking}`: a token of Google counts only if both are as expected.",
            f"Add `{lacking}`, or remove `{given}` to have pushes carry a secret in their address instead.",
        )
    if destination.service_account is not None and "@" not in destination.service_account:
        yield Problem(
            (*DESTINATION, "service_account"),
            f"{destination.service_account!r} is not the e-mail of a service account.",
            "Write it as <name>@<project>.iam.gserviceaccount.com.",
        )
    for name in ("project_id", "topic"):
        value = str(getattr(destination, name))
        if "/" in value:
            yield Problem(
                (*DESTINATION, name),
                "The name alone is wanted here.",
                f"Write {value.rstrip('/').rsplit('/', 1)[-1]!r}, or what stands between the slashes.",
            )
    if not _is_https(destination.certificates_url):
        yield Problem(
            (*DESTINATION, "certificates_url"),
            "Keys that decide whom to believe must come over https.",
            "Remove this line: the default is where Google publishes them.",
        )


def _event_grid(destination: EventGridDestination, notification_format: str) -> Iterator[Problem]:
    if notification_format != "CloudEvents":
        yield Problem(
            (*REALTIME, "commercetools", "format"),
            "Event Grid takes CloudEvents only.",
            "Write `format: CloudEvents`.",
        )
    if not _is_https(destination.uri):
        yield Problem(
            (*DESTINATION, "uri"),
            f"{destination.uri!r} is not the endpoint of a topic.",
            "Copy it from the topic's page: https://<topic>.<region>-1.eventgrid.azure.net/api/events.",
        )


def _is_https(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    )
