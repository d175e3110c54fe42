"""The console as Airflow's API server mounts it: Airflow's users and their rights, its runs, this ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retail_sync.pipeline.runtime.entities import ENTITIES
from retail_sync.pipeline.web.lazy_app import App, Remembered

if TYPE_CHECKING:
    from starlette.requests import Request

    from retail_sync.console.ports import Person
    from retail_sync.records.sealing import Seal

ACTED_ON = (*(one.id for one in ENTITIES), "reconcile")
"""DAGs that the console starts."""


def open_console() -> App:
    """The console of this Airflow. Raises ConfigurationFault where the ledger can't be opened."""
    from airflow.configuration import conf

    from retail_sync.console.app import console_app
    from retail_sync.console.ports import Ports
    from retail_sync.ledger.ledger import Ledger
    from retail_sync.ledger.limits import SERVING
    from retail_sync.pipeline.runtime.context import staging_root
    from retail_sync.pipeline.web.public import base_host, base_path
    from retail_sync.settings.loader import load_settings
    from retail_sync.sync.engine.staging import Staging

    ledger = Ledger.open(limits=SERVING)
    settings = Remembered(load_settings, seconds=5.0)

    def seal() -> Seal:
        from retail_sync.pipeline.runtime.secrets import seal_of

        return seal_of(ledger, settings())

    return console_app(
        Ports(
            person=person,
            ledger=lambda: ledger,
            settings=settings,
            start=start,
            staging=lambda run_id: Staging(staging_root(), run_id, ledger.checkpoints),
            secret=conf.get("api", "secret_key"),
            seal=seal,
            airflow=base_path(),
            host=base_host(),
        )
    )


async def person(request: Request) -> Person:
    """Who asks, by Airflow's own session or token, with what its auth manager lets them see and start. Raises Refused:
    401 where nobody is signed in, 403 where somebody may look at no run of ours."""
    import asyncio

    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
    from fastapi import HTTPException

    from retail_sync.console.ports import Person, Refused

    try:
        user = await get_user(request, None, await bearer_scheme(request))
    except HTTPException as refusal:
        raise Refused(401 if refusal.status_code == 401 else 403) from None
    sees, acts = await asyncio.to_thread(_rights, user)
    if not sees:
        raise Refused(403)
    return Person(str(user.get_name()), sees, acts)


def _rights(user: Any) -> tuple[frozenset[str], frozenset[str]]:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

    manager = get_auth_manager()

    def may(method: Any, dag_id: str) -> bool:
        return bool(
            manager.is_authorized_dag(
                method=method, access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
            )
        )

    sees = frozenset(one for one in ACTED_ON if may("GET", one))
    return sees, frozenset(one for one in sees if may("POST", one))


def start(dag_id: str, params: Mapping[str, Any], who: Person) -> str:
    """Start a run of a DAG in a person's name; its id in Airflow. Raises CannotStart where the DAG is paused, is not
    there, or does not take these params. `trigger_dag` is not public API: nothing else here knows it."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.models.dag import DagModel
    from airflow.sdk.exceptions import AirflowException, ParamValidationError
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType

    from retail_sync.console.ports import CannotStart

    with create_session() as session:
        dag = DagModel.get_current(dag_id, session=session)
        if dag is None:
            raise CannotStart(f"Airflow has no DAG {dag_id}. Look at its import errors.")
        if dag.is_paused:
            raise CannotStart(f"The DAG {dag_id} is paused. Unpause it in Airflow, then press again.")
    try:
        run = trigger_dag(
            dag_id,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=who.name,
            conf=dict(params),
            note=f"Started from the console by {who.name}.",
        )
    except (AirflowException, ParamValidationError, ValueError) as problem:
        raise CannotStart(f"The DAG {dag_id} refused these params: {problem}") from None
    if run is None:
        raise CannotStart(f"Airflow started no run of {dag_id}. Look at the log of the API server.")
    return str(run.run_id)
