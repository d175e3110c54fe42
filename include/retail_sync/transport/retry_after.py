"""How long a system asks to wait: `Retry-After` as seconds, as an HTTP date, or as a JSON body member.

Dates are measured against the clock of the answer itself (its `Date` header), so a wrong clock on either machine
neither hammers the system nor parks a worker for hours. RFC 9110 section 10.2.3 allows both forms, and
both are sent; some answers have the date in a `retry-after` member of the body instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from retail_sync.transport.bounds import LONGEST_TEXT_FOR_A_DATE, LONGEST_WAIT_SECONDS

BODY_MEMBERS = ("retry-after", "retry_after", "retryAfter")


def retry_after_seconds(
    headers: Mapping[str, str], body: Any = None, *, now: datetime | None = None
) -> float | None:
    """Seconds to wait, never negative and at most `LONGEST_WAIT_SECONDS`; None where the answer does not say, or says
    something unreadable.

    `headers` must look names up without regard to case (as `httpx.Headers` does). `now` is used where the answer
    has no readable `Date`; default: the local clock.
    """
    clock = _date(headers.get("date")) or now or datetime.now(UTC)
    told = headers.get("retry-after")
    if told is None and isinstance(body, Mapping):
        told = next((text for name in BODY_MEMBERS if (text := _text(body.get(name))) is not None), None)
    return _seconds(told, clock)


def _text(value: Any) -> str | None:
    """A member as text, where it is a text or a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    return str(value)


def _seconds(told: str | None, clock: datetime) -> float | None:
    if told is None or len(told) > LONGEST_TEXT_FOR_A_DATE:
        return None
    try:
        number = Decimal(told.strip())
        wait = float(number) if number.is_finite() else None
    except InvalidOperation:
        moment = _date(told)
        wait = None if moment is None else (moment - clock).total_seconds()
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT_SECONDS)


def _date(text: str | None) -> datetime | None:
    """An HTTP date (any of its three forms) or an ISO 8601 time; without a zone it is UTC."""
    if not text or len(text) > LONGEST_TEXT_FOR_A_DATE:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text.strip())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
    return None
