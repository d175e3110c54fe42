"""Every error this package raises on purpose, grouped by what has to happen next.

* `SyncError`: the root. Each carries a `remedy`: a sentence that says what to do.
    * `TransientError`: try again later; nothing is wrong with the data or the settings.
        * `RateLimited`: wait `retry_after` seconds first. Waiting is not failing.
        * `SystemUnavailable`: 5xx, time-out before a request was sent, refused or cut connections on reads.
        * `StagedDataDamaged`: what a run staged is not as it was written. The systems are read again.
        * `UnknownOutcome`: a write was sent and no trustworthy answer came. Look the target up before sending again.
        * `LeaseHeld`: another worker writes the same entity; come back when its lease has run out.
        * `LeaseLost`: another worker has taken over; nothing was sent or stored, and what is left is that worker's.
    * `RecordRejected`: this record is held, the others go on.
        * `StaleTarget`: the target changed since the plan saw it. Read again, merge again.
        * `TargetMissing`: the target no longer exists.
        * `DuplicateInTarget`: the target already holds this identifier; `existing_id` names it where the system told.
    * `ConfigurationFault`: stop and fix a setting, a credential or a scope; trying again can't help.
    * `ProtocolFault`: the system answered in a way the adapter does not understand (a cursor that does not advance,
      an unreadable body). The run stops rather than guess.
    * `NotLeased`: a write was about to be sent that nobody had begun. A defect of this package; nothing was sent.
"""

from __future__ import annotations

__all__ = [
    "ConfigurationFault",
    "DuplicateInTarget",
    "LeaseHeld",
    "LeaseLost",
    "NotLeased",
    "ProtocolFault",
    "RateLimited",
    "RecordRejected",
    "StagedDataDamaged",
    "StaleTarget",
    "SyncError",
    "SystemUnavailable",
    "TargetMissing",
    "TransientError",
    "UnknownOutcome",
]


class SyncError(Exception):
    """An error with a cause (`message`), a place (`system`) and a way out (`remedy`)."""

    default_remedy = "Look at the exchange in the audit trail."

    def __init__(
        self,
        message: str,
        *,
        system: str | None = None,
        remedy: str | None = None,
        status: int | None = None,
        exchange_id: str | None = None,
    ) -> None:
        self.message = message
        self.system = system
        self.remedy = remedy or self.default_remedy
        self.status = status
        self.exchange_id = exchange_id
        where = f"{system}: " if system else ""
        super().__init__(f"{where}{message} What to do: {self.remedy}")

    @property
    def exchange_ids(self) -> list[str]:
        """The exchange it came from, if there was one."""
        return [self.exchange_id] if self.exchange_id else []

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders in Airflow; keyword-only state must survive pickling.
        return (_rebuild, (type(self), self.__dict__.copy()))


def _rebuild(kind: type[SyncError], state: dict[str, object]) -> SyncError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    where = f"{state['system']}: " if state.get("system") else ""
    Exception.__init__(error, f"{where}{state['message']} What to do: {state['remedy']}")
    return error


class TransientError(SyncError):
    """Nothing is wrong with data or settings; the same request may succeed later."""

    default_remedy = "Nothing: the task retries by itself. Clear it in Airflow if it gave up."

    def __init__(self, message: str, *, retry_after: float | None = None, **context: object) -> None:
        super().__init__(message, **context)  # type: ignore[arg-type]
        self.retry_after = retry_after


class RateLimited(TransientError):
    """The system asked to wait `retry_after` seconds."""


class SystemUnavailable(TransientError):
    """The system could not answer; the request had no effect (reads) or was never sent."""


class StagedDataDamaged(TransientError):
    """What a run staged is missing, cut off, or not what was written. The step that notices it forgets what the run has
    read, so that the next try reads both systems again."""

    default_remedy = (
        "Nothing: the next try reads both systems again. Clear this task in Airflow if it gave up."
    )


class UnknownOutcome(TransientError):
    """A write was sent but its outcome is not known: it may have been executed."""

    default_remedy = "Nothing: the target is looked up before anything is sent again."


class LeaseHeld(TransientError):
    """Another worker holds the lease this one needs; it runs out in `retry_after` seconds, unless it is renewed."""

    default_remedy = "Nothing: the task retries by itself when that time is over."


class LeaseLost(TransientError):
    """The worker was overtaken: its lease went to another one. Nothing was sent, and nothing was stored."""

    default_remedy = "Nothing: the worker that took over looks at the target and goes on."


class RecordRejected(SyncError):
    """The system refuses this record as it is; it is held with `code` and `details`."""

    default_remedy = "Correct the record in its source system; it is tried again by itself."

    def __init__(
        self, message: str, *, code: str = "rejected", details: object = None, **context: object
    ) -> None:
        super().__init__(message, **context)  # type: ignore[arg-type]
        self.code = code
        self.details = details


class StaleTarget(RecordRejected):
    """The target changed since the plan saw it."""

    default_remedy = "Nothing: it is read and merged again."


class TargetMissing(RecordRejected):
    """The target no longer exists."""

    default_remedy = "Run reconcile: the link points to something that was deleted."


class DuplicateInTarget(RecordRejected):
    """The target system already holds this identifier (`field`, `existing_id` where known)."""

    def __init__(
        self, message: str, *, field: str | None = None, existing_id: str | None = None, **context: object
    ) -> None:
        super().__init__(message, **context)  # type: ignore[arg-type]
        self.field = field
        self.existing_id = existing_id


class ConfigurationFault(SyncError):
    """A setting, credential, scope or host is wrong."""

    default_remedy = "Correct the connection or the configuration file, then run preflight."


class ProtocolFault(SyncError):
    """The answer makes no sense to the adapter; going on would be guessing."""

    default_remedy = "Run preflight; if the API changed, the adapter has to follow."


class NotLeased(SyncError):
    """A request that writes was made outside a lease, or for a change no attempt of which was begun."""

    default_remedy = "This is a defect of the package; nothing was sent. Report it with the log of this task."
