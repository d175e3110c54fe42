"""OAuth 2.0 client credentials: clients, tokens, scopes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from sandbox.clock import Clock
from sandbox.commercetools.errors import AuthError, Json


@dataclass(frozen=True)
class ApiClient:
    """An API client of a project. `scopes` carry the project key: `manage_products:my-shop`."""

    client_id: str
    secret: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Token:
    client_id: str
    scopes: frozenset[str]
    expires: datetime


class Authority:
    """Gives out tokens and reads them back."""

    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self.clients: dict[str, ApiClient] = {}
        self._tokens: dict[str, Token] = {}
        self.issued = 0

    def grant(self, headers: Mapping[str, str], body: bytes, query: str, lifetime: float) -> Json:
        """The answer of the token endpoint. Parameters may stand in the form or in the query string."""
        client = self._client(headers)
        form = {**dict(parse_qsl(query)), **dict(parse_qsl(body.decode("utf-8", "replace")))}
        if form.get("grant_type") != "client_credentials":
            raise AuthError(
                400, "unsupported_grant_type", "The sandbox knows the grant type client_credentials only."
            )
        asked = frozenset(form.get("scope", "").split()) or client.scopes
        if not asked <= client.scopes and not all(self._covers(client.scopes, scope) for scope in asked):
            missing = " ".join(sorted(asked - client.scopes))
            raise AuthError(400, "invalid_scope", f"The client has no permission for: {missing}")
        text = f"sandbox-{self._new_id()}"
        self._tokens[text] = Token(client.client_id, asked, self._clock.now() + timedelta(seconds=lifetime))
        self.issued += 1
        return {
            "access_token": text,
            "expires_in": int(lifetime),
            "scope": " ".join(sorted(asked)),
            "token_type": "Bearer",
        }

    def read(self, headers: Mapping[str, str]) -> Token:
        """The token of a request. Raises 401 `invalid_token` for one that is missing, unknown or expired."""
        kind, _, text = headers.get("authorization", "").partition(" ")
        token = self._tokens.get(text.strip()) if kind.lower() == "bearer" else None
        if token is None or token.expires <= self._clock.now():
            error = AuthError(401, "invalid_token", "invalid_token")
            error.headers["WWW-Authenticate"] = 'Bearer realm="api", error="invalid_token"'
            raise error
        return token

    def demand(self, token: Token, project_key: str, scopes: Iterable[str]) -> None:
        """Raises 403 `insufficient_scope` unless the token has one of these scopes, or one that includes it."""
        wanted = [f"{scope}:{project_key}" for scope in scopes]
        if not any(self._covers(token.scopes, scope) for scope in wanted):
            raise AuthError(
                403, "insufficient_scope", f"Insufficient scope. One of the following is required: {wanted}"
            )

    def revoke_all(self) -> None:
        """Makes every token invalid at once, as a revoked client does."""
        self._tokens.clear()

    @staticmethod
    def _covers(held: frozenset[str], wanted: str) -> bool:
        name, _, project = wanted.partition(":")
        writing = name.replace("view_published_", "manage_").replace("view_", "manage_", 1)
        return not held.isdisjoint({wanted, f"{writing}:{project}", f"manage_project:{project}"})

    def _client(self, headers: Mapping[str, str]) -> ApiClient:
        kind, _, text = headers.get("authorization", "").partition(" ")
        try:
            name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name, secret = "", ""
        client = self.clients.get(name)
        if kind.lower() != "basic" or client is None or client.secret != secret:
            message = "Please provide valid client credentials using HTTP Basic Authentication."
            error = AuthError(401, "invalid_client", message)
            error.headers["WWW-Authenticate"] = 'Basic realm="auth"'
            raise error
        return client
