"""What a missing or a bad answer means: transient, unknown, this record's fault, or a setting's."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from retail_sync.records.errors import (
    ConfigurationFault,
    ProtocolFault,
    RateLimited,
    RecordRejected,
    StaleTarget,
    SyncError,
    SystemUnavailable,
    TargetMissing,
    TransientError,
    UnknownOutcome,
)
from retail_sync.transport.answer import Answer
from retail_sync.transport.redaction import Redactor
from retail_sync.transport.unpacking import AnswerTooLarge
from retail_sync.transport.wire import is_token_request

Classify = Callable[[Answer], SyncError | None]
"""A system's reading of an answer with status 400 or more; None = the plain reading of the status."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
NOT_SENDABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)
_MAY_PASS = frozenset({408, 425, 429})


class UnreadableAnswer(ProtocolFault):
    """A 2xx answer to a read whose body is not JSON: worth another try, then a fault of the protocol."""


class TooMuchAnswered(ProtocolFault):
    """A read brought more than is taken of one answer; fewer rows may do. Asking for the same again would not."""

    default_remedy = "Lower the page size in `limits`, or raise `limits.answer_megabytes`."


def _too_large(message: str, *, system: str, exchange_id: str | None, safe: bool) -> SyncError:
    kind = TooMuchAnswered if safe else UnknownOutcome
    return kind(message, system=system, exchange_id=exchange_id)


def fault_of_exception(
    problem: Exception, request: httpx.Request, *, system: str, safe: bool, redactor: Redactor
) -> SyncError:
    """The error behind an exception of httpx. Only what proves that nothing was sent lets an unsafe request repeat."""
    sent = _request_of(problem) or request
    exchange_id = sent.extensions.get("exchange_id")
    why = redactor.free_text(f"{type(problem).__name__}: {problem}".rstrip(": "))
    where = f"{sent.method} {redactor.url(str(sent.url.copy_with(query=None)))}"
    if isinstance(problem, NOT_SENDABLE):
        return ConfigurationFault(  # its text may quote the offending header, so it is not repeated here
            f"{where} can't be sent ({type(problem).__name__}).",
            system=system,
            exchange_id=exchange_id,
            remedy="Check host and credentials in the Airflow connection for stray characters.",
        )
    if isinstance(problem, AnswerTooLarge):
        return _too_large(f"{where}: {why}.", system=system, exchange_id=exchange_id, safe=safe)
    if isinstance(problem, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(problem):
        return ConfigurationFault(
            f"The certificate of {sent.url.host} is not trusted.",
            system=system,
            exchange_id=exchange_id,
            remedy="Check the host in the connection and this machine's clock and certificates; nothing was sent.",
        )
    if isinstance(problem, NEVER_SENT) or is_token_request(sent):
        return SystemUnavailable(
            f"{where} could not be sent ({why}).",
            system=system,
            exchange_id=exchange_id,
            remedy=f"Nothing, if it passes by itself; otherwise check that {sent.url.host} can be reached from here.",
        )
    kind = SystemUnavailable if safe else UnknownOutcome
    return kind(f"{where} brought no complete answer ({why}).", system=system, exchange_id=exchange_id)


def fault_of_answer(answer: Answer, classify: Classify, *, expect_json: bool) -> SyncError | None:
    """The error an answer means; None where it is a success."""
    if 200 <= answer.status < 300:
        return _unreadable(answer) if expect_json and not answer.is_readable else None
    if answer.status < 400:
        return ConfigurationFault(
            f"{_where(answer)} answered with a redirect ({answer.status}), which is not followed.",
            system=answer.system,
            status=answer.status,
            exchange_id=answer.exchange_id,
            remedy="Put the address it redirects to into the connection, if you trust it.",
        )
    told = classify(answer)
    if not answer.safe and _leaves_open(answer, told):
        fault: SyncError = UnknownOutcome(f"{_where(answer)} answered {answer.status}.", system=answer.system)
    else:
        fault = told or _plain(answer)
    if answer.withheld:
        fault = without_body(fault, f"{_where(answer)} answered {answer.status}.")
    fault.status = fault.status or answer.status
    fault.exchange_id = fault.exchange_id or answer.exchange_id
    fault.system = fault.system or answer.system
    if isinstance(fault, TransientError) and fault.retry_after is None:
        fault.retry_after = answer.retry_after
    return fault


def without_body(fault: SyncError, message: str) -> SyncError:
    """The same fault, of whose words none comes from the answer."""
    kind, state = type(fault), {**vars(fault), "message": message}
    if isinstance(fault, RecordRejected):
        state["details"] = None
    told = kind(message, system=fault.system, remedy=fault.remedy)
    vars(told).update(state)
    return told


def _leaves_open(answer: Answer, told: SyncError | None) -> bool:
    """Whether an unsafe request may have been executed in spite of this status."""
    if answer.status == 503 and isinstance(told, TransientError):
        return False
    if answer.status >= 500 or answer.status == 408:
        return told is None or isinstance(told, TransientError)
    return False


def _plain(answer: Answer) -> SyncError:
    """What a status means where the adapter knows nothing better."""
    message = f"{_where(answer)} answered {answer.status}."
    if answer.status == 429:
        return RateLimited(message, system=answer.system)
    if answer.status >= 500 or answer.status in _MAY_PASS:
        return SystemUnavailable(message, system=answer.system)
    if answer.status in (401, 403, 407):
        return ConfigurationFault(
            message,
            system=answer.system,
            remedy="Check the credentials and scopes of the Airflow connection, then run preflight.",
        )
    if answer.status in (404, 410):
        return TargetMissing(message, system=answer.system)
    if answer.status in (409, 412):
        return StaleTarget(message, system=answer.system)
    return RecordRejected(message, code=f"status {answer.status}", system=answer.system)


def _unreadable(answer: Answer) -> SyncError:
    message = f"{_where(answer)} answered {answer.status} with a body that is {answer.unreadable}."
    kind = UnreadableAnswer if answer.safe else UnknownOutcome
    return kind(message, system=answer.system, status=answer.status, exchange_id=answer.exchange_id)


def _where(answer: Answer) -> str:
    return f"{answer.method} {answer.path}"


def _request_of(problem: Exception) -> httpx.Request | None:
    try:
        return problem.request if isinstance(problem, httpx.RequestError) else None
    except RuntimeError:  # httpx: the request was not known where it was raised
        return None
