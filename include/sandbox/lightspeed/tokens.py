"""Who may call: personal tokens, applications with OAuth tokens, rotation of refresh tokens, scopes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.lightspeed.errors import ApiError, forbidden, unauthorized
from sandbox.lightspeed.options import StoreOptions
from sandbox.lightspeed.rows import Ticker

PERSONAL_PREFIX = "lsxs_pt_"
PERSONAL = "personal"
"""The application that all personal tokens of a retailer count as, in the request budget and for webhooks."""


@dataclass
class Access:
    """A token that opens the API. `scopes` none means all of them, `expires` none means never."""

    token: str
    application: str
    scopes: frozenset[str] | None
    expires: datetime | None

    def require(self, scopes: tuple[str, ...]) -> None:
        """Raises 403 unless the token carries every scope named."""
        if self.scopes is not None and not self.scopes.issuperset(scopes):
            raise forbidden()


@dataclass
class _Application:
    secret: str
    scopes: frozenset[str]
    access_token: str | None = None


@dataclass
class _Refresh:
    client_id: str
    used_at: datetime | None = None


class TokenBook:
    """Every token of one retailer."""

    def __init__(self, ticker: Ticker, options: StoreOptions, domain_prefix: str) -> None:
        self._ticker = ticker
        self._options = options
        self._domain_prefix = domain_prefix
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._applications: dict[str, _Application] = {}

    def add_personal(self, token: str | None = None, scopes: frozenset[str] | None = None) -> str:
        """A personal token, given or made up; it must begin with `lsxs_pt_`. It never expires."""
        token = token or PERSONAL_PREFIX + self._secret()
        if not token.startswith(PERSONAL_PREFIX):
            raise ValueError(
                f"A personal token begins with {PERSONAL_PREFIX}; use add_application for OAuth."
            )
        self._access[token] = Access(token, PERSONAL, scopes, None)
        return token

    def add_application(self, client_id: str, client_secret: str, scopes: str) -> str:
        """An OAuth application that is connected, with space-delimited scopes. Returns its first refresh token."""
        self._applications[client_id] = _Application(client_secret, frozenset(scopes.split()))
        return self._new_refresh(client_id)

    def expire_access_tokens(self) -> None:
        """Every OAuth access token stops working now, as after its life or an early revocation."""
        for access in self._access.values():
            if access.application != PERSONAL:
                access.expires = self._ticker.clock.now()

    def application_of(self, authorization: str | None) -> str:
        """Whose request budget a request draws on; unknown callers share one."""
        access = self._access.get(_bearer(authorization))
        return access.application if access is not None else "unknown"

    def check(self, authorization: str | None) -> Access:
        """The token of a request. Raises 401 for none, an unknown, revoked or expired one."""
        access = self._access.get(_bearer(authorization))
        if access is None or (access.expires is not None and access.expires <= self._ticker.clock.now()):
            raise unauthorized()
        return access

    def refresh(self, client_id: str, client_secret: str, refresh_token: str) -> dict[str, Any]:
        """New tokens for a refresh token, which is used up; the access token before this one is revoked."""
        application = self._applications.get(client_id)
        if application is None or application.secret != client_secret:
            raise _refused(401, "invalid_client", "Client authentication failed.")
        now = self._ticker.clock.now()
        refresh = self._refresh.get(refresh_token)
        if refresh is None or refresh.client_id != client_id or self._is_spent(refresh, now):
            raise _refused(400, "invalid_grant", "The refresh token is invalid.")
        refresh.used_at = refresh.used_at or now
        if application.access_token is not None:
            self._access.pop(application.access_token, None)
        expires = now + timedelta(seconds=self._options.access_token_seconds)
        access = Access(self._secret(), client_id, application.scopes, expires)
        self._access[access.token] = access
        application.access_token = access.token
        return {
            "access_token": access.token,
            "token_type": "Bearer",
            "expires": int(expires.timestamp()),
            "expires_in": self._options.access_token_seconds,
            "refresh_token": self._new_refresh(client_id),
            "domain_prefix": self._domain_prefix,
            "scope": " ".join(sorted(application.scopes)),
        }

    def secret_of(self, application: str) -> str | None:
        """The secret its webhooks are signed with; None for personal tokens, which have none."""
        known = self._applications.get(application)
        return known.secret if known is not None else None

    def _is_spent(self, refresh: _Refresh, now: datetime) -> bool:
        grace = timedelta(seconds=self._options.refresh_grace_seconds)
        return refresh.used_at is not None and now >= refresh.used_at + grace

    def _new_refresh(self, client_id: str) -> str:
        token = self._secret()
        self._refresh[token] = _Refresh(client_id)
        return token

    def _secret(self) -> str:
        return f"{self._ticker.random.getrandbits(200):050x}"


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _refused(status: int, error: str, description: str) -> ApiError:
    return ApiError(status, {"error": error, "error_description": description})
