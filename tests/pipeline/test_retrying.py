"""Which failures are tried again, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import RetryAction

from retail_sync.pipeline.dags.retry_policy import FIRST_DELAY, LONGEST_DELAY, SyncRetries
from retail_sync.records.errors import (
    ConfigurationFault,
    ProtocolFault,
    RateLimited,
    RecordRejected,
    SystemUnavailable,
    UnknownOutcome,
)

POLICY = SyncRetries()


def test_a_transient_error_waits_a_doubling_while() -> None:
    for number, low, high in ((1, 7.5, 10), (2, 15, 20), (3, 30, 40)):
        decision = POLICY.evaluate(SystemUnavailable("503"), number, 5)
        assert decision.action is RetryAction.RETRY
        assert timedelta(seconds=low) <= decision.retry_delay <= timedelta(seconds=high)


def test_the_wait_is_capped_however_often_it_failed() -> None:
    assert POLICY.evaluate(UnknownOutcome("cut"), 50, 60).retry_delay <= LONGEST_DELAY


def test_the_system_is_never_asked_sooner_than_it_said() -> None:
    later = LONGEST_DELAY.total_seconds() + 60
    assert POLICY.evaluate(RateLimited("429", retry_after=later), 1, 5).retry_delay == timedelta(
        seconds=later
    )
    soon = POLICY.evaluate(RateLimited("429", retry_after=0.1), 1, 5).retry_delay
    assert soon >= FIRST_DELAY * 0.75


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationFault("No scope.", system="lightspeed", remedy="Add the scope."),
        ProtocolFault("The cursor stands still.", remedy="Run preflight."),
        RecordRejected("No."),
        TypeError("a defect"),
        RuntimeError("asyncio.run() cannot be called from a running event loop"),
        ValueError("a defect"),
        ZeroDivisionError("a defect"),
    ],
)
def test_what_a_retry_cannot_mend_fails_at_once_and_says_why(error: Exception) -> None:
    decision = POLICY.evaluate(error, 1, 5)
    assert decision.action is RetryAction.FAIL
    assert str(error)[:20] in str(decision.reason)


def test_errors_of_airflow_follow_airflows_own_rule() -> None:
    assert POLICY.evaluate(ConnectionResetError("api-server gone"), 1, 5).action is RetryAction.DEFAULT
