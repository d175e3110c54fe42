"""What a task works with: ledger, settings, staging and adapters, opened from Airflow's context and closed again."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import Run
from retail_sync.pipeline.runtime.configured import require_one_configuration
from retail_sync.pipeline.runtime.connectors import Access, find_connection
from retail_sync.pipeline.runtime.entities import ENTITIES
from retail_sync.pipeline.runtime.runs import as_seen, ledger_run_id, order_of
from retail_sync.pipeline.runtime.secrets import token_key
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.errors import ConfigurationFault, ProtocolFault
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.loader import load_settings
from retail_sync.sync.customers.ruling import refuse_addresses
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.staging import Staging

STAGING_VARIABLE = "RETAIL_SYNC_STAGING"
DATED = frozenset(one.id for one in ENTITIES if one.dated)
STAGING_FOLDER = "retail-sync-runs"
"""Runs are staged below this name, so that clearing up can never touch anything else that shares the store."""


def _connect(context: RunContext, systems: Sequence[SystemName]) -> Access:
    return Access.of(context.settings, context.ledger, *systems, run_id=context.run_id, task=context.task)


@contextmanager
def run_context(
    context: Mapping[str, Any],
    entity: str,
    request: RunRequest | None = None,
    *,
    settled: bool = False,
    first: bool = False,
) -> Iterator[RunContext]:
    """The work place of the task in Airflow's `context`. The run is opened in the ledger, or taken up again; not where
    the task only looks back on a `settled` run. `first`: the task begins the run (see `Runs.begin_anew`).

    Raises ConfigurationFault for settings, params or a ledger that can't be used.
    """
    dag_run, instance = context["dag_run"], context["ti"]
    request = request or order_of(context["params"], dated=entity in DATED)
    if entity == CUSTOMERS:
        # Before anything is stored of the run.
        refuse_addresses([*request.keys, *request.approve, *request.reject, request.plan])
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
        if request.plan:
            request = as_seen(request, _dry_run(ledger, request.plan), entity, dated=entity in DATED)
        if not settled:
            ledger.runs.open(
                run_id,
                entity,
                purpose=request.purpose,
                dag_id=dag_run.dag_id,
                airflow_run_id=dag_run.run_id,
                mode=request.mode,
                params={**request.as_params(), "asked_by": asked_by},
            )
        yield RunContext(
            run_id,
            task_name(instance),
            request,
            settings,
            ledger,
            Staging(staging_root(), run_id, ledger.checkpoints),
            _connect,
            token_key,
            triggered_by=asked_by,
        )


def _dry_run(ledger: Ledger, run_id: str) -> Run:
    try:
        return ledger.runs.get(run_id)
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
