"""One step of a run as a task of its own: `python -m tests.benchmarks.step job.json` in a new process.

Opens what a task opens (ledger, staging, adapters with the shared request budget and the exchange log) and calls the
engine as the task does. Airflow's SDK is imported, as it is in a task; only the task runner itself is not there.
Beside the result it writes what the process used.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.commercetools.connection import CommercetoolsConnection
from include.ledger.ledger import Ledger
from include.lightspeed.connection import LightspeedConnection
from include.pipeline.context import Bench
from include.pipeline.runs import Order
from include.pipeline.systems import Access
from include.records.face import SYSTEMS
from include.settings.models import SyncSettings
from include.sync import applying, auditing, extracting, preparing
from include.sync.staging import Staging

Job = Mapping[str, Any]


def run(job: Job) -> Any:
    settings = SyncSettings.model_validate(job["settings"])
    with Ledger.open(job["ledger"]) as ledger:
        order = Order(mode=job["mode"])
        ledger.open_run(
            job["run_id"],
            "products",
            dag_id="products",
            airflow_run_id=job["run_id"],
            mode=order.mode,
            params={},
        )
        staging = Staging(Path(job["staging"]), job["run_id"])
        bench = Bench(job["run_id"], job["step"], order, settings, ledger, staging)
        return asyncio.run(_STEPS[job["step"]](bench, job))


def _access(bench: Bench, job: Job, *systems: str) -> Access:
    online, till = job["places"]["commercetools"], job["places"]["lightspeed"]
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
    return Access({s: connections[s] for s in systems}, bench.settings, bench.ledger)  # type: ignore[misc]


async def _extract(bench: Bench, job: Job) -> Any:
    system = job["system"]
    async with bench.systems(_access(bench, job, system)) as systems:
        found = await extracting.extract(bench.ledger, bench.staging, systems[system], full=bench.order.full)
    return found.as_dict()


async def _transform(bench: Bench, job: Job) -> Any:
    async with bench.systems(_access(bench, job, *SYSTEMS)) as systems:
        for system in SYSTEMS:
            preparing.transform(bench.staging, systems[system], job["extracts"][system]["pages"])


async def _plan(bench: Bench, job: Job) -> Any:
    async with bench.systems(_access(bench, job, *SYSTEMS), prepared=False) as systems:
        summary = preparing.prepare_plan(
            bench.ledger,
            bench.staging,
            dict(systems),
            bench.settings,
            now=datetime.now(UTC),
            dry_run=False,
            swept_since=bench.ledger.run(bench.run_id).started_at if bench.order.full else None,
        )
    to_do = bench.ledger.changes.read(bench.run_id, outcome="planned")
    return {**summary.as_dict(), "to_load": sorted({change.batch for change in to_do})}


async def _load(bench: Bench, job: Job) -> Any:
    to_do = bench.ledger.changes.read(bench.run_id, batch=job["batch"], outcome="planned")
    targets = {change.system for change in to_do}
    async with bench.systems(_access(bench, job, *(s for s in SYSTEMS if s in targets))) as systems:
        found = await applying.apply_batch(
            bench.ledger,
            systems,
            bench.settings,
            bench.run_id,
            job["batch"],
            seen_cursors={s: job["extracts"][s]["cursor"] for s in targets},
        )
    return found.outcomes


async def _audit(bench: Bench, job: Job) -> Any:
    found = auditing.audit(
        bench.ledger,
        bench.staging,
        bench.settings,
        cursors={s: job["extracts"][s]["cursor"] for s in SYSTEMS},
        dry_run=False,
        full=bench.order.full,
        limited=False,
    )
    return found.accounts.as_dict()


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
