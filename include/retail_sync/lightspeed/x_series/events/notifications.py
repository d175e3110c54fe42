"""Webhooks of X-Series as they arrive: whether they are signed by who knows the secret, and what they hint at.

A delivery is a POST of `application/x-www-form-urlencoded` with the field `payload`: JSON in the shape of the old API
0.9, not of today's. Other fields (`type`, `retailer_id`, `domain_prefix`, `environment`) may come and are promised by
nobody, so what it is about is said by the address it comes to. Source: docs "Webhooks", "Webhooks - Example Payloads".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from retail_sync.records.events import Hint, UnreadableEvent
from retail_sync.transport.bodies import parse

TOPICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sale.update": ("inventory", "orders", "sales"),
        "product.update": ("products", "prices"),
        "customer.update": ("customers",),
        "inventory.update": ("inventory",),
        "consignment.send": ("inventory",),
        "consignment.receive": ("inventory",),
    }
)
"""Webhook type -> entities that have to look. Deletions come as updates, too."""

PAYLOAD = "payload"
MOST_FIELDS = 20
ALGORITHM = "hmac-sha256"
LARGEST_VERSION = 2**63 - 1

_COMPOSED = frozenset({"product.update"})
"""Payloads that also show what has versions of its own (stock levels, price book entries): the version of the record
alone does not tell two of them apart."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=?", re.ASCII)


class Signature:
    """Whether `X-Signature` (`signature=<hmac>,algorithm=HMAC-SHA256`) is that of a body with one of `secrets`, found
    out while the body comes.

    The docs' sample does not say whether the HMAC is written in hexadecimal digits or in base64, so either will do.
    How long it takes says nothing about how nearly a wrong one is right. An empty secret signs nothing.
    """

    def __init__(self, header: str | None, secrets: Sequence[str]) -> None:
        self._given = _signature_in(header)
        self._made = [hmac.new(secret.encode(), digestmod=hashlib.sha256) for secret in secrets if secret]

    @property
    def is_one(self) -> bool:
        """Whether the header holds a signature at all: if not, no body makes it right."""
        return self._given is not None

    def update(self, part: bytes) -> None:
        """The next bytes of the body."""
        for one in self._made:
            one.update(part)

    def is_right(self) -> bool:
        """Whether it is that of all the bytes so far."""
        given = self._given
        return given is not None and any(hmac.compare_digest(given, one.digest()) for one in self._made)


def hint_of(topic: str, raw: bytes) -> Hint:
    """What a delivery to the address of `topic` hints at.

    X-Series gives events no id: a record of that version is the same event, and where no version is told (customers),
    the same payload is. Only the payload counts: the other fields of a form may differ when it is sent again. The
    digest is a plain SHA-256 of the whole payload, whose many fields, ids and times among them, nobody can guess from
    it. No time of sending is told (`updated_at` may long be past when a balance changes). Raises UnreadableEvent.
    """
    if topic not in TOPICS:
        raise UnreadableEvent("No webhook of this type is followed.")
    text = _payload_in(raw)
    record = _record_in(text)
    record_id, version = _id_of(record.get("id")), _version_of(record.get("version"))
    return Hint(
        source="lightspeed",
        topic=topic,
        event_id=_event_id(topic, record_id, version, text),
        entities=TOPICS[topic],
        resource_id=record_id,
        version=version,
    )


def _event_id(topic: str, record_id: str | None, version: int | None, payload: str) -> str:
    if record_id is not None and version is not None and topic not in _COMPOSED:
        return f"{topic}:{record_id}:{version}"
    return f"{topic}:sha256:{hashlib.sha256(payload.encode()).hexdigest()}"


def _payload_in(raw: bytes) -> str:
    try:
        fields = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS, separator="&"
        )
    except ValueError:
        raise UnreadableEvent("The body is not a form in UTF-8.") from None
    payloads = [value for name, value in fields if name == PAYLOAD]
    if len(payloads) != 1:
        raise UnreadableEvent(f"The form must have one field {PAYLOAD!r} and has {len(payloads)}.")
    return payloads[0]


def _record_in(text: str) -> Mapping[str, Any]:
    try:
        record = parse(text.encode())
    except ValueError:
        raise UnreadableEvent(f"The field {PAYLOAD!r} is not JSON.") from None
    if not isinstance(record, Mapping) or not record:
        raise UnreadableEvent(f"The field {PAYLOAD!r} is not a JSON object with members.")
    return record


def _id_of(value: Any) -> str | None:
    """A record's id, where it looks like one: nothing else may end up in the inbox."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and _ID.fullmatch(text) else None


def _version_of(value: Any) -> int | None:
    """Numbers come as numbers or as text."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_VERSION:
        return None
    return value


def _signature_in(header: str | None) -> bytes | None:
    """The bytes a signature header names; None where it is not one."""
    parts = [part.strip().partition("=") for part in (header or "").split(",")]
    named = {name.strip().lower(): value.strip() for name, _, value in parts}
    if len(parts) != 2 or named.keys() != {"signature", "algorithm"}:
        return None
    text = named["signature"]
    if named["algorithm"].lower() != ALGORITHM:
        return None
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if not _BASE64.fullmatch(text):
        return None
    try:
        return base64.b64decode(text.rstrip("=") + "=", validate=True)
    except binascii.Error:
        return None
