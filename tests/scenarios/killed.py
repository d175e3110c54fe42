"""A worker that dies: a process of its own that applies a stored plan of orders, and is gone at the n-th boundary.

A boundary is the moment before or after anything that leaves a trace: a request to either system, an attempt or an
outcome in the ledger. Nothing is cleaned up, as if somebody had pulled the plug.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from include.commercetools.orders import CommercetoolsOrders
from include.ledger.changes import Changes
from include.ledger.ledger import Ledger
from include.lightspeed.x_series.sales import XSeriesSales
from include.settings.models import SyncSettings
from include.sync.orders import applying
from include.sync.orders.bench import Bench
from tests.scenarios.world import World

DEAD = 137
_ASYNC = (
    (CommercetoolsOrders, "update"),
    (XSeriesSales, "find"),
    (XSeriesSales, "add"),
    (XSeriesSales, "replace"),
    (XSeriesSales, "start_return"),
)
_PLAIN = ((Changes, "begin"), (Changes, "settle"))
_MODULE = ("settle_sale", "settle_order")


def load(
    world: World, settings: SyncSettings, run_id: str, *, dies_at: int | None = None
) -> tuple[bool, int]:
    """Apply what is open of a plan in another process: whether it lived, and how many boundaries it passed."""
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
    done = subprocess.run(
        [sys.executable, "-m", "tests.scenarios.killed"],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode in (0, DEAD), done.stderr[-3000:]
    passed = int(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else dies_at or 0
    return done.returncode == 0, passed


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
            self.boundary()
            found = call(*given, **named)
            self.boundary()
            return found

        return trapped

    def around_async(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        async def trapped(*given: Any, **named: Any) -> Any:
            self.boundary()
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


async def _apply(world: World, run_id: str) -> None:
    async with world.adapters() as clients:
        online = CommercetoolsOrders(clients["commercetools"]._client, world.settings)  # type: ignore[attr-defined]
        till = XSeriesSales(clients["lightspeed"]._client, world.settings)  # type: ignore[attr-defined]
        await online.prepare(writing=True)
        await till.prepare(writing=True)
        bench = Bench(world.ledger, online, till, world.settings, run_id)
        for batch in sorted(world.ledger.changes.open_batches(run_id)):
            await applying.apply_batch(bench, batch)


def main() -> None:
    told = json.load(sys.stdin)
    trap = _Trap(told["dies_at"])
    for owner, name in _ASYNC:
        setattr(owner, name, trap.around_async(getattr(owner, name)))
    for owner, name in _PLAIN:
        setattr(owner, name, trap.around(getattr(owner, name)))
    for name in _MODULE:
        setattr(applying, name, trap.around(getattr(applying, name)))
    asyncio.run(_apply(_world(told), told["run_id"]))
    print(trap.passed)


if __name__ == "__main__":
    main()
