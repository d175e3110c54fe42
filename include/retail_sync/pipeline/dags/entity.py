"""One factory for the DAG of every entity: extract both sides, transform, plan, load in batches, audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow.sdk import (
    DAG,
    Asset,
    AssetAlias,
    AssetOrTimeSchedule,
    AsyncCallback,
    CronTriggerTimetable,
    DeadlineAlert,
    DeadlineReference,
    TriggerRule,
    result,
    task,
)

from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.dags.params import entity_params
from retail_sync.pipeline.runtime.entities import COMMERCETOOLS_POOL, LIGHTSPEED_POOL, Entity, entity
from retail_sync.pipeline.runtime.notifications import tell_of_failure, tell_of_old_data
from retail_sync.pipeline.runtime.schedules import minutes_until_old, schedule_of

if TYPE_CHECKING:
    from retail_sync.sync.engine.request import RunRequest

AT_ONCE = "at_once"
PLANNING = ("extract_commercetools", "extract_lightspeed", "transform", "plan")
Order: TypeAlias = "Callable[[], RunRequest]"
"""What a run does whatever its params say; made in its tasks, so that parsing imports nothing of the engine."""
Found = Mapping[str, Any]
"""What an extract task tells: counts, window, cursor."""
LOAD_BATCHES_AT_ONCE = 1
"""Batches of one run share lookups in the target (brands, tags) and its rate limit; within a batch requests run side
by side already."""


def entity_dag(entity_id: str, doc: str) -> DAG:
    """The DAG that keeps one entity in sync. `doc`: the DAG file's docstring, shown in the UI."""
    one = entity(entity_id)
    dag = new_dag(
        one.id,
        one.title,
        f"{one.title} between commercetools and Lightspeed",
        tag="sync",
        doc=doc,
        schedule=_schedule(one),
        params=entity_params(one),
        render_template_as_native_obj=True,
        deadline=_deadline(one),
    )
    with dag:
        first = at_once_task(one)
        planned = planning_tasks(one.id)
        first >> [planned.commercetools, planned.lightspeed]
        loaded = load_tasks(one.id, planned)
        settled = audit_task(one.id, planned, (AT_ONCE, *PLANNING, "load"), outlets=[Asset(one.synced)])
        loaded >> settled
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
        callback=AsyncCallback(tell_of_old_data, kwargs={"dag_id": one.id, "minutes": minutes}),
        name=f"{one.id}: data gets old",
    )


def at_once_task(one: Entity) -> Any:
    """The first task: does the whole run where nobody asked for it and it is small, and skips the others."""
    followers = AssetAlias(f"{one.synced}_{AT_ONCE}")

    @task.short_circuit(
        task_id=AT_ONCE,
        pool=LIGHTSPEED_POOL,
        ignore_downstream_trigger_rules=True,
        outlets=[followers],
    )
    def at_once(outlet_events: Any = None) -> bool:
        """Does all of a delta that nobody asked for, if it is small. Otherwise the tasks after it do the work."""
        from retail_sync.pipeline.tasks import entity as steps

        others_go_on = steps.at_once(one.id)
        if not others_go_on:
            outlet_events[followers].add(Asset(one.synced))
        return others_go_on

    return at_once()


@dataclass(frozen=True)
class Planned:
    """The tasks of a run up to its plan: what other tasks take from them."""

    commercetools: Any
    lightspeed: Any
    plan: Any


def planning_tasks(name: str, order: Order | None = None) -> Planned:
    """Read both sides, transform, plan. `order`: of a reconciliation."""

    @task(pool=COMMERCETOOLS_POOL, multiple_outputs=False, execution_timeout=timedelta(hours=4))
    def extract_commercetools() -> dict[str, Any]:
        """Read the window of commercetools into staging, page by page."""
        from retail_sync.pipeline.tasks import entity as steps

        return steps.extract(name, "commercetools", order and order())

    @task(pool=LIGHTSPEED_POOL, multiple_outputs=False, execution_timeout=timedelta(hours=4))
    def extract_lightspeed() -> dict[str, Any]:
        """Read the window of Lightspeed into staging, page by page."""
        from retail_sync.pipeline.tasks import entity as steps

        return steps.extract(name, "lightspeed", order and order())

    @task(multiple_outputs=False)
    def transform(commercetools: Found, lightspeed: Found) -> list[dict[str, Any]]:
        """Map both systems' pages to canonical tables."""
        from retail_sync.pipeline.tasks import entity as steps

        return steps.transform(
            name, {"commercetools": commercetools, "lightspeed": lightspeed}, order and order()
        )

    @task
    def plan(commercetools: Found, lightspeed: Found) -> list[int]:
        """Compare both sides with what they last agreed on, and write the plan down. Gives the batches to load."""
        from retail_sync.pipeline.tasks import entity as steps

        return steps.plan(name, {"commercetools": commercetools, "lightspeed": lightspeed}, order and order())

    online, till = extract_commercetools(), extract_lightspeed()
    if entity(name).in_order:
        online >> till
    planned = plan(online, till)
    transform(online, till) >> planned
    return Planned(online, till, planned)


def load_tasks(name: str, planned: Planned) -> Any:
    """Write the plan, a task a batch; skipped where there is nothing to write."""

    @task(
        pool=LIGHTSPEED_POOL,
        multiple_outputs=False,
        execution_timeout=timedelta(hours=4),
        max_active_tis_per_dagrun=LOAD_BATCHES_AT_ONCE,
    )
    def load(batch: int, commercetools: Found, lightspeed: Found) -> dict[str, int]:
        """Write one batch of the plan."""
        from retail_sync.pipeline.tasks import entity as steps

        return steps.load(name, batch, {"commercetools": commercetools, "lightspeed": lightspeed})

    return load.partial(commercetools=planned.commercetools, lightspeed=planned.lightspeed).expand(
        batch=planned.plan
    )


def audit_task(
    name: str,
    planned: Planned,
    before: Sequence[str],
    order: Order | None = None,
    outlets: Sequence[Asset] = (),
) -> Any:
    """Settle the run, whatever became of the tasks before it (`before`, whose errors it gathers)."""

    @result
    @task(
        trigger_rule=TriggerRule.ALL_DONE,
        multiple_outputs=False,
        outlets=list(outlets),
        on_failure_callback=tell_of_failure,
    )
    def audit(commercetools: Found | None, lightspeed: Found | None) -> dict[str, Any]:
        """Settle the run: holds and cursors together, accounts that add up. Runs whatever happened before."""
        from retail_sync.pipeline.tasks import entity as steps

        extracts = {"commercetools": commercetools, "lightspeed": lightspeed}
        return steps.audit(name, extracts, before, order and order())

    return audit(planned.commercetools, planned.lightspeed)
