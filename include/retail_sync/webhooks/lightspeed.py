"""Webhooks of Lightspeed: signed ones of an OAuth application, and unsigned ones of a personal token.

A personal token has no client secret to sign with, so its webhooks are known by a secret in their address, and are only
taken where the configuration allows it. Source: docs "Webhooks". Lightspeed waits 5 s for a 2xx, and sends again after
a 5xx but not after a 4xx.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request

from retail_sync.lightspeed.webhook_formats import WEBHOOKS, WebhookFormat
from retail_sync.settings.models import SyncSettings
from retail_sync.webhooks.addresses import check_address_secret, check_tenant, no_such_address
from retail_sync.webhooks.answers import UNKNOWN_SENDER, ComeAgain, Refused
from retail_sync.webhooks.bodies import Strangers, body_of
from retail_sync.webhooks.deliveries import Delivery
from retail_sync.webhooks.limiting import Refusals, host_of
from retail_sync.webhooks.ports import ReceiverSecrets

SIGNATURE = "x-signature"
WRONG = "the signature of a webhook is wrong"


@dataclass(frozen=True)
class Signed:
    """Webhooks known by their bodies: what is read before that counts among `strangers`."""

    refusals: Refusals
    strangers: Strangers = field(default_factory=Strangers)

    async def take(self, request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> Delivery:
        topic, webhooks = _topic(request, settings, secrets)
        if not secrets.lightspeed_signing:
            raise Refused(UNKNOWN_SENDER, "the connection has no secret that webhooks are signed with")
        header = request.headers.get(SIGNATURE)
        if header is None:
            raise Refused(UNKNOWN_SENDER, "a webhook is not signed")
        signature = webhooks.signature(header, secrets.lightspeed_signing)
        if not signature.is_one:
            raise Refused(UNKNOWN_SENDER, WRONG)
        self._require_believable(request, settings)
        most = settings.realtime.most_body_kilobytes
        raw = await self.strangers.body_of(request, most, signature.update)
        if not signature.is_right():
            raise Refused(UNKNOWN_SENDER, WRONG)
        return _delivery(topic, webhooks, raw)

    def _require_believable(self, request: Request, settings: SyncSettings) -> None:
        """Raises ComeAgain where no body of this address is read for the rest of the minute. A genuine sender may share
        it (all share that of a proxy): it comes again after 503, and after nothing else."""
        if self.refusals.are_too_many(host_of(request), settings.realtime.refused_per_minute):
            raise ComeAgain("webhooks of an address that was refused too often")


async def unsigned(request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> Delivery:
    topic, webhooks = _topic(request, settings, secrets)
    purpose = f"lightspeed/{settings.realtime.tenant}/{topic}"
    check_address_secret(request, secrets.lightspeed_webhook_secret, purpose)
    if not settings.realtime.lightspeed.allow_unsigned:
        raise Refused(UNKNOWN_SENDER, "webhooks without a signature are not allowed (allow_unsigned)")
    return _delivery(topic, webhooks, await body_of(request, settings.realtime.most_body_kilobytes))


def _topic(request: Request, settings: SyncSettings, secrets: ReceiverSecrets) -> tuple[str, WebhookFormat]:
    """The topic of the address, and how webhooks of the store's series look. Refused where it sends no such ones."""
    check_tenant(request, settings)
    topic, webhooks = str(request.path_params["topic"]), WEBHOOKS.get(secrets.lightspeed_series)
    if webhooks is None or topic not in webhooks.topics:
        raise no_such_address()
    return topic, webhooks


def _delivery(topic: str, webhooks: WebhookFormat, raw: bytes) -> Delivery:
    return Delivery(f"lightspeed {topic}", [webhooks.hint_of(topic, raw)])
