"""When a failed try is worth another one: Airflow asks with the error itself in hand."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from airflow.sdk import RetryDecision, RetryPolicy

from retail_sync.records.errors import SyncError, TransientError

RETRIES = 5
FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(minutes=15)
_LONGEST_REASON = 500
_DEFECTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NameError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""A defect of a program does not pass by itself. What systems, stores and the ledger may fail with is raised as a
SyncError; these come from a mistake in the package, or in what it stands on."""


class SyncRetries(RetryPolicy):
    """Transient errors wait as long as the system asked, or a doubling while; what a retry can't mend fails at once,
    with what to do in its message. Errors of others (a lost worker, Airflow itself) follow Airflow's own rule."""

    def __init__(self, first: timedelta = FIRST_DELAY, longest: timedelta = LONGEST_DELAY) -> None:
        self.first = first
        self.longest = longest

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Any = None
    ) -> RetryDecision:
        reason = str(exception)[:_LONGEST_REASON]
        if isinstance(exception, TransientError):
            return RetryDecision.retry(self._delay(exception.retry_after, try_number), reason)
        if isinstance(exception, SyncError):
            return RetryDecision.fail(reason)
        if isinstance(exception, _DEFECTS):
            return RetryDecision.fail(f"{type(exception).__name__}, a defect: {reason}")
        return RetryDecision.default()

    def _delay(self, ordered: float | None, try_number: int) -> timedelta:
        """Never sooner than the system asked for; never later than `longest`, unless it asked for that."""
        backoff: timedelta = min(self.first * 2 ** min(max(0, try_number - 1), 20), self.longest)
        # Several tasks that failed at one moment should not come back at one moment.
        spread: timedelta = backoff * random.uniform(0.75, 1.0)  # noqa: S311
        return max(spread, timedelta(seconds=ordered)) if ordered else spread
