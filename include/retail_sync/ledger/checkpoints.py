"""Where a step of a run stands, so that a killed one goes on instead of starting over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from retail_sync.ledger.bulk import jsonb
from retail_sync.ledger.engine import transaction
from retail_sync.ledger.statements import execute, fetch_pairs, fetch_value

_GET = "SELECT state FROM checkpoints WHERE run_id = :run_id AND step = :step"
_ADD = (
    "INSERT INTO checkpoints (run_id, step, state) VALUES (:run_id, :step, CAST(:state AS jsonb)) "
    "ON CONFLICT (run_id, step)"
)


@dataclass(frozen=True)
class Checkpoints:
    engine: Engine

    def get(self, run_id: str, step: str) -> dict[str, Any] | None:
        state: dict[str, Any] | None = fetch_value(self.engine, _GET, run_id=run_id, step=step)
        return state

    def set(self, run_id: str, step: str, state: Mapping[str, Any]) -> None:
        with transaction(self.engine) as connection:
            _set(connection, run_id, step, state)

    def keep(self, run_id: str, step: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """Store a state that never changes, if none is stored yet; the one that is."""
        with transaction(self.engine) as connection:
            execute(connection, f"{_ADD} DO NOTHING", run_id=run_id, step=step, state=jsonb(state))
            kept: dict[str, Any] = fetch_value(connection, _GET, run_id=run_id, step=step)
        return kept

    def advance(
        self,
        run_id: str,
        step: str,
        state: Mapping[str, Any],
        *,
        owner: str,
        beside: Mapping[str, Mapping[str, Any]],
    ) -> bool:
        """Store the state of a step that is under way, and those of the steps `beside` it. False, and nothing stored,
        where it is gone or the kept state has another value under `owner` than `state`: somebody else works on it."""
        with transaction(self.engine) as connection:
            if not execute(
                connection,
                "UPDATE checkpoints SET state = CAST(:state AS jsonb), at = now() "
                "WHERE run_id = :run_id AND step = :step AND state ->> :owner = :mine",
                run_id=run_id,
                step=step,
                state=jsonb(state),
                owner=owner,
                mine=state[owner],
            ):
                return False
            for name, other in beside.items():
                _set(connection, run_id, name, other)
        return True

    def below(self, run_id: str, beginning: str) -> dict[str, dict[str, Any]]:
        """The states of a run's steps whose names begin with this."""
        return fetch_pairs(
            self.engine,
            "SELECT step, state FROM checkpoints WHERE run_id = :run_id AND starts_with(step, :beginning)",
            run_id=run_id,
            beginning=beginning,
        )

    def clear_below(self, run_id: str, beginning: str) -> None:
        """Forget the steps of a run whose names begin with this."""
        execute(
            self.engine,
            "DELETE FROM checkpoints WHERE run_id = :run_id AND starts_with(step, :beginning)",
            run_id=run_id,
            beginning=beginning,
        )

    def clear(self, run_id: str, step: str | None = None) -> None:
        """Forget one step of a run, or all of them."""
        execute(
            self.engine,
            "DELETE FROM checkpoints WHERE run_id = :run_id "
            "AND (CAST(:step AS text) IS NULL OR step = :step)",
            run_id=run_id,
            step=step,
        )


def _set(connection: Connection, run_id: str, step: str, state: Mapping[str, Any]) -> None:
    again = f"{_ADD} DO UPDATE SET state = excluded.state, at = now()"
    execute(connection, again, run_id=run_id, step=step, state=jsonb(state))
