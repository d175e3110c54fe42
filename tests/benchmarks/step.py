"""One step of a run as a task of its own: `python -m tests.benchmarks.step job.json` in a new process.

Opens what a task opens (ledger, staging, adapters with the shared request budget and the exchange log) and calls the
entity's engine as the task does. Airflow's SDK is imported, as it is in a task; only the task runner itself is not
there. Beside the result it writes what the process used.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.ledger.ledger import Ledger
from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.context import Bench
from retail_sync.pipeline.tasks.entity import engine_of
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.staging import Staging

Job = Mapping[str, Any]


@dataclass(frozen=True)
class Place(Bench):
    """A work place whose connections come from the job instead of from Airflow."""

    places: Mapping[str, Any] = field(default_factory=dict)

    def access(self, *systems: SystemName) -> Access:
        online, till = self.places["commercetools"], self.places["lightspeed"]
        connections: dict[Any, Any] = {
            "commercetools": CommercetoolsConnection(
                api_url=online["url"],
                auth_url=online["url"],
                project_key=online["project_key"],
                client_id=online["client_id"],
                client_secret=online["client_secret"],
            ),
            "lightspeed": LightspeedConnection(store_url=till["url"], personal_token=till["token"]),
        }
        return Access({s: connections[s] for s in systems}, self.settings, self.ledger)


def run(job: Job) -> Any:
    settings = SyncSettings.model_validate(job["settings"])
    entity, step, run_id = job["entity"], job["step"], job["run_id"]
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    with Ledger.open(job["ledger"]) as ledger:
        order = RunRequest(mode=job["mode"])
        ledger.open_run(
            run_id, entity, dag_id=entity, airflow_run_id=run_id, mode=order.mode, params=order.as_params()
        )
        staging = Staging(Path(job["staging"]), run_id, ledger.checkpoints)
        bench = Place(run_id, step, order, settings, ledger, staging, places=job["places"])
        return _STEPS[step](bench, entity, job)


def _extract(bench: Bench, entity: str, job: Job) -> Any:
    return {one["system"]: one for one in engine_of(entity).extract(bench, job["system"])}


def _transform(bench: Bench, entity: str, job: Job) -> Any:
    engine_of(entity).transform(bench, job["feeds"])


def _plan(bench: Bench, entity: str, job: Job) -> Any:
    bench.ledger.set_windows(bench.run_id, {name: one["window"] for name, one in job["feeds"].items()})
    planned = engine_of(entity).plan(bench, job["feeds"])
    return {**planned.summary, "to_load": sorted(bench.ledger.changes.open_batches(bench.run_id))}


def _load(bench: Bench, entity: str, job: Job) -> Any:
    with bench.writing(entity):
        return engine_of(entity).load(bench, job["batch"], job["feeds"])


def _audit(bench: Bench, entity: str, job: Job) -> Any:
    engine_of(entity).audit(bench, job["feeds"])
    return dict(bench.ledger.run(bench.run_id).accounts)


_STEPS = {"extract": _extract, "transform": _transform, "plan": _plan, "load": _load, "audit": _audit}


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_bytes() -> int:
    """The most memory this process held. `ru_maxrss` would also count what its parent held when it started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    path = Path(sys.argv[1])
    job = json.loads(path.read_text())
    started, imports = time.perf_counter(), cpu_seconds()
    result = run(job)
    told = {
        "result": result,
        "seconds": time.perf_counter() - started,
        "cpu": cpu_seconds() - imports,
        "start_cpu": imports,
        "peak": peak_bytes(),
    }
    path.write_text(json.dumps(told, default=str))


if __name__ == "__main__":
    main()
