"""Whole runs of any entity against two shops over HTTP, without Airflow: the engine's run with a test's clients."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from cryptography.fernet import Fernet

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.connector import CommercetoolsConnector
from retail_sync.commercetools.connector import closed_connector as commercetools_closed
from retail_sync.ledger.ledger import Ledger
from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.connector import XSeriesConnector
from retail_sync.lightspeed.x_series.connector import closed_connector as x_series_closed
from retail_sync.records.ports.connector import Connector
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.context import Connect, RunContext
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.run import EntityRun, Extracts
from retail_sync.sync.engine.settle import Audited
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.prices.mirror import known_standalone
from retail_sync.sync.registry import entity_of
from retail_sync.transport.budget import LocalBudget
from tests.support.leases import let_leases_run_out

if TYPE_CHECKING:
    from tests.support.worlds import World

KEY = Fernet.generate_key().decode()
"""What tests seal secrets of the ledger with."""
BACKOFF = 0.01
Meanwhile = Callable[[], None]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Meanwhiles:
    """What people do between the steps of a run. The first three: between the feeds of inventory."""

    after_entries: Meanwhile | None = None
    after_orders: Meanwhile | None = None
    after_levels: Meanwhile | None = None
    after_plan: Meanwhile | None = None


UNDISTURBED = Meanwhiles()


@dataclass(frozen=True)
class Ran:
    """What a run came to. `extracted`: by feed; `plan`: the numbers of the plan."""

    run_id: str
    extracted: Mapping[str, Any]
    plan: Any
    audited: Audited

    @property
    def accounts(self) -> Any:
        return self.audited.accounts

    @property
    def writes(self) -> int:
        return int(self.accounts.applied)


@dataclass(frozen=True)
class Doors:
    """The way to both stand-ins of a world. See `retail_sync.sync.engine.context.Access`."""

    world: World
    settings: SyncSettings
    systems: Sequence[SystemName] = SYSTEMS
    meanwhile: Meanwhiles = UNDISTURBED

    def connector(self, system: SystemName) -> AbstractAsyncContextManager[Connector]:
        return self.storefront() if system == "commercetools" else self.point_of_sale()

    def closed_storefront(self) -> CommercetoolsConnector:
        return commercetools_closed(self._commercetools, self.settings)

    def closed_point_of_sale(self) -> XSeriesConnector:
        return x_series_closed(self._lightspeed, self.settings)

    @property
    def _commercetools(self) -> CommercetoolsConnection:
        login = self.world.online.credentials()
        return CommercetoolsConnection(
            api_url=self.world.online_url,
            auth_url=self.world.online_url,
            project_key=login["project_key"],
            client_id=login["client_id"],
            client_secret=login["client_secret"],
        )

    @property
    def _lightspeed(self) -> LightspeedConnection:
        return LightspeedConnection(store_url=self.world.till_url, personal_token=self.world.till_token)

    @asynccontextmanager
    async def storefront(
        self, email_token: Callable[[str], Sequence[str]] | None = None
    ) -> AsyncIterator[CommercetoolsConnector]:
        world, connection = self.world, self._commercetools
        client = CommercetoolsClient(
            connection,
            self.settings.limits.commercetools,
            sink=world.sink,
            budget=world.budget or unlimited(),
            transport=world.network,
            backoff=BACKOFF,
            body_cap=self.settings.limits.body_bytes,
        )
        async with client:
            known = partial(known_standalone, world.ledger)
            connector = CommercetoolsConnector(client, self.settings, connection, known, email_token)
            if world.watch:
                world.watch(connector)
            if self.meanwhile.after_entries:
                stock: Any = connector.inventory
                stock.orders = _After(self.meanwhile.after_entries, stock.orders)
            yield connector

    @asynccontextmanager
    async def point_of_sale(self) -> AsyncIterator[XSeriesConnector]:
        world, connection = self.world, self._lightspeed
        client = XSeriesClient(
            connection,
            self.settings,
            sink=world.sink,
            budget=world.budget or unlimited(),
            transport=world.network,
            backoff=BACKOFF,
        )
        async with client:
            connector = XSeriesConnector(client, self.settings, connection)
            if self.meanwhile.after_orders:
                stock: Any = connector.inventory
                stock.levels = _After(self.meanwhile.after_orders, stock.levels)
            yield connector


class _After:
    """A feed that is read after something else has happened."""

    def __init__(self, happens: Meanwhile, feed: Any) -> None:
        self._happens: Meanwhile | None = happens
        self._feed = feed

    def __getattr__(self, name: str) -> Any:
        if name in ("open_window", "walk", "search") and self._happens:
            happens, self._happens = self._happens, None
            happens()
        return getattr(self._feed, name)


def doors_of(world: World, meanwhile: Meanwhiles = UNDISTURBED) -> Connect:
    """What leads the runs of a world to its stand-ins."""
    between = replace(
        meanwhile, after_entries=_once(meanwhile.after_entries), after_orders=_once(meanwhile.after_orders)
    )

    def connect(context: RunContext, systems: Sequence[SystemName]) -> Doors:
        return Doors(world, context.settings, systems, between)

    return connect


def play(
    world: World,
    entity: str,
    request: RunRequest,
    *,
    run_id: str | None = None,
    meanwhile: Meanwhiles = UNDISTURBED,
    loads: bool = True,
) -> Ran:
    """One whole run: extract, transform, plan, load, settle. Errors come out as they would in a task. The same `run_id`
    again is a retried run. `loads`: False leaves the plan unapplied, as if the worker died."""
    run = open_run(world, entity, request, connect=doors_of(world, meanwhile), run_id=run_id)
    extracts: Extracts = {system: run.extract(system) for system in SYSTEMS}
    _happen(meanwhile.after_levels)
    run.transform(extracts)
    planned = run.plan(extracts)
    _happen(meanwhile.after_plan)
    # Writing is a task of its own, which reads the file as it is by then.
    run = replace(run, context=replace(run.context, settings=world.settings))
    if loads:
        for batch in planned.batches:
            with time_passes_after_errors(world.ledger):
                run.load(batch, extracts)
    audited = run.settle(extracts)
    context = run.context
    return Ran(
        context.run_id,
        {name: SimpleNamespace(**one) for read in extracts.values() for name, one in read["feeds"].items()},
        SimpleNamespace(
            **{
                **context.staging.read_document("plan")["summary"],
                "shows": [list(one) for one in planned.shows],
            }
        ),
        audited,
    )


class Shops(Protocol):
    """What runs one after the other have in common."""

    settings: SyncSettings
    ledger: Ledger
    staging: Path
    clock_ahead: timedelta


def open_run(
    shops: Shops, entity: str, request: RunRequest, *, connect: Connect, run_id: str | None = None
) -> EntityRun:
    """A run that is begun, or a retried one again; none of its steps is done."""
    run_id = run_id or f"{entity}/{next(_numbers):05d}"
    ledger = shops.ledger
    ledger.runs.open(
        run_id,
        entity,
        purpose=request.purpose,
        dag_id=entity,
        airflow_run_id=run_id,
        mode=request.mode,
        params=request.as_params(),
    )
    context = RunContext(
        run_id,
        "a test",
        request,
        shops.settings,
        ledger,
        Staging(shops.staging, run_id, ledger.checkpoints),
        connect,
        lambda: KEY,
        triggered_by="Kim",
        now=lambda: datetime.now(UTC) + shops.clock_ahead,
    )
    return EntityRun(context, entity_of(entity), _say_nothing)


@contextmanager
def time_passes_after_errors(ledger: Ledger) -> Iterator[None]:
    """Whoever tries again after an error need not wait for the lease of the one before."""
    try:
        yield
    except BaseException:
        let_leases_run_out(ledger)
        raise


def request_of(
    mode: str,
    *,
    dry_run: bool = False,
    keys: Sequence[str] = (),
    since: datetime | None = None,
    direction: Any = "both",
    approve: Sequence[str] = (),
    reject: Sequence[str] = (),
) -> RunRequest:
    """What a person asks for in the trigger form: who decides about keys asks for these keys."""
    return RunRequest(
        mode="full" if mode == "full" else "delta",
        dry_run=dry_run,
        since=since,
        keys=tuple(dict.fromkeys([*keys, *approve, *reject])),
        direction=direction,
        approve=tuple(approve),
        reject=tuple(reject),
    )


def unlimited() -> LocalBudget:
    return LocalBudget(limit_per_window=10**9, window_seconds=300, share=1.0)


def _say_nothing(*_lines: str) -> None:
    return


def _once(what: Meanwhile | None) -> Meanwhile | None:
    """However often its feed is opened in the run."""
    if what is None:
        return None
    left = [what]
    return lambda: left.pop()() if left else None


def _happen(what: Meanwhile | None) -> None:
    if what is not None:
        what()
