"""Which webhooks there should be, and how those there are differ from them. Pure: nothing is read or written.

Ours is what delivers below `{receiver_url}/lightspeed/{tenant}/`; everything else is somebody else's. Findings and
addresses here never hold the secret part of an address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.events.notifications import TOPICS
from retail_sync.records.ports.events import Registration
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.derived import address_secret

HIDDEN = "***"
ALL = "webhooks"
"""Name of the one registration that stands for all that can't be."""


@dataclass(frozen=True)
class Webhook:
    """One webhook as Lightspeed has it."""

    id: str
    type: str
    url: str = field(repr=False)
    active: bool


@dataclass(frozen=True)
class Wanted:
    """What there should be. `prefix`: what every address of ours begins with; None = nobody receives anything.
    `addresses`: topic -> full address. `secrets`: their secret parts. `lacking`: why there can be none, in words, with
    the way out."""

    prefix: str | None
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    lacking: Registration | None = None

    @property
    def nothing(self) -> bool:
        return not self.addresses and self.lacking is None

    def told(self, text: str) -> str:
        """`text` without the secret parts of the addresses."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def wanted_of(settings: SyncSettings, connection: LightspeedConnection) -> Wanted:
    """One webhook for each topic that some followed entity needs, where somebody receives them."""
    realtime = settings.realtime
    if realtime.receiver_url is None:
        return Wanted(None)
    prefix = f"{realtime.receiver_url}/lightspeed/{realtime.tenant}/"
    followed = set(settings.followed_entities)
    topics = [topic for topic, entities in TOPICS.items() if followed.intersection(entities)]
    if not realtime.lightspeed.enabled or not topics:
        return Wanted(prefix)
    if connection.personal_token is None:
        return Wanted(prefix, {topic: prefix + topic for topic in topics})
    if not realtime.lightspeed.allow_unsigned or not connection.webhook_secret:
        return Wanted(prefix, lacking=_unsigned(prefix, settings, connection))
    secrets = {
        topic: address_secret(connection.webhook_secret, f"lightspeed/{realtime.tenant}/{topic}")
        for topic in topics
    }
    addresses = {topic: f"{prefix}{topic}/{secret}" for topic, secret in secrets.items()}
    return Wanted(prefix, addresses, frozenset(secrets.values()))


def compared(there: Sequence[Webhook], wanted: Wanted) -> list[Registration]:
    """Every webhook that is wanted or there, each once: first those wanted, then what is left over of ours, then what
    is not ours."""
    ours = [one for one in there if wanted.prefix is not None and one.url.startswith(wanted.prefix)]
    chosen = {topic: _closest(topic, address, ours) for topic, address in wanted.addresses.items()}
    taken = {one.id for one in chosen.values() if one is not None}
    return [
        *([wanted.lacking] if wanted.lacking is not None else []),
        *(_wanted(topic, one, wanted) for topic, one in chosen.items()),
        *_left_over([one for one in ours if one.id not in taken], wanted),
        *(_foreign(one) for one in there if one not in ours),
    ]


def _closest(topic: str, address: str, ours: Sequence[Webhook]) -> Webhook | None:
    """Ours of this topic: the one with the right address, if there is one."""
    same = [one for one in ours if one.type == topic]
    return next((one for one in same if one.url == address), same[0] if same else None)


def _wanted(topic: str, there: Webhook | None, wanted: Wanted) -> Registration:
    address = wanted.told(wanted.addresses[topic])
    if there is None:
        return Registration(topic, address, "missing", f"{topic} is not registered", action="create")
    if there.url != wanted.addresses[topic]:
        finding = f"{topic} goes to another address of this receiver, or to one with another secret"
        return Registration(topic, address, "different", finding, id=there.id, action="update")
    if not there.active:
        finding = f"{topic} is switched off: nothing is delivered"
        return Registration(topic, address, "inactive", finding, id=there.id, action="update")
    return Registration(topic, address, "right", f"{topic} is delivered to {address}", id=there.id)


def _left_over(ours: Sequence[Webhook], wanted: Wanted) -> Iterator[Registration]:
    for one in ours:
        why = "is registered twice" if one.type in wanted.addresses else "is not wanted any more"
        yield Registration(
            one.type, _address(one, wanted), "superfluous", f"{one.type} {why}", id=one.id, action="delete"
        )


def _address(one: Webhook, wanted: Wanted) -> str:
    """An address of ours as it may be shown: whatever follows the topic may be a secret, of today or of old."""
    prefix = wanted.prefix or ""
    topic, _, rest = one.url.removeprefix(prefix).partition("/")
    if topic not in TOPICS:
        return f"{prefix}{HIDDEN}"
    return f"{prefix}{topic}/{HIDDEN}" if rest else f"{prefix}{topic}"


def _foreign(one: Webhook) -> Registration:
    """Of somebody else's address only the host is shown: the rest may be a secret of theirs."""
    try:
        parts = urlsplit(one.url)
        port = f":{parts.port}" if parts.port else ""
        address = f"{parts.scheme}://{parts.hostname}{port}/{HIDDEN}"
    except ValueError:
        address = HIDDEN
    finding = f"{one.type} goes to {address}, which is not this receiver; it is left alone"
    return Registration(one.type, address, "foreign", finding, id=one.id)


def _unsigned(prefix: str, settings: SyncSettings, connection: LightspeedConnection) -> Registration:
    steps = [
        *([] if settings.realtime.lightspeed.allow_unsigned else ["set realtime.lightspeed.allow_unsigned"]),
        *([] if connection.webhook_secret else ["put any long random text into `webhook_secret`"]),
    ]
    return Registration(
        ALL,
        prefix,
        "refused",
        "webhooks of a personal token are not signed, so none is registered; schedules find what changes",
        remedy="Use an OAuth application, whose webhooks are signed. Or have them delivered to addresses that hold a "
        f"secret: {' and '.join(steps)} (connection type `lightspeed`, configuration file).",
    )
