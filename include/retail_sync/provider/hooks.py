"""The hooks of both connection types: what the Test button does.

They open no door for tasks: those use `retail_sync.pipeline.runtime.connectors`, which shares budgets, tokens and the
audit trail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from airflow.sdk import BaseHook

from retail_sync.records.errors import SyncError

SECONDS = 20.0


class _TestableHook(BaseHook):
    """A hook whose connection can be tried out. Results are sentences for the person at the form."""

    conn_name_attr = "connection_id"
    default_conn_name: str

    def __init__(self, connection_id: str | None = None, **_: Any) -> None:
        super().__init__()
        self.connection_id = connection_id or self.default_conn_name

    def get_conn(self) -> Any:
        """The connection as the adapter reads it, validated. Raises ConfigurationFault."""
        raise NotImplementedError

    def test_connection(self) -> tuple[bool, str]:
        """Whether the connection works, and a sentence that says what was found or what to do."""
        try:
            return True, asyncio.run(_in_time(self._try_out(self.get_conn())))
        except SyncError as problem:
            return False, str(problem)
        except TimeoutError:
            return False, f"No answer within {SECONDS:.0f} seconds. What to do: check the URL, and try again."

    async def _try_out(self, connection: Any) -> str:
        raise NotImplementedError


class CommercetoolsHook(_TestableHook):
    """Tries the credentials and reads the project."""

    default_conn_name = "commercetools_default"
    conn_type = "commercetools"
    hook_name = "commercetools"

    def get_conn(self) -> Any:
        from retail_sync.commercetools.api.connection import CommercetoolsConnection

        found = self.get_connection(self.connection_id)
        return CommercetoolsConnection.from_airflow_fields(
            found.host, found.login, found.password, found.schema, found.extra_dejson
        )

    async def _try_out(self, connection: Any) -> str:
        from retail_sync.commercetools.api.client import CommercetoolsClient
        from retail_sync.settings.models.limits import CommercetoolsLimits
        from retail_sync.transport.budget import Unlimited

        limits = CommercetoolsLimits(timeout_seconds=SECONDS, retries=0)
        async with CommercetoolsClient(connection, limits, sink=_Nowhere(), budget=Unlimited()) as client:
            project = (await client.get("")).json()
        name = project.get("name") or connection.project_key
        return f"Connected to the project {name} ({connection.project_key}). Run preflight to check everything else."


class LightspeedHook(_TestableHook):
    """Reads the store with the personal token; OAuth credentials are only checked for completeness."""

    default_conn_name = "lightspeed_default"
    conn_type = "lightspeed"
    hook_name = "Lightspeed Retail"

    def get_conn(self) -> Any:
        from retail_sync.lightspeed.connection import from_airflow_fields

        found = self.get_connection(self.connection_id)
        return from_airflow_fields(found.host, found.login, found.password, found.extra_dejson)

    async def _try_out(self, connection: Any) -> str:
        from retail_sync.lightspeed.series import series_of
        from retail_sync.settings.models import SyncSettings
        from retail_sync.settings.models.limits import LightspeedLimits, Limits
        from retail_sync.transport.budget import Unlimited

        if not connection.personal_token:
            # A refresh token can be used once: trying it here, without the ledger's lock, would spend it.
            return (
                f"The fields for {connection.host} are complete. Not tried out: a refresh token is spent by its use. "
                "Run preflight, which refreshes it and keeps the next one."
            )
        settings = SyncSettings(
            limits=Limits(lightspeed=LightspeedLimits(timeout_seconds=SECONDS, retries=0))
        )
        series = series_of(connection)
        name = await series.store_name(connection, settings, sink=_Nowhere(), budget=Unlimited())
        return f"Connected to the store {name or connection.host}. Run preflight to check everything else."


class _Nowhere:
    """An exchange sink that keeps nothing: a trial belongs to no run."""

    def record(self, exchange: Any) -> None:
        return None


async def _in_time(trial: Awaitable[str]) -> str:
    async with asyncio.timeout(SECONDS):
        return await trial


__all__ = ["CommercetoolsHook", "LightspeedHook"]
