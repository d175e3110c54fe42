"""Authentication as httpx flows: a fixed token, client credentials, and refresh tokens that rotate.

One rule for both flows with an expiry: a token is renewed shortly before it ends and once after a 401, by one caller
at a time; the others then use what that one received. An object belongs to one client in one event loop.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from retail_sync.records.errors import (
    ConfigurationFault,
    ProtocolFault,
    RateLimited,
    SyncError,
    SystemUnavailable,
)
from retail_sync.records.leases import Lease
from retail_sync.transport.bodies import Unreadable, parse
from retail_sync.transport.bounds import LAST_EXPIRY, LONGEST_TOKEN_LIFE_SECONDS
from retail_sync.transport.faces import Tokens, TokenStore
from retail_sync.transport.leasing import LEASE, READS
from retail_sync.transport.retry_after import retry_after_seconds
from retail_sync.transport.wire import PURPOSE, TOKEN

RENEW_BEFORE_SECONDS = 300.0
RENEW_BEFORE_SHARE = 0.1
"""A token is renewed this long before it ends, or at this share of its life where that is shorter."""

TOKEN_TIMEOUT_SECONDS = 30.0


class Bearer(httpx.Auth):
    """A fixed token, such as a Lightspeed personal token."""

    def __init__(self, token: str, *, system: str) -> None:
        if not token.isascii() or not token.isprintable() or not token or " " in token:
            raise ConfigurationFault(
                "The token is empty or holds blanks or letters no token has.",
                system=system,
                remedy="Copy the token again into the password of the Airflow connection.",
            )
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class _Renewing(httpx.Auth):
    """What both flows share. A subclass says where tokens are known (`_known`), which token requests may be tried
    (`_next_grant`), and keeps what came of them (`_keep`)."""

    def __init__(self, *, system: str, token_url: str, clock: Callable[[], float]) -> None:
        self._system = system
        self._token_url = token_url
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._margins: dict[str, float] = {}

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        refused: str | None = None
        for last in (False, True):
            tokens = await self._known(again=False)
            if not self._usable(tokens, refused):
                async with self._alone() as lease:
                    tokens = await self._known(again=True)
                    tried: set[str] = set()
                    while not self._usable(tokens, refused):
                        grant = await self._next_grant(tried)
                        response = yield self._token_request(grant, lease)
                        received = self._received(response, grant)
                        if received is not None:
                            tokens = await self._keep(received)
                            break
            assert tokens is not None  # `_next_grant` raises where nothing is left to try
            request.headers["Authorization"] = f"Bearer {tokens.access_token}"
            response = yield request
            if response.status_code != 401 or last:
                return
            refused = tokens.access_token

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Lease | None]:
        """Held by the one that refreshes; the lease that its token requests need, where a late one does harm."""
        async with self._one_at_a_time:
            yield None

    async def _known(self, *, again: bool) -> Tokens | None:
        raise NotImplementedError

    async def _next_grant(self, tried: set[str]) -> Mapping[str, str]:
        raise NotImplementedError

    async def _keep(self, tokens: Tokens) -> Tokens:
        """Keep what was received; the tokens to use from now on."""
        raise NotImplementedError

    def _headers(self) -> dict[str, str]:
        return {}

    def _spent(self, error: str) -> bool:
        """Whether this refusal only means that another grant should be tried."""
        return False

    def _usable(self, tokens: Tokens | None, refused: str | None) -> bool:
        if tokens is None or tokens.access_token == refused:
            return False
        if tokens.expires_at is None:
            return True
        margin = self._margins.get(tokens.access_token, 60.0)
        return self._clock() < tokens.expires_at.timestamp() - margin

    def _token_request(self, grant: Mapping[str, str], lease: Lease | None) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._token_url,
            content=urlencode(grant),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
                **self._headers(),
            },
            extensions={
                PURPOSE: TOKEN,
                READS: True,
                **({LEASE: lease} if lease else {}),
                "timeout": httpx.Timeout(TOKEN_TIMEOUT_SECONDS, connect=10.0).as_dict(),
            },
        )

    def _received(self, response: httpx.Response, grant: Mapping[str, str]) -> Tokens | None:
        """The tokens of an answer; None where the grant is spent. Raises what else went wrong."""
        try:
            body = parse(response.content)
        except Unreadable:
            body = None
        members: Mapping[str, Any] = body if isinstance(body, dict) else {}
        if response.status_code != 200:
            if self._spent(str(members.get("error", ""))):
                return None
            raise self._fault(response, members)
        access_token = members.get("access_token")
        if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
            raise ProtocolFault(
                "The token endpoint answered 200 without a readable token.",
                system=self._system,
                status=200,
                exchange_id=_exchange_id(response),
                remedy="Check the token address in the connection; it may lead to a web page.",
            )
        refresh_token = members.get("refresh_token") or grant.get("refresh_token")
        life = _seconds(members.get("expires_in"))
        if life is None and (ends := _seconds(members.get("expires"), at_most=LAST_EXPIRY)) is not None:
            life = ends - self._clock()
        if life is None:
            return Tokens(access_token, None, refresh_token)
        self._margins = {access_token: min(RENEW_BEFORE_SECONDS, max(0.0, life) * RENEW_BEFORE_SHARE)}
        ends_at = datetime.fromtimestamp(self._clock(), UTC) + timedelta(seconds=life)
        return Tokens(access_token, ends_at, refresh_token)

    def _fault(self, response: httpx.Response, members: Mapping[str, Any]) -> SyncError:
        status = response.status_code
        about: dict[str, Any] = {
            "system": self._system,
            "status": status,
            "exchange_id": _exchange_id(response),
        }
        wait = retry_after_seconds(response.headers, members)
        if status == 429:
            return RateLimited("The token endpoint asks to wait.", retry_after=wait, **about)
        if status >= 500 or status == 408:
            return SystemUnavailable(f"The token endpoint answered {status}.", retry_after=wait, **about)
        code = str(members.get("error") or f"status {status}")[:80]
        if 300 <= status < 400 or status in (404, 405):
            remedy = f"Check the token address in the Airflow connection: {self._token_url}"
        elif code == "invalid_scope":
            remedy = "Ask only for scopes the API client has: correct `scopes` in the Airflow connection."
        else:
            remedy = "Check client id and client secret in the Airflow connection, then run preflight."
        message = f"The token endpoint refused the credentials ({code})."
        return ConfigurationFault(message, remedy=remedy, **about)


class ClientCredentials(_Renewing):
    """OAuth 2 client credentials (RFC 6749 section 4.4), client id and secret as HTTP Basic."""

    def __init__(
        self,
        *,
        system: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        scopes: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(system=system, token_url=token_url, clock=clock)
        self._basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._scopes = tuple(scopes)
        self._tokens: Tokens | None = None

    async def _known(self, *, again: bool) -> Tokens | None:
        return self._tokens

    async def _next_grant(self, tried: set[str]) -> Mapping[str, str]:
        scope = {"scope": " ".join(self._scopes)} if self._scopes else {}
        return {"grant_type": "client_credentials", **scope}

    async def _keep(self, tokens: Tokens) -> Tokens:
        self._tokens = tokens
        return tokens

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Basic {self._basic}"}


class RotatingRefresh(_Renewing):
    """OAuth 2 refresh tokens that are replaced at every use, as Lightspeed's are.

    Two workers that refresh at once lose the connection for good, so: the store's lock, then the store is read again
    (another worker may have refreshed), then the refresh, then the new pair is saved, and only then it is used. A
    worker that was paused meanwhile sends no refresh token that another one may have used by then (its lease is over),
    and what it received before is saved only where nothing newer was; where something was, that counts.
    Where the stored refresh token is refused, the store is read once more, and at last the refresh token of the
    connection is tried: a person may have authorised anew. `name` tells stores of several connections apart.
    """

    def __init__(
        self,
        *,
        system: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        store: TokenStore,
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(system=system, token_url=token_url, clock=clock)
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._first_refresh_token = refresh_token
        self._store = store
        self._name = name
        self._tokens: Tokens | None = None
        self._unsaved: Tokens | None = None
        self._replaces = 0
        """The version of the stored tokens that a refresh under way, or what it brought, takes the place of."""

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Lease | None]:
        async with self._one_at_a_time, self._store.lock(self._name) as lease:
            yield lease

    async def _known(self, *, again: bool) -> Tokens | None:
        if (
            again and self._unsaved is not None
        ):  # saving failed the last time; the server knows only this pair
            await self._keep(self._unsaved)
        elif again or self._tokens is None:
            self._tokens = await self._store.load(self._name)
        return self._tokens

    async def _next_grant(self, tried: set[str]) -> Mapping[str, str]:
        stored = await self._store.load(self._name)
        self._replaces = stored.version if stored else 0
        for refresh_token in (stored.refresh_token if stored else None, self._first_refresh_token):
            if refresh_token and refresh_token not in tried:
                tried.add(refresh_token)
                return {"grant_type": "refresh_token", "refresh_token": refresh_token, **self._client}
        raise ConfigurationFault(
            "The authorisation ended: the refresh token is no longer accepted.",
            system=self._system,
            remedy="Authorise the app again and put the new refresh token into the Airflow connection.",
        )

    async def _keep(self, tokens: Tokens) -> Tokens:
        self._unsaved = tokens
        kept = await self._store.save(self._name, tokens, instead_of=self._replaces)
        self._unsaved = None
        self._tokens = kept or await self._store.load(self._name) or tokens
        return self._tokens

    def _spent(self, error: str) -> bool:
        return error == "invalid_grant"


def _seconds(value: Any, at_most: float = LONGEST_TOKEN_LIFE_SECONDS) -> float | None:
    """Seconds, as a number or as text; None for anything else, and for what is no time any more."""
    try:
        seconds = None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if seconds is not None and abs(seconds) <= at_most else None


def _exchange_id(response: httpx.Response) -> str | None:
    found = response.extensions.get("exchange_id")
    return None if found is None else str(found)
