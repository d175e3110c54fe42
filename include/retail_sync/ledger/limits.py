"""How long one transaction of the ledger may wait and work, and when a connection nobody answers on is given up.

The server enforces the limits of a transaction. They are set inside it (`SET LOCAL`), not when the session starts:
behind a pooler such as PgBouncer a session is shared, its start-up options are refused, and what one client sets for
the session another one meets.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds. `lock`: waiting for a lock that another transaction holds. `statement`: one statement, waiting included;
    0 = as long as it takes. `idle`: between two statements of a transaction, so that a worker that is paused or gone
    does not hold its locks for ever."""

    lock: float
    statement: float
    idle: float

    @property
    def statements(self) -> str:
        """What sets them for the transaction under way; one round trip."""
        return "; ".join(
            f"SET LOCAL {name} = {round(seconds * 1000)}"
            for name, seconds in (
                ("lock_timeout", self.lock),
                ("statement_timeout", self.statement),
                ("idle_in_transaction_session_timeout", self.idle),
            )
        )


TASK = Limits(lock=60, statement=15 * 60, idle=5 * 60)
"""For tasks. A lock is held for as long as a transaction lasts, for most of them milliseconds. Who waits longer gives
its place back to Airflow; the waits between five tries (10 s and doubling) outlast `idle`, so that a run gets past a
worker that died in the middle of a transaction without anybody's help."""

BULK = Limits(lock=10 * 60, statement=60 * 60, idle=15 * 60)
"""For a plan that is stored as a whole: a million rows in one transaction, whose rows are made between its statements.
Whoever else stores a plan waits for it."""

CARE = Limits(lock=10 * 60, statement=0, idle=10 * 60)
"""For migrations and for deleting what is old: an index over all exchanges takes as long as it takes, and who migrates
second waits for the first."""

SERVING = Limits(lock=3, statement=30, idle=30)
"""For whoever answers a request: a sender of events waits five seconds, a person not much longer."""

CONNECT_SECONDS = 10
"""Opening one connection, until the server lets us in."""

KEEP_ALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""libpq, seconds: a server that vanished while we wait for its answer (power, firewall, failover) is noticed after a
minute; Linux alone would ask for the first time after two hours."""

UNACKNOWLEDGED_MILLISECONDS = 60_000
"""libpq's `tcp_user_timeout`: what we sent and the server's machine does not confirm. Where the operating system knows
no such thing, it is ignored."""
