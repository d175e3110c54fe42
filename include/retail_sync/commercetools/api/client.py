"""The way to one commercetools project, and what its error answers mean.

Source of the error codes: commercetools docs "Errors" and "Error handling"; the reaction to each is this package's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from retail_sync.commercetools.api.connection import SYSTEM, CommercetoolsConnection
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    SyncError,
    SystemUnavailable,
    TargetMissing,
)
from retail_sync.records.rows import gated
from retail_sync.settings.models.limits import CommercetoolsLimits
from retail_sync.transport.answer import Answer
from retail_sync.transport.auth import ClientCredentials
from retail_sync.transport.bounds import MEGABYTE
from retail_sync.transport.budget import AdaptiveConcurrency
from retail_sync.transport.client import HttpClient, Params
from retail_sync.transport.faces import Budget, ExchangeSink
from retail_sync.transport.faults import TooMuchAnswered
from retail_sync.transport.withholding import Withhold

SMALLEST_PAGE = 1
RAMP_START = 4
"""Requests under way at first: the vendor asks clients to ramp traffic up and publishes no rate limit."""

_TOO_MUCH = frozenset({"QueryTimedOut", "ContentTooLarge"})
_DUPLICATES = frozenset(
    {
        "DuplicateField",
        "DuplicateFieldWithConflictingResource",
        "DuplicatePriceScope",
        "DuplicateStandalonePriceScope",
        "DuplicateVariantValues",
        "DuplicateAttributeValue",
        "DuplicateAttributeValues",
    }
)
_LOCKS = frozenset({"LockedField", "ExactLockConflict", "ValidityLockConflict"})
"""Two writers met; the same request succeeds a moment later. The HTTP status is not documented (400 or 409)."""


class PageTooLarge(RecordRejected):
    """The query took too long or its answer is too big; a smaller page may do. Handled inside this room."""


class CommercetoolsClient:
    """One project over one `HttpClient`; paths are relative to the project. `async with` it."""

    def __init__(
        self,
        connection: CommercetoolsConnection,
        limits: CommercetoolsLimits,
        *,
        sink: ExchangeSink,
        budget: Budget,
        body_cap: int = 16_384,
        private: Iterable[str] = (),
        context: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        backoff: float = 0.5,
    ) -> None:
        secret = connection.client_secret.get_secret_value()
        self.connection = connection
        self._context = dict(context or {})
        self._shared: dict[str, Any] = {
            "sink": sink,
            "budget": budget,
            "timeout": limits.timeout_seconds,
            "retries": limits.retries,
            "most_bytes": limits.answer_megabytes * MEGABYTE,
            "body_cap": body_cap,
            "secrets": connection.secrets,
            "transport": transport,
            "backoff": backoff,
        }
        self._http = HttpClient(
            SYSTEM,
            f"{connection.api_url}/{connection.project_key}",
            auth=ClientCredentials(
                system=SYSTEM,
                token_url=f"{connection.auth_url}/oauth/token",
                client_id=connection.client_id,
                client_secret=secret,
                scopes=connection.scope_list,
            ),
            classify=classify,
            redact_fields=tuple(private),
            concurrency=AdaptiveConcurrency(min(RAMP_START, limits.concurrency), limits.concurrency),
            **self._shared,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def get(self, path: str, params: Params | None = None, *, withhold: Withhold = False) -> Answer:
        """`withhold`: what is read holds personal data, so nothing of it, or only its shape, is kept with the
        exchange."""
        return await self._http.request("GET", path, params=params, context=self._context, withhold=withhold)

    async def post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        safe: bool = False,
        reads: bool = False,
        context: Mapping[str, str] | None = None,
        withhold: Withhold = False,
    ) -> Answer:
        """`safe`: may be repeated. `reads`: changes nothing that matters, so it needs no lease."""
        return await self._http.request(
            "POST",
            path,
            json=body,
            safe=safe,
            reads=reads,
            context={**self._context, **(context or {})},
            withhold=withhold,
        )

    async def delete(
        self,
        path: str,
        params: Params,
        *,
        context: Mapping[str, str] | None = None,
        withhold: Withhold = False,
    ) -> Answer:
        """Never repeated by itself: a second one would meet nothing and look like a failure."""
        return await self._http.request(
            "DELETE", path, params=params, context={**self._context, **(context or {})}, withhold=withhold
        )

    async def page(
        self, path: str, params: list[tuple[str, str]], limit: int, *, withhold: Withhold = False
    ) -> tuple[list[dict[str, Any]], int]:
        """The results of one query, and the `limit` with which they came: where the API says that so many rows are
        too much for one answer, half of them are asked for."""
        while True:
            try:
                asked: Params = [*params, ("limit", limit), ("withTotal", "false")]
                answer = await self.get(path, asked, withhold=withhold)
                return _results(answer), limit
            except (PageTooLarge, TooMuchAnswered):
                if limit <= SMALLEST_PAGE:
                    raise
                limit = max(SMALLEST_PAGE, limit // 2)

    async def granted_scopes(self) -> frozenset[str]:
        """The scopes the credentials give, from a token request of its own (the token is not kept)."""
        connection = self.connection
        secret = connection.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials"}
        if connection.scope_list:
            form["scope"] = " ".join(connection.scope_list)
        async with HttpClient(
            SYSTEM,
            connection.auth_url,
            auth=httpx.BasicAuth(connection.client_id, secret),
            classify=classify,
            **self._shared,
        ) as http:
            answer = await http.request(
                "POST", "/oauth/token", data=form, safe=True, reads=True, context=self._context
            )
        with answer.as_described():
            return frozenset(answer.json()["scope"].split())


def _results(answer: Answer) -> list[dict[str, Any]]:
    """The rows of a page; what is no object among them stands for itself."""
    with answer.as_described():
        results = answer.json()["results"]
        if not isinstance(results, list):
            raise TypeError
        return gated(results)


def classify(answer: Answer) -> SyncError | None:
    """The error behind an answer with status 400 or more; None where the plain reading of the status will do."""
    body = answer.json_or_none()
    body = body if isinstance(body, dict) else {}
    listed = body.get("errors")
    errors = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    codes = {str(error.get("code")) for error in errors}
    message = _message(answer, body, errors)
    if codes & _TOO_MUCH:
        return PageTooLarge(message, code="page_too_large", system=SYSTEM)
    if codes & _LOCKS:
        # Nothing was executed: the write met another one and was refused as a whole.
        return SystemUnavailable(message, retry_after=0.3, system=SYSTEM)
    if answer.status == 401:
        return ConfigurationFault(
            message, system=SYSTEM, remedy="Check client id, client secret and project key in the connection."
        )
    if answer.status == 403:
        return _missing_scope(answer, message, body)
    if answer.status == 404:
        return TargetMissing(message, code="missing", system=SYSTEM)
    if "ConcurrentModification" in codes or answer.status == 409:
        return StaleTarget(message, code="stale", details=_current_version(errors), system=SYSTEM)
    if duplicate := next((error for error in errors if error.get("code") in _DUPLICATES), None):
        return _duplicate(duplicate, message)
    if answer.status == 503 and "PendingOperation" not in codes:
        # OverCapacity: refused at the door, nothing was executed.
        return SystemUnavailable(message, system=SYSTEM)
    if 400 <= answer.status < 429:
        return RecordRejected(message, code=_first(codes), details=_without_values(errors), system=SYSTEM)
    return None


def _message(answer: Answer, body: Mapping[str, Any], errors: list[dict[str, Any]]) -> str:
    told = "; ".join(dict.fromkeys(str(error.get("message", "")) for error in errors)) or str(
        body.get("message", "")
    )
    codes = ", ".join(dict.fromkeys(str(error.get("code", "")) for error in errors))
    text = f"{answer.method} {answer.path} answered {answer.status}"
    return f"{text} ({codes}): {told[:500]}" if codes else f"{text}: {told[:500]}" if told else f"{text}."


def _missing_scope(answer: Answer, message: str, body: Mapping[str, Any]) -> ConfigurationFault:
    told = str(body.get("error_description") or body.get("message") or "")
    scope = scope_of(answer.method, answer.path)
    return ConfigurationFault(
        message if told else f"{message} A scope is missing.",
        system=SYSTEM,
        remedy=f"Give the API client the scope {scope} (commercetools Merchant Center, Settings, Developer settings), "
        "put its new credentials into the connection, then run preflight.",
    )


def scope_of(method: str, path: str) -> str:
    """The scope an endpoint needs, for a remedy. `path` is the path of the request."""
    read = method in ("GET", "HEAD")
    for part, (view, manage) in _SCOPES.items():
        if f"/{part}" in path:
            return view if read else manage
    return "view_project_settings" if read else "manage_products"


_SCOPES = {
    "product-selections": ("view_product_selections", "manage_product_selections"),
    "product-discounts": ("view_products", "manage_products"),
    "standalone-prices": ("view_standalone_prices", "manage_standalone_prices"),
    "custom-objects": ("view_key_value_documents", "manage_key_value_documents"),
    "stores": ("view_stores", "manage_stores"),
    "customer-groups": ("view_customer_groups", "manage_customer_groups"),
    "customers": ("view_customers", "manage_customers"),
    "types": ("view_types", "manage_types"),
    "categories": ("view_products", "manage_products"),
    "product": ("view_products", "manage_products"),
    "tax-categories": ("view_products", "manage_products"),
    "channels": ("view_products", "manage_products"),
    "inventory": ("view_products", "manage_products"),
    "orders": ("view_orders", "manage_orders"),
    "payments": ("view_payments", "manage_payments"),
    "shipping-methods": ("view_orders", "manage_orders"),
    "subscriptions": ("manage_subscriptions", "manage_subscriptions"),
}
"""API reference, `security` of each endpoint; the widest scope of those that will do."""


def _duplicate(error: Mapping[str, Any], message: str) -> DuplicateInTarget:
    holder = error.get("conflictingResource") or error.get("conflictingStandalonePrice") or {}
    return DuplicateInTarget(
        message,
        code=str(error.get("code")),
        field=str(error["field"]) if error.get("field") else None,
        existing_id=str(holder["id"]) if isinstance(holder, dict) and holder.get("id") else None,
        details={"value": error.get("duplicateValue")},
        system=SYSTEM,
    )


def _current_version(errors: list[dict[str, Any]]) -> dict[str, Any]:
    """`currentVersion` is optional in a conflict."""
    return {key: error[key] for error in errors for key in ("currentVersion",) if key in error}


def _first(codes: set[str]) -> str:
    return min(codes) if codes else "rejected"


def _without_values(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What went wrong and where; the refused values stay out of logs."""
    keep = ("code", "message", "field", "name", "action", "actionIndex", "typeId", "id", "key")
    return [{name: error[name] for name in keep if name in error} for error in errors]
