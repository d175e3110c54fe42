"""Leases: who may write an entity (or refresh a token) now, granted by the ledger and fenced.

A row a name. Taking a lease counts its `fence` up, so that a worker can tell whether the lease is still its own. A
lease that ran out can be taken by anybody; until somebody does, its holder may renew it, in one conditional update: the
row decides which of the two comes first. Whoever lost a lease never gets it back.

Three clocks are in play. The ledger's alone says when a lease runs out. A holder measures how long ago it was granted
by its own clocks, so that a request costs no query, beginning before the grant was asked for, so that it errs on the
early side; of these clocks the one that moved most counts:

* the monotonic clock goes on while a process is stopped (SIGSTOP, a debugger, swapping), but not while the machine
  sleeps;
* the time since boot goes on while the machine sleeps;
* the wall clock is put right after a virtual machine was frozen, when the guest's other clocks stood still.

Where any of them says that the time is over, the ledger is asked. What remains is a virtual machine frozen between two
instructions whose clocks have not been put right yet when it goes on: no client can notice that.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from retail_sync.ledger.engine import SYSTEM, transaction
from retail_sync.ledger.statements import execute, fetch_one, fetch_value
from retail_sync.records.errors import LeaseHeld, LeaseLost, SyncError, SystemUnavailable
from retail_sync.records.leases import held, holding

log = logging.getLogger(__name__)

LEASE_SECONDS = 150.0
"""How long a lease is granted for at a time. More than two requests' time-outs (60 s by default), so that most requests
need no renewal; short enough that the work of a worker that died goes on within minutes."""
MARGIN_SECONDS = 5.0
"""What a lease has to last beyond a request's time-out: for the last instructions before the bytes leave, and for
clocks that run at slightly different speeds."""
PATIENCE_SECONDS = LEASE_SECONDS + 10.0
"""How long a worker waits in its place for another one's lease: that of a worker that died has run out by then, so that
its death costs one try of a task and no second one. Beyond, it leaves and says when to come back."""
_LONGEST_NAP = 1.0

Clocks = Callable[[], Sequence[float]]


def clocks_of_this_machine() -> Sequence[float]:
    """What the clocks of this machine show, in seconds; the time since boot only where the system has it."""
    since_boot = getattr(time, "CLOCK_BOOTTIME", None)
    found = [time.monotonic(), time.time()]
    return found if since_boot is None else [*found, time.clock_gettime(since_boot)]


class HeldLease:
    """A lease of this worker's; see `retail_sync.records.leases.Lease`. May be used from several threads and loops."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        fence: int,
        seconds: float,
        asked_at: Sequence[float],
        clocks: Clocks,
    ) -> None:
        self.name = name
        self.fence = fence
        self._engine = engine
        self._seconds = seconds
        self._clocks = clocks
        self._granted = seconds
        self._asked_at = asked_at
        self._lost = False
        self._begun: set[str] = set()
        self._turn = threading.Lock()

    def remaining(self) -> float:
        """Seconds it lasts at least, by the clock of this machine that moved most since it was granted."""
        elapsed = max(now - then for now, then in zip(self._clocks(), self._asked_at, strict=True))
        return self._granted - elapsed

    async def require(self, seconds: float) -> None:
        if self._lost:
            raise lost(self.name)
        if self.remaining() <= seconds + MARGIN_SECONDS:
            await asyncio.to_thread(self.renew, seconds)

    def renew(self, seconds: float = 0.0) -> None:
        """Let it last `seconds` longer at least. Raises LeaseLost where somebody else has taken it."""
        with self._turn:
            if not self._lost and self.remaining() > seconds + MARGIN_SECONDS:
                return  # another request of this worker was quicker
            granted = max(self._seconds, 2 * (seconds + MARGIN_SECONDS))
            asked_at = self._clocks()
            renewed = execute(
                self._engine,
                "UPDATE leases SET until = clock_timestamp() + make_interval(secs => :seconds) "
                "WHERE name = :name AND fence = :fence",
                name=self.name,
                fence=self.fence,
                seconds=granted,
            )
            if not renewed:
                self._lost = True
                raise lost(self.name)
            self._granted, self._asked_at = granted, asked_at

    def release(self) -> None:
        """Let others have it at once. Nothing happens where it is somebody else's already, and where the ledger is away
        it runs out by itself."""
        try:
            execute(
                self._engine,
                "UPDATE leases SET until = clock_timestamp() WHERE name = :name AND fence = :fence",
                name=self.name,
                fence=self.fence,
            )
        except SystemUnavailable as problem:
            log.warning(
                "The lease of %s could not be given back, and runs out by itself: %s", self.name, problem
            )

    def began(self, change_ids: Collection[str]) -> None:
        self._begun.update(change_ids)

    def has_begun(self, change_id: str) -> bool:
        return change_id in self._begun


