"""A worker that dies: a process of its own that applies a stored plan of orders, and is gone at the n-th boundary.

A boundary is the beginning, and the moment after anything that leaves a trace: a request to either system, an attempt
or an outcome in the ledger. Nothing is cleaned up, as if somebody had pulled the plug. All workers are forked from one
process that has read the code already, and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Self

from retail_sync.commercetools.orders.adapter import CommercetoolsOrders
from retail_sync.ledger.changes import Changes
from retail_sync.ledger.ledger import Ledger
from retail_sync.lightspeed.x_series.sales.adapter import XSeriesSales
from retail_sync.records.orders import ENTITY as ORDERS
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.orders import apply as applying
from tests.support.leases import let_leases_run_out
from tests.support.runs import doors_of, open_run
from tests.support.worlds import World

DEAD = 137
NOT_ASKED = {system: {"feeds": {}} for system in SYSTEMS}
"""Loading orders does not ask what was read."""
_ASYNC = (
    (CommercetoolsOrders, "update"),
    (XSeriesSales, "find"),
    (XSeriesSales, "add"),
    (XSeriesSales, "replace"),
    (XSeriesSales, "start_return"),
)
_PLAIN = ((Changes, "begin"), (Changes, "settle"))
_MODULE = ("settle_sale",)


class Workers:
    """Makes workers. Used with `with`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        self._nursery.wait(timeout=30)

    def load(self, settings: SyncSettings, run_id: str, *, dies_at: int | None = None) -> bool:
        """A worker applies what is open of a plan; whether it lived. Raises where it ended otherwise."""
        world = self._world
        told = {
            "ledger": world.ledger.engine.url.render_as_string(hide_password=False),
            "settings": settings.model_dump(mode="json"),
            "credentials": world.online.credentials(),
            "online_url": world.online_url,
            "till_url": world.till_url,
            "till_token": world.till_token,
            "staging": str(world.staging),
            "run_id": run_id,
            "dies_at": dies_at,
        }
        stdin, stdout = self._nursery.stdin, self._nursery.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(told) + "\n")
        stdin.flush()
        ended = int(stdout.readline())
        assert ended in (0, DEAD), f"a worker ended with {ended}; what it said is on stderr"
        if ended == DEAD:
            # Until somebody else goes on, the time of its lease is over.
            let_leases_run_out(world.ledger)
        return ended == 0


class _Trap:
    def __init__(self, at: int | None) -> None:
        self.at = at
        self.passed = 0

    def boundary(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            os._exit(DEAD)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def trapped(*given: Any, **named: Any) -> Any:
            found = call(*given, **named)
            self.boundary()
            return found

        return trapped

    def around_async(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        async def trapped(*given: Any, **named: Any) -> Any:
            found = await call(*given, **named)
            self.boundary()
            return found

        return trapped


class _Credentials:
    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(known)

    def credentials(self) -> dict[str, str]:
        return self._known


def _world(told: Mapping[str, Any]) -> World:
    return World(
        shop=None,  # type: ignore[arg-type]
        settings=SyncSettings.model_validate(told["settings"]),
        online=_Credentials(told["credentials"]),  # type: ignore[arg-type]
        till=None,  # type: ignore[arg-type]
        online_url=told["online_url"],
        till_url=told["till_url"],
        faults={},
        ledger=Ledger.open(told["ledger"]),
        staging=Path(told["staging"]),
        till_token=told["till_token"],
    )


def _live(told: Mapping[str, Any]) -> None:
    """The life of one worker."""
    trap = _Trap(told["dies_at"])
    for owner, name in _ASYNC:
        setattr(owner, name, trap.around_async(getattr(owner, name)))
    for owner, name in _PLAIN:
        setattr(owner, name, trap.around(getattr(owner, name)))
    for name in _MODULE:
        setattr(applying, name, trap.around(getattr(applying, name)))
    trap.boundary()
    world = _world(told)
    run = open_run(world, ORDERS, RunRequest(), connect=doors_of(world), run_id=told["run_id"])
    for batch in sorted(world.ledger.changes.open_batches(told["run_id"])):
        run.load(batch, NOT_ASKED)


def main() -> None:
    for line in sys.stdin:
        worker = os.fork()
        if worker == 0:
            try:
                _live(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(worker, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
