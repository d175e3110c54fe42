"""Tills to test against, behind one HTTP server for all tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore, StoreOptions, create_app
from tests.lightspeed.till import Till
from tests.support.stage import Stage


@pytest.fixture(autouse=True)
def _may_write(standing_lease: None) -> None:
    """Adapters write for whoever holds a lease; taking one is the engine's business."""


@pytest.fixture
def open_till(stage: Stage) -> Callable[..., Till]:
    """Opens a till with a store of its own; the one opened last answers."""

    def start(*, tax_exclusive: bool = False, rate: str = "0.19", **options: Any) -> Till:
        store = LightspeedStore(tax_exclusive=tax_exclusive, options=StoreOptions(**options))
        store.standard = store.add_tax("Standard", rate, is_default=True)  # type: ignore[attr-defined]
        store.reduced = store.add_tax("Reduced", "0.07")  # type: ignore[attr-defined]
        store.berlin = store.add_outlet("Berlin")  # type: ignore[attr-defined]
        store.hamburg = store.add_outlet("Hamburg")  # type: ignore[attr-defined]
        store.add_register("Till 1", store.berlin)  # type: ignore[attr-defined]
        faults = Faults()
        stage.app = create_app(store, faults)
        return Till(store, faults, stage.url, store.tokens.add_personal())

    return start


@pytest.fixture
def till(open_till: Callable[..., Till]) -> Till:
    return open_till()