@dataclass(frozen=True)
class Leases:
    """Grants leases. `clocks`: how this machine measures time (see the module)."""

    engine: Engine
    clocks: Clocks = field(default=clocks_of_this_machine, compare=False)

    @contextmanager
    def taken(
        self, name: str, holder: str, *, patience: float = PATIENCE_SECONDS, seconds: float = LEASE_SECONDS
    ) -> Iterator[None]:
        """Work under the lease of this name; the caller's own, where it holds it already. `holder`: run and task, for
        whoever has to wait.

        Raises LeaseHeld where another worker's does not run out within `patience` seconds. It is given back at the end,
        unless something ended the work that may have left a request under way: then it runs out.
        """
        mine = held()
        if mine is not None and mine.name == name:
            yield
            return
        lease = self.take(name, holder, patience=patience, seconds=seconds)
        with holding(lease):
            try:
                yield
            except SyncError:
                lease.release()
                raise
        lease.release()

    def retire(self, name: str, holder: str) -> None:
        """See to it that nobody who began before this writes any more: wait until the lease of this name has run out,
        and take it away from whoever had it. Raises LeaseHeld as `taken` does."""
        with self.taken(name, holder):
            pass

    def take(
        self, name: str, holder: str, *, patience: float = PATIENCE_SECONDS, seconds: float = LEASE_SECONDS
    ) -> HeldLease:
        """Wait for the lease of this name, `patience` seconds at most. Raises LeaseHeld."""
        give_up_at = time.monotonic() + patience
        while True:
            found = self.try_to_take(name, holder, seconds)
            if isinstance(found, HeldLease):
                return found
            wait = found.retry_after or 0.0
            if time.monotonic() + wait > give_up_at:
                raise found
            time.sleep(min(wait, _LONGEST_NAP))

    def try_to_take(self, name: str, holder: str, seconds: float = LEASE_SECONDS) -> HeldLease | LeaseHeld:
        """The lease of this name, if nobody has it; else who has it, and for how long."""
        asked_at = self.clocks()
        with transaction(self.engine) as connection:
            fence = fetch_value(
                connection,
                """
                INSERT INTO leases AS held (name, fence, holder, until, taken_at)
                VALUES (:name, 1, :holder, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
                ON CONFLICT (name) DO UPDATE SET fence = held.fence + 1, holder = excluded.holder,
                    until = excluded.until, taken_at = excluded.taken_at
                WHERE held.until <= clock_timestamp()
                RETURNING fence
                """,
                name=name,
                holder=holder,
                seconds=seconds,
            )
            if fence is None:
                return _held_by_another(connection, name)
        return HeldLease(self.engine, name, fence, seconds, asked_at, self.clocks)


def fence_off(connection: Connection) -> None:
    """Let this transaction through only if the lease its caller works under is still the caller's, and let nobody take
    it until the transaction ends. Raises LeaseLost. Without a lease nothing is checked: what does not write to a system
    needs none."""
    mine = held()
    if mine is None:
        return
    found = fetch_one(
        connection,
        "SELECT 1 FROM leases WHERE name = :name AND fence = :fence FOR SHARE",
        name=mine.name,
        fence=mine.fence,
    )
    if found is None:
        raise lost(mine.name)


def lost(name: str) -> LeaseLost:
    """The error of who writes, or settles, too late."""
    return LeaseLost(
        f"Another worker has taken over the writing of {name} meanwhile, so this one wrote nothing more.",
        system=SYSTEM,
    )


def _held_by_another(connection: Connection, name: str) -> LeaseHeld:
    row = fetch_one(
        connection,
        "SELECT holder, EXTRACT(EPOCH FROM until - clock_timestamp())::float8 AS left FROM leases "
        "WHERE name = :name",
        name=name,
    )
    wait = max(0.05, row.left)
    return LeaseHeld(
        f"{row.holder} is writing {name}, or died while it did; its lease runs out in {wait:.0f} s.",
        retry_after=wait,
        system=SYSTEM,
    )
