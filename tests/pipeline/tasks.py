"""One run's tasks, called one by one as Airflow calls them: the real steps, with a task instance's XCom kept here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from airflow.sdk.execution_time.context import set_current_context

from retail_sync.pipeline.dags.entity import AT_ONCE, PLANNING
from retail_sync.pipeline.tasks import entity as steps
from retail_sync.records.ports.products import SYSTEMS

T = TypeVar("T")
_numbers = itertools.count(1)


class Instance:
    """What steps ask of a task instance."""

    map_index = -1

    def __init__(self, task_id: str, xcom: dict[tuple[str, str], Any]) -> None:
        self.task_id, self._xcom = task_id, xcom

    def xcom_push(self, key: str, value: Any) -> None:
        self._xcom[self.task_id, key] = value

    def xcom_pull(self, task_ids: Any, key: str, default: Any = None) -> Any:
        if isinstance(task_ids, str):
            return self._xcom.get((task_ids, key), default)
        return [self._xcom.get((one, key), default) for one in task_ids]


@dataclass
class Tasks:
    """A run of one entity's DAG. A step that is called again is a retry, or was cleared."""

    entity: str
    mode: str = "full"
    run_type: str = "manual"
    run_id: str = field(default_factory=lambda: f"manual__{next(_numbers)}:00+00:00")
    xcom: dict[tuple[str, str], Any] = field(default_factory=dict)
    extracts: dict[str, Any] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    @property
    def ledger_id(self) -> str:
        return f"{self.entity}/{self.run_id}"

    def extract(self) -> None:
        for system in SYSTEMS:
            self.extracts[system] = self._call(
                f"extract_{system}", lambda system=system: steps.extract(self.entity, system)
            )

    def transform(self) -> list[dict[str, Any]]:
        return self._call("transform", lambda: steps.transform(self.entity, self.extracts))

    def plan(self) -> None:
        self.batches = self._call("plan", lambda: steps.plan(self.entity, self.extracts))

    def load(self) -> None:
        for batch in self.batches:
            self._call("load", lambda batch=batch: steps.load(self.entity, batch, self.extracts))

    def audit(self) -> dict[str, Any]:
        return self._call(
            "audit", lambda: steps.audit(self.entity, self.extracts, (AT_ONCE, *PLANNING, "load"))
        )

    def at_once(self) -> bool:
        return self._call(AT_ONCE, lambda: steps.at_once(self.entity))

    def all(self) -> dict[str, Any]:
        self.extract()
        self.transform()
        self.plan()
        self.load()
        return self.audit()

    def _call(self, task_id: str, step: Callable[[], T]) -> T:
        with self._context(task_id):
            return step()

    @contextmanager
    def _context(self, task_id: str) -> Iterator[None]:
        context = {
            "dag_run": SimpleNamespace(dag_id=self.entity, run_id=self.run_id, run_type=self.run_type),
            "ti": Instance(task_id, self.xcom),
            "params": {"mode": self.mode},
        }
        with set_current_context(cast("Any", context)):
            yield
