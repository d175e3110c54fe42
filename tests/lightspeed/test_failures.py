"""Every error body that was met is understood, and leads to what has to be done."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from retail_sync.lightspeed.x_series.api.errors import classify, fields_of, message_of, scope_of
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


def answer(
    status: int, body: Any, method: str = "POST", path: str = "/api/2026-07/products", **headers: str
) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("lightspeed", method, path, status, httpx.Headers(headers), content, "x1", method == "GET")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "Webhook not found"}, "Webhook not found"),
        (
            {"error": "Too Many Requests", "message": "Rate limiting enforced"},
            "Rate limiting enforced: Too Many Requests",
        ),
        ({"error": {"code": 123, "message": "Declined"}}, "Declined"),
        ({"errors": {"tax_id": ["unknown", "old"]}}, "tax_id: unknown; old"),
        ({"error": "invalid_grant", "error_description": "Used up"}, "Used up: invalid_grant"),
        (
            {"status": "error", "error": "Validation", "details": {"sku": "Required"}},
            "Validation: sku: Required",
        ),
        (
            {
                "successful": [],
                "failed": [{"index": 0, "errors": [{"code": "VALIDATION_ERROR", "messages": ["Bad"]}]}],
            },
            "Bad",
        ),
        ({"error": "twirp error invalid_argument: size"}, "twirp error invalid_argument: size"),
        (["a", {"error": "b"}], "a; b"),
        ({"detail": "Not Found"}, "Not Found"),
        ({}, None),
        (None, None),
        (7, None),
    ],
)
def test_the_message_is_found_in_every_shape(body: Any, message: str | None) -> None:
    assert message_of(body) == message


def test_fields_are_found_wherever_they_are_named() -> None:
    assert fields_of({"fields": {"name": "Already exists"}}) == {"name": "Already exists"}
    assert fields_of({"errors": {"sku": ["a", "b"]}}) == {"sku": "a; b"}
    assert fields_of({"error": {"fields": {"sku": "x"}}}) == {"sku": "x"}
    assert fields_of({"error": "x"}) == {}


def test_a_taken_name_names_the_product_that_has_it() -> None:
    body = {"error": "Invalid", "fields": {"name": "Already exists", "name_existing_id": "0af7-1"}}
    for status in (400, 409, 422):
        problem = classify(answer(status, body))
        assert isinstance(problem, DuplicateInTarget)
        assert (problem.field, problem.existing_id, problem.code) == ("name", "0af7-1", "duplicate_name")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": "Access token is not valid"}, ConfigurationFault),
        (403, {"error": "permission denied"}, ConfigurationFault),
        (404, {"error": "Not Found"}, ConfigurationFault),
        (409, {"error": "Tag already exists"}, DuplicateInTarget),
        (422, {"error": "Puma already exists"}, DuplicateInTarget),
        (422, {"error": "Invalid", "fields": {"price": "negative"}}, RecordRejected),
        (400, b"<html>Bad Request</html>", RecordRejected),
        (429, {}, RateLimited),
    ],
)
def test_a_status_leads_to_what_has_to_be_done(status: int, body: Any, kind: type[SyncError]) -> None:
    assert type(classify(answer(status, body))) is kind


def test_a_read_that_is_refused_is_a_fault_of_the_protocol_and_not_of_a_record() -> None:
    assert type(classify(answer(400, {"error": "after must be a number"}, "GET"))) is ProtocolFault


def test_server_errors_are_left_to_the_plain_reading() -> None:
    assert classify(answer(502, b"<html>")) is None


def test_a_missing_object_is_gone_and_a_missing_list_is_a_wrong_address() -> None:
    gone = classify(
        answer(404, {"error": "x"}, "PUT", "/api/2026-07/products/0af7d2b8-1111-4000-8000-000000000000")
    )
    assert type(gone) is TargetMissing
    assert (
        type(classify(answer(404, {"error": "x"}, "GET", "/api/2099-01/outlet_taxes"))) is ConfigurationFault
    )


def test_a_refused_permission_names_the_scope() -> None:
    problem = classify(answer(403, {"error": "permission denied"}, "GET", "/api/2026-07/retailer"))
    assert problem is not None and "retailer:read and payment_types:read" in problem.remedy
    assert scope_of("POST", "/api/2.1/products") == "products:write"
    assert scope_of("GET", "/api/2026-07/outlet_taxes") == "outlets:read"
    assert scope_of("POST", "/suppliers") == "suppliers:write"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "Mon, 23 Nov 2026 09:30:00 GMT", "Date": "Mon, 23 Nov 2026 09:29:10 GMT"}, 50.0),
        ({"Retry-After": "7"}, 7.0),
        ({}, None),
    ],
)
def test_the_wait_is_read_as_a_date_and_as_seconds(headers: dict[str, str], seconds: float | None) -> None:
    problem = classify(answer(429, {"error": "Too Many Requests"}, **headers))
    assert isinstance(problem, RateLimited) and problem.retry_after == seconds


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"detail":"Not Found"}', "Not Found"),
        (b'{"foo":"bar"}', "JSON without a message"),
        (b"[]", "JSON without a message"),
        (b"<html>gone</html>", "a page that is no JSON"),
        (b"", "nothing"),
    ],
)
def test_an_answer_is_called_what_it_is(content: bytes, said: str) -> None:
    fault = classify(answer(404, content))
    assert isinstance(fault, ConfigurationFault) and f"answered 404: {said}." in fault.message
