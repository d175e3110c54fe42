"""Tills to test against, behind one HTTP server for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, StoreOptions, create_app
from sandbox.server import SandboxServer
from tests.lightspeed.till import Till


@pytest.fixture(autouse=True)
def _may_write(standing_lease: None) -> None:
    """Adapters write for whoever holds a lease; taking one is the engine's business."""


class Front:
    """Passes every request to the till of the test at hand."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def front() -> Iterator[tuple[Front, str]]:
    passing = Front()
    with SandboxServer(passing) as server:
        yield passing, server.url


@pytest.fixture
def open_till(front: tuple[Front, str]) -> Callable[..., Till]:
    """Opens a till with a store of its own; the one opened last answers."""

    def start(*, tax_exclusive: bool = False, rate: str = "0.19", **options: Any) -> Till:
        store = LightspeedStore(tax_exclusive=tax_exclusive, options=StoreOptions(**options))
        store.standard = store.add_tax("Standard", rate, is_default=True)  # type: ignore[attr-defined]
        store.reduced = store.add_tax("Reduced", "0.07")  # type: ignore[attr-defined]
        store.berlin = store.add_outlet("Berlin")  # type: ignore[attr-defined]
        store.hamburg = store.add_outlet("Hamburg")  # type: ignore[attr-defined]
        store.add_register("Till 1", store.berlin)  # type: ignore[attr-defined]
        faults = Faults()
        front[0].app = create_app(store, faults)
        return Till(store, faults, front[1], store.tokens.add_personal())

    return start


@pytest.fixture
def till(open_till: Callable[..., Till]) -> Till:
    return open_till()
