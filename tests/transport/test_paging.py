"""A walk whose cursor stands still is an error, not an endless task."""

from __future__ import annotations

import pytest

from retail_sync.records.errors import ProtocolFault
from retail_sync.transport.paging import LoopGuard


def test_a_cursor_seen_before_stops_the_walk_even_after_a_detour() -> None:
    guard = LoopGuard("lightspeed", "products")
    for cursor in ("a", "b", "c"):
        guard.step(cursor)
    with pytest.raises(ProtocolFault, match="products: the cursor does not advance"):
        guard.step("b")


def test_an_ascending_cursor_must_grow() -> None:
    guard = LoopGuard("lightspeed", "products", ascending=True)
    guard.step(10)
    guard.step(27561014304)
    with pytest.raises(ProtocolFault):
        guard.step(11)
