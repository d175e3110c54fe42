"""Near real time: senders that reach nobody, and receivers that nobody sends to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import EventGridDestination, PubSubDestination, SqsDestination
from retail_sync.settings.validation.findings import Findings, repeated

_AWS_HOST = re.compile(
    r"^(?:sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|([a-z0-9-]+)\.queue\.amazonaws\.com)$"
)
"""Host of a queue, with its region (SQS API reference, "Queue and message identifiers"; the second form is older)."""


def check_realtime(settings: SyncSettings, found: Findings) -> None:
    """Everything about near real time that several settings say together."""
    found = found.within("realtime")
    _entities(settings, found)
    _unsigned(settings, found)
    subscription = settings.realtime.commercetools
    if subscription is None:
        return
    destination = subscription.destination
    here = found.within("commercetools", "destination")
    if isinstance(destination, SqsDestination):
        _queue(destination, here)
        return
    if settings.realtime.receiver_url is None:
        here.add(
            (),
            f"{destination.type} delivers to this Airflow's receiver, but nobody knows its address.",
            "Set realtime.receiver_url.",
        )
    if isinstance(destination, PubSubDestination):
        _pub_sub(destination, here)
        return
    if subscription.format != "CloudEvents":
        remedy = "Write `format: CloudEvents`."
        found.add(("commercetools", "format"), "Event Grid takes CloudEvents only.", remedy)
    _event_grid(destination, here)


def _entities(settings: SyncSettings, found: Findings) -> None:
    named = settings.realtime.entities or ()
    again = dict(repeated(named))
    for position, name in enumerate(named):
        if position in again:
            found.add(("entities", position), f"{name!r} is named twice.", "Remove one of them.")
        elif name not in settings.synced_entities:
            found.add(
                ("entities", position),
                f"{name!r} does not sync, so it can't follow either.",
                f"Remove it, or set up {'`locations`' if name == 'inventory' else f'`{name}`'}.",
            )


def _unsigned(settings: SyncSettings, found: Findings) -> None:
    given = settings.realtime
    if not given.lightspeed.allow_unsigned:
        return
    if not given.lightspeed.enabled:
        found.add(
            ("lightspeed", "allow_unsigned"),
            "Webhooks of Lightspeed are switched off, and unsigned ones would be taken.",
            "Set `allow_unsigned: false`, or `enabled: true`.",
        )
    elif given.receiver_url is None:
        found.add(
            ("lightspeed", "allow_unsigned"),
            "Unsigned webhooks would be taken, but none is delivered: nobody knows the receiver's address.",
            "Set realtime.receiver_url, or remove this line.",
        )


def _queue(destination: SqsDestination, found: Findings) -> None:
    parts = urlsplit(destination.queue_url)
    if not _is_https(destination.queue_url) or parts.path.count("/") != 2 or parts.query:
        found.add(
            "queue_url",
            f"{destination.queue_url!r} is not the URL of a queue.",
            "Copy it from the queue's page in AWS: https://sqs.<region>.amazonaws.com/<account>/<name>.",
        )
        return
    if parts.path.endswith(".fifo"):
        problem = "commercetools delivers to standard queues only, and this one is FIFO."
        found.add("queue_url", problem, "Make a standard queue.")
    host = _AWS_HOST.match(parts.hostname or "")
    region = (host[1] or host[2]) if host else destination.region
    if region != destination.region:
        problem = f"The queue is in {region!r}, this says {destination.region!r}."
        found.add("region", problem, f"Write `region: {region}`.")


def _pub_sub(destination: PubSubDestination, found: Findings) -> None:
    if (destination.audience is None) != (destination.service_account is None):
        given = "audience" if destination.audience is not None else "service_account"
        lacking = "service_account" if given == "audience" else "audience"
        found.add(
            given,
            f"`{given}` needs `{lacking}`: a token of Google counts only if both are as expected.",
            f"Add `{lacking}`, or remove `{given}` to have pushes carry a secret in their address instead.",
        )
    if destination.service_account is not None and "@" not in destination.service_account:
        found.add(
            "service_account",
            f"{destination.service_account!r} is not the e-mail of a service account.",
            "Write it as <name>@<project>.iam.gserviceaccount.com.",
        )
    for name, value in (("project_id", destination.project_id), ("topic", destination.topic)):
        if "/" in value:
            found.add(
                name,
                "The name alone is wanted here.",
                f"Write {value.rstrip('/').rsplit('/', 1)[-1]!r}, or what stands between the slashes.",
            )
    if not _is_https(destination.certificates_url):
        found.add(
            "certificates_url",
            "Keys that decide whom to believe must come over https.",
            "Remove this line: the default is where Google publishes them.",
        )


def _event_grid(destination: EventGridDestination, found: Findings) -> None:
    if not _is_https(destination.uri):
        found.add(
            "uri",
            f"{destination.uri!r} is not the endpoint of a topic.",
            "Copy it from the topic's page: https://<topic>.<region>-1.eventgrid.azure.net/api/events.",
        )


def _is_https(address: str) -> bool:
    """Whether an address is safe from listeners: https, or this very machine."""
    parts = urlsplit(address)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    return parts.scheme == "https" or local
