"""What a task works with: ledger, settings, staging and adapters, opened from Airflow's context and closed again."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Run
from retail_sync.pipeline.runtime.configured import require_one_configuration
from retail_sync.pipeline.runtime.connectors import Access, find_connection
from retail_sync.pipeline.runtime.entities import ENTITIES
from retail_sync.pipeline.runtime.runs import as_seen, ledger_run_id, order_of
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.errors import ConfigurationFault, ProtocolFault
from retail_sync.records.ports.products import ProductSystem, SystemName
from retail_sync.settings.loader import load_settings
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.ruling import refuse_addresses
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.staging import Staging

STAGING_VARIABLE = "RETAIL_SYNC_STAGING"
DATED = frozenset(one.id for one in ENTITIES if one.dated)
STAGING_FOLDER = "retail-sync-runs"
"""Runs are staged below this name, so that clearing up can never touch anything else that shares the store."""


@dataclass(frozen=True)
class Bench:
    """One task's work place. `task` names it in exchanges; `order` is what the run was asked to do."""

    run_id: str
    task: str
    order: RunRequest
    settings: SyncSettings
    ledger: Ledger
    staging: Staging
    asked_by: str = "somebody"
    """Airflow's name of the person who triggered the run; of a run by the schedule, what runs it."""

    @asynccontextmanager
    async def systems(
        self, access: Access, *, prepared: bool = True
    ) -> AsyncIterator[Mapping[str, ProductSystem]]:
        """The adapters of all systems in `access`, open; their exchanges are logged under this run and task."""
        async with AsyncExitStack() as stack:
            sink = stack.enter_context(self.ledger.exchange_sink(self.run_id, self.task))
            opened: dict[str, ProductSystem] = {}
            for system in access.connections:
                adapter = await stack.enter_async_context(access.open(system, sink))
                if prepared:
                    await adapter.prepare()
                opened[system] = adapter
            yield opened

    def writing(self, entity: str) -> AbstractContextManager[None]:
        """As the one worker that writes the entity now. Raises LeaseHeld while another one may still be writing."""
        return self.ledger.leases.taken(entity, f"{self.task} of {self.run_id}")

    def access(self, *systems: SystemName) -> Access:
        return Access.of(self.settings, self.ledger, *systems)


@contextmanager
def bench_of(
    context: Mapping[str, Any],
    entity: str,
    order: RunRequest | None = None,
    *,
    settled: bool = False,
    first: bool = False,
) -> Iterator[Bench]:
    """The work place of the task in Airflow's `context`. The run is opened in the ledger, or taken up again; not where
    the task only looks back on a `settled` run. `first`: the task begins the run (see `Runs.begin_anew`).

    Raises ConfigurationFault for settings, params or a ledger that can't be used.
    """
    dag_run, instance = context["dag_run"], context["ti"]
    order = order or order_of(context["params"], dated=entity in DATED)
    if entity == CUSTOMERS:
        # Before anything is stored of the run.
        refuse_addresses([*order.keys, *order.approve, *order.reject, order.plan])
    run_id = ledger_run_id(dag_run.dag_id, dag_run.run_id, entity)
    asked_by = getattr(dag_run, "triggering_user_name", None) or "the scheduler"
    settings = load_settings()
    # Two lines of Alembic's at every look at the tables' version tell a reader of the log nothing.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    with Ledger.open() as ledger:
        if first:
            # With what the old run of that name had read goes the configuration it had.
            ledger.runs.begin_anew(run_id)
        require_one_configuration(ledger, run_id, settings)
        if order.plan:
            order = as_seen(order, _dry_run(ledger, order.plan), entity, dated=entity in DATED)
        if not settled:
            ledger.open_run(
                run_id,
                entity,
                dag_id=dag_run.dag_id,
                airflow_run_id=dag_run.run_id,
                mode=order.mode,
                params={**order.as_params(), "asked_by": asked_by},
            )
        yield Bench(
            run_id,
            task_name(instance),
            order,
            settings,
            ledger,
            Staging(staging_root(), run_id, ledger.checkpoints),
            asked_by=asked_by,
        )


def _dry_run(ledger: Ledger, run_id: str) -> Run:
    try:
        return ledger.run(run_id)
    except ProtocolFault:
        raise ConfigurationFault(
            f"`plan` is {run_id!r}, and the ledger has no such run.",
            remedy="Give the id of a dry run as the console shows it, such as products/manual__2026-01-31T09:00:00.",
        ) from None


def task_name(instance: Any) -> str:
    """`load[2]` for the third instance of a mapped task, `plan` for a plain one."""
    index = getattr(instance, "map_index", -1)
    return str(instance.task_id) if index is None or index < 0 else f"{instance.task_id}[{index}]"


def staging_root() -> ObjectStoragePath:
    """Where runs are staged: RETAIL_SYNC_STAGING (a folder or any storage URL Airflow's providers know), else a folder
    in AIRFLOW_HOME, which suits one machine only."""
    named = os.environ.get(STAGING_VARIABLE, "").strip()
    if not named:
        home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()
        named = (home / "staging").as_uri()
    elif "://" not in named:
        named = Path(named).expanduser().absolute().as_uri()
    try:
        root = ObjectStoragePath(named) / STAGING_FOLDER
        # Without it the provider would fall back to the credentials of the worker, and not say so.
        if root.conn_id and find_connection(root.conn_id) is None:
            raise ConfigurationFault(
                f"{STAGING_VARIABLE} names the connection {root.conn_id!r}, which does not exist.",
                remedy="Make that connection in Airflow, or leave it out to use the credentials of the workers.",
            )
        # Opened here, before any event loop runs: amazon's file system can't be opened inside one.
        assert root.fs is not None
    except (ValueError, ImportError) as problem:
        raise ConfigurationFault(
            f"{STAGING_VARIABLE} names {named!r}, which can't be opened: {problem}.",
            remedy="Use a folder, or install the Airflow provider of that store (amazon, google, microsoft-azure) with "
            "what it needs for files: s3fs for s3://, gcsfs for gs://, adlfs for abfs://.",
        ) from problem
    return root
