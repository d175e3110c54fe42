"""The one object through which everybody else reaches the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, text

from retail_sync.ledger.api_calls import PostgresExchangeSink
from retail_sync.ledger.budget import PostgresBudget
from retail_sync.ledger.changes import Changes
from retail_sync.ledger.checkpoints import Checkpoints
from retail_sync.ledger.decisions import Decisions
from retail_sync.ledger.engine import SYSTEM, VARIABLE, connect, transaction
from retail_sync.ledger.holds import Holds
from retail_sync.ledger.inbox import Inbox
from retail_sync.ledger.inventory import Stock
from retail_sync.ledger.leases import Leases, fence_off
from retail_sync.ledger.limits import BULK, TASK, Limits
from retail_sync.ledger.links import Links
from retail_sync.ledger.migrate import require_current
from retail_sync.ledger.mirror import Mirror
from retail_sync.ledger.runs import Runs
from retail_sync.ledger.secret import kept_secret
from retail_sync.ledger.tokens import PostgresTokenStore
from retail_sync.records.errors import ConfigurationFault


@dataclass(frozen=True)
class Together:
    """What is written to these is one transaction (see `Ledger.together`)."""

    mirror: Mirror
    links: Links
    changes: Changes
    stock: Stock


@dataclass(frozen=True)
class Ledger:
    """All subjects over one engine. Open one a task (not across a fork), close it or use it with `with`.

    Every method may raise `SystemUnavailable` where the database is lost on the way or another session does not let go
    of a lock; calling again is safe.
    """

    engine: Engine
    runs: Runs = field(init=False)
    mirror: Mirror = field(init=False)
    links: Links = field(init=False)
    changes: Changes = field(init=False)
    holds: Holds = field(init=False)
    decisions: Decisions = field(init=False)
    checkpoints: Checkpoints = field(init=False)
    inbox: Inbox = field(init=False)
    leases: Leases = field(init=False)
    stock: Stock = field(init=False)

    def __post_init__(self) -> None:
        subjects = {
            "runs": Runs,
            "mirror": Mirror,
            "links": Links,
            "changes": Changes,
            "holds": Holds,
            "decisions": Decisions,
            "checkpoints": Checkpoints,
            "inbox": Inbox,
            "leases": Leases,
            "stock": Stock,
        }
        for name, subject in subjects.items():
            object.__setattr__(self, name, subject(self.engine))

    @classmethod
    def open(cls, url: str | None = None, limits: Limits = TASK) -> Ledger:
        """The ledger at `url`, or at RETAIL_SYNC_LEDGER. `limits`: how long its transactions may wait and work.

        Raises ConfigurationFault where the URL is missing, not PostgreSQL's, does not let us in, or holds another
        version of the tables than this package; SystemUnavailable where no server answers."""
        url = url or os.environ.get(VARIABLE)
        if not url:
            raise ConfigurationFault(
                f"{VARIABLE} is not set, so there is no ledger.",
                system=SYSTEM,
                remedy=f"Set {VARIABLE} to the URL of a PostgreSQL database made for this purpose.",
            )
        engine = connect(url, limits)
        try:
            require_current(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def together(self) -> Iterator[Together]:
        """All of these in one transaction: at the end everything is stored, after an error nothing. Who works under a
        lease that was taken over meanwhile is told so before anything else: what such a one believes to be linked or
        settled may be so no more. Raises LeaseLost."""
        with transaction(self.engine, BULK) as connection:
            fence_off(connection)
            yield Together(Mirror(connection), Links(connection), Changes(connection), Stock(connection))

    def now(self) -> datetime:
        """The database's clock: the one against which `seen_at` of mirrored rows may be compared."""
        with transaction(self.engine) as connection:
            moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    def exchange_sink(self, run_id: str | None, task: str | None) -> PostgresExchangeSink:
        return PostgresExchangeSink(self.engine, run_id, task)

    def budget(
        self, system: str, *, share: float = 1.0, window: timedelta = timedelta(minutes=5)
    ) -> PostgresBudget:
        return PostgresBudget(self.engine, system, share, window=window)

    def token_store(self, key: str) -> PostgresTokenStore:
        return PostgresTokenStore(self.engine, key)

    def secret(self, key: str, name: str) -> bytes:
        """A random key of this ledger, kept sealed with `key` (see `kept_secret`)."""
        return kept_secret(self.engine, key, name)
