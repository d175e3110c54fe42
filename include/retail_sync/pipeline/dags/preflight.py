"""The `preflight` DAG: bring the ledger's tables up to date, then look at everything a run will need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, TriggerRule, result, task

from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.runtime.notifications import tell_of_failure
from retail_sync.pipeline.runtime.schedules import schedule_if_any


def preflight_dag(doc: str) -> DAG:
    """`doc`: the DAG file's docstring, shown in the UI."""
    dag = new_dag(
        "preflight",
        "Preflight",
        "Connections, scopes, every mapped name, ledger and staging",
        tag="care",
        doc=doc,
        schedule=schedule_if_any("preflight"),
        defaults={"execution_timeout": timedelta(minutes=15)},
    )
    with dag:
        _tasks()
    return dag


def _tasks() -> None:
    @task
    def migrate_ledger() -> str:
        """Bring the ledger's tables to the version this package works with. Nothing else does this."""
        from retail_sync.pipeline.tasks import preflight as checking

        return checking.migrate_ledger()

    @task(trigger_rule=TriggerRule.ALL_DONE, multiple_outputs=False)
    def check_house() -> list[dict[str, str]]:
        """Configuration, ledger, staging."""
        from retail_sync.pipeline.tasks import preflight as checking

        return checking.check_house()

    # No pools here: with a missing pool a task would wait for ever, and this DAG is what people run first.
    @task(trigger_rule=TriggerRule.ALL_DONE, multiple_outputs=False)
    def check_commercetools() -> list[dict[str, str]]:
        """Connection, scopes, catalogue and every mapped name in commercetools."""
        from retail_sync.pipeline.tasks import preflight as checking

        return checking.check_system("commercetools")

    @task(trigger_rule=TriggerRule.ALL_DONE, multiple_outputs=False)
    def check_lightspeed() -> list[dict[str, str]]:
        """Connection, scopes and every mapped name in Lightspeed."""
        from retail_sync.pipeline.tasks import preflight as checking

        return checking.check_system("lightspeed")

    @task(trigger_rule=TriggerRule.ALL_DONE, multiple_outputs=False)
    def check_taxes(
        commercetools: list[dict[str, str]] | None, lightspeed: list[dict[str, str]] | None
    ) -> list[dict[str, str]]:
        """Whether both systems tax the same things the same way; not looked at while one of them has errors."""
        from retail_sync.pipeline.tasks import preflight as checking

        return checking.check_taxes([commercetools, lightspeed])

    @result
    @task(trigger_rule=TriggerRule.ALL_DONE, multiple_outputs=False, on_failure_callback=tell_of_failure)
    def report(
        house: list[dict[str, str]] | None,
        commercetools: list[dict[str, str]] | None,
        lightspeed: list[dict[str, str]] | None,
        taxes: list[dict[str, str]] | None,
    ) -> dict[str, Any]:
        """One table of all findings; fails where one of them is an error."""
        from retail_sync.pipeline.tasks import preflight as checking

        return checking.report(
            {"house": house, "commercetools": commercetools, "lightspeed": lightspeed, "taxes": taxes},
            ("migrate_ledger", "check_house", "check_commercetools", "check_lightspeed", "check_taxes"),
        )

    migrated = migrate_ledger()
    online: Any = check_commercetools()
    till: Any = check_lightspeed()
    checks = [check_house(), online, till]
    migrated >> checks
    report(*checks, check_taxes(online, till))
