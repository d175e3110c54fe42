"""What a refusal of the API means. No error format is documented: every shape that was met is understood here.

Shapes: `{"error": "text"}`, `{"error": {"code", "message"}}`, `{"error", "message"}`, `{"error", "fields": {...}}`,
`{"status": "error", "error", "details"}`, `{"errors": {...}}`, `{"errors": [{"code", "messages"}]}`, `{"error",
"error_description"}`, `{"failed": [{"index", "errors"}]}`, `{"detail": "text"}`, HTML of a proxy, nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from retail_sync.lightspeed.x_series.api.refusals import refusal_of
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    ProtocolFault,
    RateLimited,
    RecordRejected,
    SyncError,
    TargetMissing,
)
from retail_sync.transport.answer import Answer

SYSTEM = "lightspeed"

SCOPES: tuple[tuple[str, str, str], ...] = (
    ("GET", "/retailer", "retailer:read and payment_types:read"),
    ("GET", "/outlet_taxes", "outlets:read"),
    ("GET", "/outlets", "outlets:read"),
    ("GET", "/registers", "registers:read"),
    ("GET", "/taxes", "taxes:read"),
    ("GET", "/suppliers", "suppliers:read"),
    ("POST", "/suppliers", "suppliers:write"),
    ("POST", "/inventory", "inventory:read"),
    ("GET", "/inventory", "inventory:read"),
    ("GET", "/stock_adjustments", "inventory:write"),
    ("POST", "/stock_adjustments", "inventory:write"),
    ("GET", "/custom_inventory_adjustment_reasons", "inventory:write"),
    ("GET", "/consignments", "consignments:read"),
    ("GET", "/search", "products:read, or sales:read or customers:read where those are searched,"),
    ("GET", "/price_books", "products:read:price_books, customers:read and outlets:read"),
    ("GET", "/price_book_products", "products:read:price_books"),
    ("POST", "/price_books", "products:write:price_books, customers:read and products:read"),
    ("PATCH", "/price_books", "products:write:price_books and products:read"),
    ("DELETE", "/price_books", "products:write:price_books"),
    ("GET", "/customer_groups", "customers:read"),
    ("GET", "/customers", "customers:read"),
    ("POST", "/customers", "customers:write"),
    ("PUT", "/customers", "customers:write"),
    ("DELETE", "/customers", "customers:write"),
    ("GET", "/sales", "sales:read"),
    ("POST", "/sales", "sales:write, and users:read for returns,"),
    ("PUT", "/sales", "sales:write"),
    ("GET", "/payment_types", "payment_types:read"),
    ("GET", "/user", "users:read"),
    ("GET", "/webhooks", "webhooks"),
    ("POST", "/webhooks", "webhooks"),
    ("PUT", "/webhooks", "webhooks"),
    ("DELETE", "/webhooks", "webhooks"),
    ("GET", "/", "products:read"),
    ("POST", "/", "products:write"),
    ("PUT", "/", "products:write"),
    ("DELETE", "/", "products:write"),
)
"""Method, path below the version, scope it needs (endpoint index 2026-07). The first match counts."""

_MESSAGE_MEMBERS = (
    "error_description",
    "message",
    "error",
    "errors",
    "fields",
    "detail",
    "details",
    "messages",
)
_DUPLICATE = re.compile(
    r"already (?:exists?|taken|in use|been taken)|duplicate|must be unique|not unique", re.I
)
_VERSION_SEGMENT = re.compile(r"^/api(?:/[0-9.]+|/20\d\d-\d\d)?(?=/)")


def classify(answer: Answer) -> SyncError | None:
    """The error behind an answer with status 400 or more; None = the plain reading of its status."""
    body = answer.json_or_none()
    said = message_of(body) or _unsaid(answer)
    text = f"{answer.method} {answer.path} answered {answer.status}: {said[:500]}."
    if answer.status == 429:
        return RateLimited("The request budget of the store is used up.", retry_after=answer.retry_after)
    if answer.status == 401:
        return ConfigurationFault(
            text, remedy="Put a valid personal token, or OAuth client and refresh token, into the connection."
        )
    if answer.status == 403:
        scope = scope_of(answer.method, answer.path)
        return ConfigurationFault(
            text,
            remedy=f"Give the token the scope {scope} (OAuth: authorise the app again), then run preflight.",
        )
    if answer.status in (404, 410):
        return _missing(answer, text)
    if answer.status in (400, 409, 422):
        return _refused(answer, body, said, text)
    return None


def _unsaid(answer: Answer) -> str:
    """What an answer is that holds no sentence."""
    if not answer.content:
        return "nothing"
    return "JSON without a message" if answer.is_readable else "a page that is no JSON"


def _missing(answer: Answer, text: str) -> SyncError:
    if re.search(
        r"/[0-9a-zA-Z]*[0-9-][0-9a-zA-Z-]*(?:/(?:all|inventory|products|actions/return))?$",
        _below_version(answer.path),
    ):
        return TargetMissing(text)
    return ConfigurationFault(text, remedy="Check store URL and `api_version` in the connection.")


def _refused(answer: Answer, body: Any, said: str, text: str) -> SyncError:
    fields = fields_of(body)
    duplicate = next((name for name, why in fields.items() if _DUPLICATE.search(why)), None)
    if (
        duplicate is None
        and not fields
        and (answer.status == 409 or _DUPLICATE.search(message_of(body) or ""))
    ):
        return DuplicateInTarget(text, code="duplicate", details=fields or None)
    if duplicate is not None:
        return DuplicateInTarget(
            text,
            code=f"duplicate_{duplicate}",
            field=duplicate,
            existing_id=_existing_id(fields, duplicate),
            details=fields,
        )
    if answer.safe and answer.method in ("GET", "POST"):
        return ProtocolFault(
            text, remedy="Check `api_version` in the connection; if it is right, the API changed."
        )
    refusal = refusal_of(_below_version(answer.path), fields, said)
    if refusal is not None:
        return RecordRejected(text, code=refusal.code, details=fields or None, remedy=refusal.remedy)
    return RecordRejected(text, code="refused", details=fields or None)


def _existing_id(fields: Mapping[str, str], field: str) -> str | None:
    """`{"name": "Already exists", "name_existing_id": "<uuid>"}` names the product that is in the way."""
    return fields.get(f"{field}_existing_id") or next(
        (value for name, value in fields.items() if name.endswith("existing_id")), None
    )


def message_of(body: Any) -> str | None:
    """The sentence in an error body of any shape; None where there is none."""
    if isinstance(body, str):
        return body.strip() or None
    if isinstance(body, list):
        return "; ".join(filter(None, map(message_of, body[:5]))) or None
    if not isinstance(body, Mapping):
        return None
    error = body.get("error")
    if isinstance(error, Mapping):
        return message_of(error)
    parts = [text for name in _MESSAGE_MEMBERS if (text := _plain(body.get(name)))]
    if not parts and isinstance(body.get("failed"), list):
        return message_of([entry.get("errors") for entry in body["failed"] if isinstance(entry, Mapping)])
    return ": ".join(dict.fromkeys(parts)) or None


def fields_of(body: Any) -> dict[str, str]:
    """Field -> what is wrong with it, from `fields`, `errors` or `details`; {} where no field is named."""
    if not isinstance(body, Mapping):
        return {}
    for name in ("fields", "errors", "details"):
        named = body.get(name)
        if isinstance(named, Mapping) and named:
            return {str(field): _plain(why) or "" for field, why in named.items()}
    error = body.get("error")
    return fields_of(error) if isinstance(error, Mapping) else {}


def scope_of(method: str, path: str) -> str:
    """The OAuth scope a request needs."""
    below = _below_version(path)
    verb = method.upper()
    return next((scope for m, prefix, scope in SCOPES if m == verb and below.startswith(prefix)), "it needs")


def _below_version(path: str) -> str:
    return _VERSION_SEGMENT.sub("", path)


def _plain(value: Any) -> str | None:
    if value is None or value == "" or value == {} or value == []:
        return None
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(why)}" for name, why in value.items())
    if isinstance(value, list):
        return message_of(value)
    return str(value).strip()
