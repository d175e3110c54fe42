"""The `forget` DAG: erase a customer from the ledger and the staging store."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, get_current_context, result, task

from retail_sync.pipeline.dags.base import new_dag
from retail_sync.pipeline.dags.params import KEY, WHAT
from retail_sync.pipeline.runtime.entities import MOST_KEYS
from retail_sync.pipeline.runtime.notifications import tell_of_failure


def forget_dag(doc: str) -> DAG:
    """`doc`: the DAG file's docstring, shown in the UI."""
    dag = new_dag(
        "forget",
        "Forget somebody",
        "Erases a customer from the ledger and the staging store",
        tag="care",
        doc=doc,
        schedule=None,
        defaults={"on_failure_callback": tell_of_failure},
        params={
            "keys": Param(
                [],
                type="array",
                items=KEY,
                maxItems=MOST_KEYS,
                title="Customer numbers or ids",
                description="One a line. Ids or numbers of either system, never e-mail addresses.",
                section=WHAT,
            ),
            "keep_out": Param(
                True,
                type="boolean",
                title="Keep out",
                description="Remember the ids, and only them, so that the profiles take no part in the sync any more.",
                section=WHAT,
            ),
        },
    )
    with dag:

        @result
        @task(multiple_outputs=False)
        def forget() -> dict[str, Any]:
            """Erase whom the keys name, with their partners; rows touched, a table."""
            from retail_sync.pipeline.tasks import erase_customer as erasing
            from retail_sync.pipeline.tasks.entity import gathered

            return gathered(erasing.forget)(dict(get_current_context()))

        forget()
    return dag
