"""Two workers of which one is paused: it stands still in the middle of a write, another one takes its work over and
finishes it, a person edits what came of it, and then the first one goes on.

A paused worker is a thread of its own whose event loop is blocked, with a ledger, clients and a connection of its own,
as a worker process has. Where it stands still is a boundary of its n-th write:

* `begun`: the attempt is in the ledger, nothing was sent;
* `waited`: the request is made, and has come through the budget and the limit of requests under way;
* `asked`: its lease was asked for and is fresh; a connection is looked for;
* `answered`: the system has carried it out, and nothing is settled yet.

Time passes for it on its own clocks, and on the ledger's; nothing here waits for a clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx
from sqlalchemy import text

from retail_sync.commercetools.api.queries import CLOCK_CONTAINER
from retail_sync.ledger.changes import Changes
from retail_sync.ledger.leases import Leases
from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.transport.client import HttpClient
from sandbox.fault_rules import LoggedRequest
from sandbox.lightspeed.rows import Table
from tests.support.leases import let_leases_run_out
from tests.support.network import Network, writes
from tests.support.worlds import READING, World

Boundary = Literal["begun", "waited", "asked", "answered"]
BOUNDARIES: tuple[Boundary, ...] = ("begun", "waited", "asked", "answered")
ONLINE = ("products", "customers", "inventory", "orders", "payments", "standalone-prices", "custom-objects")
HOURS = 3600.0

_sending: ContextVar[bool] = ContextVar("sending", default=False)


@dataclass
class Pause:
    """Stands still at the n-th time that its boundary is reached, until it is told to go on."""

    boundary: Boundary
    at: int
    passed: int = 0
    stands: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)

    def reached(self, boundary: Boundary) -> None:
        if boundary == self.boundary:
            self.passed += 1
            if self.passed == self.at:
                self.stands.set()
        if self.stands.is_set():
            assert self.goes_on.wait(300), "nobody woke the worker"


class _Paused(Network):
    """The network of a worker that may be paused before and after its writes."""

    def __init__(self, pause: Pause) -> None:
        super().__init__()
        self._pause = pause

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not writes(request):
            return await super().handle_async_request(request)
        self._pause.reached("asked")
        response = await super().handle_async_request(request)
        await response.aread()
        self._pause.reached("answered")
        return response


class _Budget:
    def __init__(self, pause: Pause) -> None:
        self._pause = pause

    async def acquire(self) -> None:
        if _sending.get():
            self._pause.reached("waited")

    async def observe(self, *, limit: int | None, remaining: int | None, retry_after: float | None) -> None:
        return


@dataclass(frozen=True)
class _Changes(Changes):
    pause: Pause | None = None

    def begin(self, change_ids: Collection[str]) -> dict[str, int]:
        begun = super().begin(change_ids)
        assert self.pause is not None
        self.pause.reached("begun")
        return begun


@contextmanager
def sending_is_known() -> Iterator[None]:
    """A budget can tell what its request is: a test may pause a worker there before a write alone."""
    original = HttpClient._send

    async def noted(self: HttpClient, request: httpx.Request, **how: Any) -> Any:
        token = _sending.set(writes(request))
        try:
            return await original(self, request, **how)
        finally:
            _sending.reset(token)

    HttpClient._send = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        HttpClient._send = original  # type: ignore[method-assign]


class Worker:
    """One that may be paused. `world`: the same shop as the others', with its own ledger, clocks and clients."""

    def __init__(self, world: World, pause: Pause) -> None:
        self._pause = pause
        self._clocks = [0.0, 0.0, 0.0]
        url = world.ledger.engine.url.render_as_string(hide_password=False)
        ledger = Ledger.open(url)
        object.__setattr__(ledger, "leases", Leases(ledger.engine, lambda: list(self._clocks)))
        object.__setattr__(ledger, "changes", _Changes(ledger.engine, pause))
        self.world = replace(world, ledger=ledger, network=_Paused(pause), budget=_Budget(pause))
        self.problem: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], Any]) -> bool:
        """Begin to work; True once it stands still, False where it came to its end without."""

        def live() -> None:
            try:
                work()
            except BaseException as problem:
                self.problem = problem

        self._thread = threading.Thread(target=live, daemon=True)
        self._thread.start()
        while self._thread.is_alive():
            if self._pause.stands.wait(0.05):
                return True
        return self._pause.stands.is_set()

    def hours_pass(self) -> None:
        """Its lease is over: the ledger says so, and so will its own clocks when it looks at them."""
        let_leases_run_out(self.world.ledger)
        self._clocks = [clock + 5 * HOURS for clock in self._clocks]

    def wake(self) -> BaseException | None:
        """It goes on, and comes to its end; the error it ended with."""
        self._pause.goes_on.set()
        return self.end()

    def end(self) -> BaseException | None:
        assert self._thread is not None
        self._thread.join(300)
        assert not self._thread.is_alive(), "the worker did not come to its end"
        self.world.ledger.close()
        return self.problem


def shown(world: World) -> str:
    """All that both systems hold, and what the ledger takes for agreed and done."""
    online = {path: world.online.all(path) for path in ONLINE}
    till = {
        name: [vars(row) for row in table.rows.values()]
        for name, table in sorted(vars(world.till).items())
        if isinstance(table, Table)
    }
    with world.ledger.engine.connect() as connection:
        kept = [
            [tuple(row) for row in connection.execute(text(statement))]
            for statement in (
                "SELECT entity, kind, commercetools_id, lightspeed_id, base::text, resent::text FROM links ORDER BY id",
                "SELECT id::text, outcome, attempt, result_id, result_version FROM changes ORDER BY id",
            )
        ]
    return repr([online, till, kept])


def written(world: World) -> Sequence[str]:
    """Requests that wrote since `forget_requests`."""
    return [
        f"{system} {request.method} {request.path}"
        for system in SYSTEMS
        for request in world.requests(system)
        if request.method not in READING and not _changes_nothing(system, request)
    ]


def _changes_nothing(system: str, request: LoggedRequest) -> bool:
    if request.path.endswith("/token"):
        return True
    if system == "commercetools":
        return "/custom-objects" in request.path and CLOCK_CONTAINER in request.body
    return request.path.endswith("/inventory")
