"""A whole run of an entity, a process a task, with what each process used and what the stand-ins were asked."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from demo.postgres import EmbeddedPostgres
from retail_sync.records.ports.products import SYSTEMS

PROJECT = Path(__file__).parents[2]
BACKENDS_END = 0.3
"""Seconds in which the database's processes for a task that has ended are gone and counted."""
Tally = Mapping[str, Mapping[str, int]]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Step:
    """What one task used. `cpu`: its own CPU seconds after starting; `start_cpu`: those of starting (imports);
    `database_cpu`: those of PostgreSQL meanwhile; `seconds`: wall time after starting, waiting included."""

    name: str
    seconds: float
    cpu: float
    start_cpu: float
    database_cpu: float
    peak: int
    requests: Tally
    result: Any

    @property
    def own_work(self) -> float:
        return self.cpu + self.database_cpu

    def asked(self) -> int:
        return sum(sum(self.requests[system].values()) for system in SYSTEMS)

    def asked_for(self, *fragments: str) -> int:
        """How many requests bear one of the fragments in `system method path status`."""
        return sum(
            count
            for system in SYSTEMS
            for kind, count in self.requests[system].items()
            if any(fragment in f"{system} {kind}" for fragment in fragments)
        )


@dataclass
class Run:
    steps: list[Step] = field(default_factory=list)

    def named(self, name: str) -> list[Step]:
        return [step for step in self.steps if step.name.startswith(name)]

    @property
    def own_work(self) -> float:
        return sum(step.own_work for step in self.steps)

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def requests(self) -> dict[str, int]:
        """Requests of the whole run by system, method, path and status."""
        total: dict[str, int] = {}
        for step in self.steps:
            for system in SYSTEMS:
                for kind, count in step.requests[system].items():
                    total[f"{system} {kind}"] = total.get(f"{system} {kind}", 0) + count
        return dict(sorted(total.items()))

    def asked(self, *fragments: str) -> int:
        return sum(step.asked_for(*fragments) for step in self.steps)

    @property
    def accounts(self) -> dict[str, Any]:
        return dict(self.named("audit")[0].result)


class Bench:
    """Stand-ins, a ledger and a staging folder; `run` does what the DAG does."""

    def __init__(
        self, shops: subprocess.Popen[str], postgres: EmbeddedPostgres, ledger_url: str, folder: Path
    ) -> None:
        self._shops = shops
        self._ledger_url = ledger_url
        self._folder = folder
        self._database = process_of(postgres)
        assert shops.stdout is not None
        self._places = json.loads(shops.stdout.readline())

    def order(self, do: str, **given: Any) -> Any:
        """Tell the stand-ins' process something (see `server`)."""
        assert self._shops.stdin is not None and self._shops.stdout is not None
        self._shops.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self._shops.stdin.flush()
        return json.loads(self._shops.stdout.readline())

    @property
    def places(self) -> dict[str, Any]:
        """What the stand-ins' process said at its start."""
        return dict(self._places)

    def run(self, mode: str, entity: str = "products") -> Run:
        self.order("tally")
        done = Run()
        job = {"mode": mode, "entity": entity, "run_id": f"{entity}/{next(_numbers):04d}"}
        feeds: dict[str, Any] = {}
        for system in SYSTEMS:
            step = self._step(f"extract_{system}", {**job, "step": "extract", "system": system})
            feeds |= step.result
            done.steps.append(step)
        job = {**job, "feeds": feeds}
        done.steps.append(self._step("transform", {**job, "step": "transform"}))
        plan = self._step("plan", {**job, "step": "plan"})
        done.steps.append(plan)
        for batch in plan.result["to_load"]:
            done.steps.append(self._step(f"load[{batch}]", {**job, "step": "load", "batch": batch}))
        done.steps.append(self._step("audit", {**job, "step": "audit"}))
        return done

    def _step(self, name: str, job: dict[str, Any]) -> Step:
        places = {
            "places": {system: self._places[system] for system in SYSTEMS},
            "settings": self._places["settings"],
        }
        task = {**job, **places, "ledger": self._ledger_url, "staging": str(self._folder / "staging")}
        return measured(name, task, self._folder, self._database, lambda: self.order("tally"))


def measured(
    name: str,
    job: Mapping[str, Any],
    folder: Path,
    database: psutil.Process,
    tally: Callable[[], Tally] = lambda: {system: {} for system in SYSTEMS},
) -> Step:
    """One step in a process of its own, and what it used. `database`: the server of its ledger."""
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    before = _cpu(database)
    environment = {**os.environ, "AIRFLOW_HOME": str(folder / "airflow"), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "tests.benchmarks.step", str(path)]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    told = json.loads(path.read_text())
    time.sleep(BACKENDS_END)
    return Step(
        name=name,
        seconds=told["seconds"],
        cpu=told["cpu"],
        start_cpu=told["start_cpu"],
        database_cpu=_cpu(database) - before,
        peak=told["peak"],
        requests=tally(),
        result=told["result"],
    )


@contextmanager
def bench_of(
    size: int, postgres: EmbeddedPostgres, ledger_url: str, folder: Path, server: str = "server"
) -> Iterator[Bench]:
    """The stand-ins of a module of this package (`server`: a shop of `size` products online, an empty till), and an
    empty ledger."""
    command = [sys.executable, "-m", f"tests.benchmarks.{server}", str(size)]
    shops = subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield Bench(shops, postgres, ledger_url, folder)
    finally:
        assert shops.stdin is not None and shops.stdout is not None
        shops.stdin.close()
        try:
            shops.wait(20)
        except subprocess.TimeoutExpired:
            shops.kill()
            shops.wait()
        shops.stdout.close()


def process_of(postgres: EmbeddedPostgres) -> psutil.Process:
    """The server itself; its children are its connections."""
    pid = int((postgres.data_dir / "postmaster.pid").read_text().splitlines()[0])
    return psutil.Process(pid)


def _cpu(process: psutil.Process) -> float:
    """CPU seconds of a server with its children, those that have ended included."""
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += own.user + own.system
    return float(total)
