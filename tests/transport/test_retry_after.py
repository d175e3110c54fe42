"""How long to wait: seconds, dates, body members; never negative, never for ever, never an exception."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.transport.bounds import LONGEST_WAIT_SECONDS
from retail_sync.transport.retry_after import retry_after_seconds

NOW = datetime(2026, 11, 23, 9, 25, tzinfo=UTC)


def wait(headers: dict[str, str], body: Any = None) -> float | None:
    return retry_after_seconds(httpx.Headers(headers), body, now=NOW)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("Mon, 23 Nov 2026 09:30:00 GMT", 300.0),
        ("Monday, 23-Nov-26 09:30:00 GMT", 300.0),
        ("Mon Nov 23 09:30:00 2026", 300.0),
        ("2026-11-23T09:30:00+00:00", 300.0),
        ("Mon, 23 Nov 2026 09:20:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("NaN", None),
    ],
)
def test_seconds_and_every_form_of_date_are_understood(told: str, seconds: float | None) -> None:
    assert wait({"Retry-After": told}) == seconds


def test_a_date_is_measured_against_the_clock_of_the_answer_not_ours() -> None:
    wrong_here = {"Date": "Mon, 23 Nov 2026 11:25:00 GMT", "Retry-After": "Mon, 23 Nov 2026 11:30:00 GMT"}
    assert wait(wrong_here) == 300.0


def test_old_answers_carry_the_date_in_the_body_and_the_header_counts_more() -> None:
    body = {"error": "Too Many Requests", "retry-after": "Mon, 23 Nov 2026 09:26:00 GMT"}
    assert wait({}, body) == 60.0
    assert wait({"Retry-After": "5"}, body) == 5.0
    assert wait({}, ["not", "an", "object"]) is None
    assert wait({}, {"retry-after": 9}) == 9.0


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=("Cc",))))
def test_whatever_is_told_the_wait_is_bounded_and_nothing_raises(told: str) -> None:
    seconds = retry_after_seconds({"retry-after": told})
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT_SECONDS


@given(st.integers(-(10**6), 80_000))
def test_a_date_means_the_seconds_from_the_answer_until_then(ahead: int) -> None:
    headers = {"date": format_datetime(NOW, usegmt=True)}
    headers["retry-after"] = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert retry_after_seconds(headers, now=NOW + timedelta(days=3)) == min(
        max(0, ahead), LONGEST_WAIT_SECONDS
    )
