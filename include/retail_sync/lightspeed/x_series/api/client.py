"""HTTP to one X-Series store: authentication, paths, budget, and the reading of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from retail_sync.lightspeed.connection import SYSTEM, LightspeedConnection
from retail_sync.lightspeed.x_series.api.errors import classify
from retail_sync.lightspeed.x_series.api.numbers import storable
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.answer import Answer
from retail_sync.transport.auth import Bearer, RotatingRefresh
from retail_sync.transport.bounds import MEGABYTE
from retail_sync.transport.budget import AdaptiveConcurrency
from retail_sync.transport.client import HttpClient, Params
from retail_sync.transport.faces import Budget, ExchangeSink, TokenStore
from retail_sync.transport.wire import rate_limit_headers
from retail_sync.transport.withholding import Withhold

TOKEN_PATH = "/api/1.0/token"  # noqa: S105 - a path
USER_AGENT = "retail-sync (commercetools to Lightspeed Retail)"
"""A descriptive User-Agent is expected (guide "user agent")."""
WINDOW_SECONDS = 300.0
"""The rate limit counts requests per five minutes (guide "rate limiting")."""


@dataclass(frozen=True)
class Body:
    """What an answer said: its JSON with every fraction as text (None = nothing), its exchange, the server's clock,
    and the store's request limit where it was told."""

    value: Any
    exchange_id: str
    server_time: datetime
    rate_limit: int | None = None


class XSeriesClient:
    """`async with XSeriesClient(...) as client`. Paths are below the API version; a path that starts with `/api/` is
    taken as it is (parts of the API that have not moved to a date version)."""

    def __init__(
        self,
        connection: LightspeedConnection,
        settings: SyncSettings,
        *,
        budget: Budget,
        sink: ExchangeSink,
        token_store: TokenStore | None = None,
        auth: httpx.Auth | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        **transport_options: Any,
    ) -> None:
        """`auth`: instead of the one the connection's credentials ask for."""
        limits = settings.limits.lightspeed
        self.connection = connection
        secrets = (
            connection.personal_token,
            connection.client_secret,
            connection.refresh_token,
            connection.webhook_secret,
        )
        self._http = HttpClient(
            SYSTEM,
            connection.store_url,
            auth=auth or _auth(connection, token_store),
            sink=sink,
            budget=budget,
            classify=classify,
            timeout=limits.timeout_seconds,
            retries=limits.retries,
            most_bytes=limits.answer_megabytes * MEGABYTE,
            body_cap=settings.limits.body_bytes,
            headers={"User-Agent": USER_AGENT},
            secrets=[secret for secret in secrets if secret],
            redact_fields=settings.privacy.exclude.get(SYSTEM, ()),
            transport=transport,
            concurrency=AdaptiveConcurrency(limits.concurrency, limits.concurrency),
            **transport_options,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    def hide(self, secret: str) -> None:
        """One more value that must never be shown: the secret part of an address."""
        self._http.redactor.learn(secret)

    async def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        context: Mapping[str, str] | None = None,
        withhold: Withhold = False,
    ) -> Body:
        """Read. An empty answer is a fault: a list that is not there must not look like an empty one. `withhold`: what
        is read holds personal data, so nothing of it, or only its shape, is kept with the exchange."""
        answer = await self._http.request(
            "GET", self._path(path), params=params, context=context, withhold=withhold
        )
        return _body(answer, answer.json())

    async def ask(self, path: str, json: Any) -> Body:
        """Read with a POST, as some lists want it: it changes nothing, so it may be repeated."""
        answer = await self._http.request("POST", self._path(path), json=json, safe=True, reads=True)
        return _body(answer, answer.json())

    async def post(
        self,
        path: str,
        json: Any,
        *,
        context: Mapping[str, str] | None = None,
        withhold: Withhold = False,
    ) -> Body:
        """Create; never repeated once it may have been executed. An empty answer is None."""
        answer = await self._http.request(
            "POST", self._path(path), json=json, context=context, withhold=withhold
        )
        return _body(answer, answer.json_or_none())

    async def put(
        self,
        path: str,
        json: Any,
        *,
        context: Mapping[str, str] | None = None,
        withhold: Withhold = False,
        safe: bool = True,
    ) -> Body:
        """Set values. Sending the same values twice comes to the same, so it may be repeated; `safe=False` where what
        somebody else set in between must not be overwritten. A 200 with an empty body is a success: updates of
        products were seen to answer so."""
        answer = await self._http.request(
            "PUT",
            self._path(path),
            json=json,
            safe=safe,
            expect_json=False,
            context=context,
            withhold=withhold,
        )
        return _body(answer, answer.json_or_none())

    async def patch(self, path: str, json: Any, *, context: Mapping[str, str] | None = None) -> Body:
        """Set values of several rows. As `put`."""
        answer = await self._http.request(
            "PATCH", self._path(path), json=json, safe=True, expect_json=False, context=context
        )
        return _body(answer, answer.json_or_none())

    async def delete(
        self,
        path: str,
        json: Any = None,
        *,
        context: Mapping[str, str] | None = None,
        withhold: Withhold = False,
    ) -> Body:
        """Take away what the path, or the body, names; never repeated once it may have been executed."""
        answer = await self._http.request(
            "DELETE", self._path(path), json=json, expect_json=False, context=context, withhold=withhold
        )
        return _body(answer, answer.json_or_none())

    def _path(self, path: str) -> str:
        return path if path.startswith("/api/") else f"{self.connection.api_path}{path}"


def _auth(connection: LightspeedConnection, token_store: TokenStore | None) -> httpx.Auth:
    if connection.personal_token:
        return Bearer(connection.personal_token, system=SYSTEM)
    if token_store is None:
        raise ValueError("OAuth with rotating refresh tokens needs a token store that all workers share")
    return RotatingRefresh(
        system=SYSTEM,
        token_url=f"{connection.store_url}{TOKEN_PATH}",
        client_id=str(connection.client_id),
        client_secret=str(connection.client_secret),
        refresh_token=str(connection.refresh_token),
        store=token_store,
        name=f"{SYSTEM}:{connection.host}:{connection.client_id}",
    )


def _body(answer: Answer, value: Any) -> Body:
    rate_limit, _ = rate_limit_headers(answer.headers)
    return Body(storable(value), answer.exchange_id, _clock(answer), rate_limit)


def _clock(answer: Answer) -> datetime:
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", "")[:64])
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return datetime.now(UTC)
