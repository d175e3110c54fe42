"""The `subscribe` DAG: both systems tell of changes as the configuration wants it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, TriggerRule, result, task

from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.dags.params import HOW
from retail_sync.pipeline.runtime.notifications import tell_of_failure
from retail_sync.pipeline.runtime.schedules import schedule_of

SIDES = ("commercetools", "lightspeed")


def subscribe_dag(doc: str) -> DAG:
    """`doc`: the DAG file's docstring, shown in the UI."""
    dag = new_dag(
        "subscribe",
        "Subscribe",
        "Webhooks and subscriptions: compared with the configuration, and mended",
        tag="realtime",
        doc=doc,
        schedule=schedule_of("subscribe"),
        defaults={"execution_timeout": timedelta(minutes=15)},
        params={
            "dry_run": Param(
                False,
                type="boolean",
                title="Dry run",
                description="Compare and report; create, change and delete nothing.",
                section=HOW,
            ),
        },
    )
    with dag:
        _tasks()
    return dag


def _tasks() -> None:
    # No pools here, as in preflight: this DAG is run before anything else of near real time works.
    @task(multiple_outputs=False)
    def commercetools() -> list[dict[str, Any]]:
        """Compare the subscription of commercetools with the configuration, and mend it."""
        from retail_sync.pipeline.tasks import subscribe as subscribing

        return subscribing.subscribe("commercetools")

    @task(multiple_outputs=False)
    def lightspeed() -> list[dict[str, Any]]:
        """Compare the webhooks of Lightspeed with the configuration, and mend them."""
        from retail_sync.pipeline.tasks import subscribe as subscribing

        return subscribing.subscribe("lightspeed")

    @result
    @task(trigger_rule=TriggerRule.ALL_DONE, multiple_outputs=False, on_failure_callback=tell_of_failure)
    def report(
        commercetools: list[dict[str, Any]] | None, lightspeed: list[dict[str, Any]] | None
    ) -> dict[str, Any]:
        """One table of both sides; fails where a person must do something."""
        from retail_sync.pipeline.tasks import subscribe as subscribing

        return subscribing.report({"commercetools": commercetools, "lightspeed": lightspeed}, SIDES)

    online: Any = commercetools()
    till: Any = lightspeed()
    report(online, till)
