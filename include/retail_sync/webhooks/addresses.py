"""Addresses: whose they are, and the secret part that only a sender who was told it knows."""

from __future__ import annotations

import hmac
import secrets

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retail_sync.settings.models import SyncSettings
from retail_sync.transport.derived import address_secret, without_secrets
from retail_sync.webhooks.answers import NO_SUCH_ADDRESS, UNKNOWN_SENDER, Refused

_NOBODY = secrets.token_hex()
"""Stands in for a secret that is not there, so that it takes as long to find out as a wrong one."""


def check_tenant(request: Request, settings: SyncSettings) -> str:
    """The tenant of the address; Refused where it is not this installation's."""
    tenant = str(request.path_params["tenant"])
    if not hmac.compare_digest(tenant.encode(errors="replace"), settings.realtime.tenant.encode()):
        raise no_such_address()
    return tenant


def check_address_secret(request: Request, secret: str | None, purpose: str) -> None:
    """Refused where the secret part of the address was not made from `secret` for `purpose`, or there is none."""
    given = str(request.path_params.get("secret", ""))
    made = address_secret(secret or _NOBODY, purpose)
    right = hmac.compare_digest(given.encode(errors="replace"), made.encode())
    if not secret:
        raise Refused(UNKNOWN_SENDER, "the connection has no secret to make addresses from")
    if not right:
        raise Refused(UNKNOWN_SENDER, "the secret part of the address is missing or wrong")


def no_such_address() -> Refused:
    return Refused(NO_SUCH_ADDRESS, "no such address")


class UnloggedSecrets:
    """Servers write addresses into their access log once the answer begins (uvicorn) or is done (Airflow): by then the
    secret part of this one is gone from what they look at, whether or not there was an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_discreetly(message: Message) -> None:
            if message["type"] == "http.response.start":
                hide_secrets(scope)
            await send(message)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send_discreetly)
        finally:
            hide_secrets(scope)


def hide_secrets(scope: Scope) -> None:
    """Take the secret part of the address out of what servers log."""
    scope["path"] = without_secrets(scope["path"])
    scope["raw_path"] = scope["path"].encode(errors="replace")
