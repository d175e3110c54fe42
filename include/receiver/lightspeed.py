"""Webhooks of X-Series: signed ones of an OAuth application, and unsigned ones of a personal token.

A personal token has no client secret to sign with, so its webhooks are known by a secret in their address, and are only
taken where the configuration allows it. Source: docs "Webhooks". X-Series waits 5 s for a 2xx, and sends again after a
5xx but not after a 4xx.
"""

from __future__ import annotations

from starlette.requests import Request

from include.lightspeed.x_series.webhook_events import TOPICS, hint_of, signature_is_right
from include.receiver.addresses import check_address_secret, check_tenant, no_such_address
from include.receiver.answers import UNKNOWN_SENDER, Refused
from include.receiver.bodies import body_of
from include.receiver.deliveries import Delivery
from include.receiver.ports import ReceiverSecrets
from include.settings.models import SyncSettings

SIGNATURE = "x-signature"


async def signed(request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> Delivery:
    topic = _topic(request, settings)
    if not secrets.lightspeed_signing:
        raise Refused(UNKNOWN_SENDER, "the connection has no secret that webhooks are signed with")
    header = request.headers.get(SIGNATURE)
    if header is None:
        raise Refused(UNKNOWN_SENDER, "a webhook is not signed")
    raw = await body_of(request, settings.realtime.most_body_kilobytes)
    if not signature_is_right(raw, header, secrets.lightspeed_signing):
        raise Refused(UNKNOWN_SENDER, "the signature of a webhook is wrong")
    return _delivery(topic, raw)


async def unsigned(request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> Delivery:
    topic = _topic(request, settings)
    purpose = f"lightspeed/{settings.realtime.tenant}/{topic}"
    check_address_secret(request, secrets.lightspeed_webhook_secret, purpose)
    if not settings.realtime.lightspeed.allow_unsigned:
        raise Refused(UNKNOWN_SENDER, "webhooks without a signature are not allowed (allow_unsigned)")
    return _delivery(topic, await body_of(request, settings.realtime.most_body_kilobytes))


def _topic(request: Request, settings: SyncSettings) -> str:
    check_tenant(request, settings)
    topic = str(request.path_params["topic"])
    if topic not in TOPICS:
        raise no_such_address()
    return topic


def _delivery(topic: str, raw: bytes) -> Delivery:
    return Delivery(f"lightspeed {topic}", [hint_of(topic, raw)])
