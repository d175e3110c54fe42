"""One factory for the DAG of every entity: extract both sides, transform, plan, load in batches, audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    DeadlineAlert,
    DeadlineReference,
    SyncCallback,
    TriggerRule,
    result,
    task,
)

from include.pipeline.entities import COMMERCETOOLS_POOL, LIGHTSPEED_POOL, TAG, Entity, entity
from include.pipeline.notifying import tell_of_failure, tell_of_old_data
from include.pipeline.params import entity_params
from include.pipeline.retrying import FIRST_DELAY, RETRIES, SyncRetries
from include.pipeline.schedules import minutes_until_old, schedule_of

START = datetime(2026, 1, 1, tzinfo=UTC)
TASKS_BEFORE_AUDIT = ("extract_commercetools", "extract_lightspeed", "transform", "plan", "load")
LOAD_BATCHES_AT_ONCE = 1
"""Batches of one run share lookups in the target (brands, tags) and its rate limit; within a batch requests run side
by side already."""


def task_defaults() -> dict[str, Any]:
    """What holds for every task of this package."""
    return {
        "owner": TAG,
        "retries": RETRIES,
        "retry_delay": FIRST_DELAY,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": SyncRetries(),
        "execution_timeout": timedelta(hours=1),
    }


def entity_dag(entity_id: str, doc: str) -> DAG:
    """The DAG that keeps one entity in sync. `doc`: the DAG file's docstring, shown in the UI."""
    one = entity(entity_id)
    dag = DAG(
        dag_id=one.id,
        dag_display_name=one.title,
        description=f"{one.title} between commercetools and Lightspeed",
        doc_md=doc,
        schedule=_schedule(one),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        tags={TAG, "sync"},
        default_args=task_defaults(),
        params=entity_params(one),
        render_template_as_native_obj=True,
        deadline=_deadline(one),
    )
    with dag:
        _tasks(one)
    return dag


def _schedule(one: Entity) -> Any:
    """The cron schedule, and at once when the doorbell rings."""
    doorbell = Asset(one.doorbell)
    cron = schedule_of(one.schedule)
    if cron is None:
        return [doorbell]
    return AssetOrTimeSchedule(timetable=CronTriggerTimetable(cron, timezone="UTC"), assets=[doorbell])


def _deadline(one: Entity) -> DeadlineAlert:
    minutes = minutes_until_old()
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=SyncCallback(tell_of_old_data, kwargs={"dag_id": one.id, "minutes": minutes}),
        name=f"{one.id}: data gets old",
    )


def _tasks(one: Entity) -> None:
    name = one.id

    @task(pool=COMMERCETOOLS_POOL, multiple_outputs=False, execution_timeout=timedelta(hours=4))
    def extract_commercetools() -> dict[str, Any]:
        """Read the window of commercetools into staging, page by page."""
        from include.pipeline import steps

        return steps.extract(name, "commercetools")

    @task(pool=LIGHTSPEED_POOL, multiple_outputs=False, execution_timeout=timedelta(hours=4))
    def extract_lightspeed() -> dict[str, Any]:
        """Read the window of Lightspeed into staging, page by page."""
        from include.pipeline import steps

        return steps.extract(name, "lightspeed")

    @task(multiple_outputs=False)
    def transform(commercetools: Mapping[str, Any], lightspeed: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Map both systems' pages to canonical tables."""
        from include.pipeline import steps

        return steps.transform(name, {"commercetools": commercetools, "lightspeed": lightspeed})

    @task
    def plan(commercetools: Mapping[str, Any], lightspeed: Mapping[str, Any]) -> list[int]:
        """Compare both sides with what they last agreed on, and write the plan down. Gives the batches to load."""
        from include.pipeline import steps

        return steps.plan(name, {"commercetools": commercetools, "lightspeed": lightspeed})

    @task(
        pool=LIGHTSPEED_POOL,
        multiple_outputs=False,
        execution_timeout=timedelta(hours=4),
        max_active_tis_per_dagrun=LOAD_BATCHES_AT_ONCE,
    )
    def load(batch: int, commercetools: Mapping[str, Any], lightspeed: Mapping[str, Any]) -> dict[str, int]:
        """Write one batch of the plan."""
        from include.pipeline import steps

        return steps.load(name, batch, {"commercetools": commercetools, "lightspeed": lightspeed})

    @result
    @task(
        trigger_rule=TriggerRule.ALL_DONE,
        multiple_outputs=False,
        outlets=[Asset(one.synced)],
        on_failure_callback=tell_of_failure,
    )
    def audit(
        commercetools: Mapping[str, Any] | None, lightspeed: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Settle the run: holds and cursors together, accounts that add up. Runs whatever happened before."""
        from include.pipeline import steps

        extracts = {"commercetools": commercetools, "lightspeed": lightspeed}
        return steps.audit(name, extracts, TASKS_BEFORE_AUDIT)

    online, till = extract_commercetools(), extract_lightspeed()
    planned = plan(online, till)
    transform(online, till) >> planned
    loaded = load.partial(commercetools=online, lightspeed=till).expand(batch=planned)
    loaded >> audit(online, till)
