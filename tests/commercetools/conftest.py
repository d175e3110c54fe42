"""A fresh little project per test, in the same process or behind a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.server import SandboxServer
from tests.commercetools.world import World


@pytest.fixture(autouse=True)
def _may_write(standing_lease: None) -> None:
    """Adapters write for whoever holds a lease; taking one is the engine's business."""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def served() -> Iterator[World]:
    """Behind a socket, for faults that close connections."""
    world = World()
    with SandboxServer(world.app) as server:
        world.url = server.url
        yield world
