"""Where a step of a run stands, so that a killed one goes on instead of starting over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from include.ledger.bulk import jsonb
from include.ledger.engine import transaction


@dataclass(frozen=True)
class Checkpoints:
    engine: Engine

    def get(self, run_id: str, step: str) -> dict[str, Any] | None:
        with transaction(self.engine) as connection:
            state: dict[str, Any] | None = connection.execute(
                text("SELECT state FROM checkpoints WHERE run_id = :run_id AND step = :step"),
                {"run_id": run_id, "step": step},
            ).scalar_one_or_none()
        return state

    def set(self, run_id: str, step: str, state: Mapping[str, Any]) -> None:
        with transaction(self.engine) as connection:
            connection.execute(
                text(
                    "INSERT INTO checkpoints (run_id, step, state) VALUES (:run_id, :step, CAST(:state AS jsonb)) "
                    "ON CONFLICT (run_id, step) DO UPDATE SET state = excluded.state, at = now()"
                ),
                {"run_id": run_id, "step": step, "state": jsonb(state)},
            )

    def clear(self, run_id: str, step: str | None = None) -> None:
        """Forget one step of a run, or all of them."""
        with transaction(self.engine) as connection:
            connection.execute(
                text(
                    "DELETE FROM checkpoints WHERE run_id = :run_id "
                    "AND (CAST(:step AS text) IS NULL OR step = :step)"
                ),
                {"run_id": run_id, "step": step},
            )
