"""Checkpoints in a dictionary, for tests that need no ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class Kept:
    def __init__(self) -> None:
        self.states: dict[tuple[str, str], str] = {}

    def get(self, run_id: str, step: str) -> dict[str, Any] | None:
        found = self.states.get((run_id, step))
        return None if found is None else json.loads(found)

    def set(self, run_id: str, step: str, state: Mapping[str, Any]) -> None:
        self.states[run_id, step] = json.dumps(state)
