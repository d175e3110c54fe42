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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.ledger.ledger import Ledger
from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.secrets import token_key
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.context import Connect, RunContext
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.run import EntityRun, Extracts
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.registry import entity_of

Job = Mapping[str, Any]


def _connect(places: Mapping[str, Any]) -> Connect:
    """Connections come from the job instead of from Airflow."""
    online, till = places["commercetools"], places["lightspeed"]
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

    def connect(context: RunContext, systems: Sequence[SystemName]) -> Access:
        wanted = {system: connections[system] for system in systems}
        return Access(wanted, context.settings, context.ledger, context.run_id, context.task)

    return connect


def run(job: Job) -> Any:
    settings = SyncSettings.model_validate(job["settings"])
    entity, step, run_id = job["entity"], job["step"], job["run_id"]
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    with Ledger.open(job["ledger"]) as ledger:
        request = RunRequest(mode=job["mode"])
        ledger.runs.open(
            run_id,
            entity,
            dag_id=entity,
            airflow_run_id=run_id,
            mode=request.mode,
            params=request.as_params(),
        )
        staging = Staging(Path(job["staging"]), run_id, ledger.checkpoints)
        connect = _connect(job["places"])
        context = RunContext(run_id, step, request, settings, ledger, staging, connect, token_key)
        return _STEPS[step](EntityRun(context, entity_of(entity), _silent), job)


def _silent(*_lines: str) -> None:
    return


def _extracts(job: Job) -> Extracts:
    """`job["feeds"]`: what both steps of reading gave, by feed."""
    return {system: {"feeds": job["feeds"]} for system in SYSTEMS}


def _extract(run: EntityRun, job: Job) -> Any:
    return run.extract(job["system"])["feeds"]


def _transform(run: EntityRun, job: Job) -> Any:
    run.transform(_extracts(job))


def _plan(run: EntityRun, job: Job) -> Any:
    planned = run.plan(_extracts(job))
    return {**planned.summary, "to_load": planned.batches}


def _load(run: EntityRun, job: Job) -> Any:
    return run.load(job["batch"], _extracts(job))


def _audit(run: EntityRun, job: Job) -> Any:
    run.settle(_extracts(job))
    return dict(run.context.ledger.runs.get(run.context.run_id).accounts)


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
