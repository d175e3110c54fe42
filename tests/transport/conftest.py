"""Async tests run on asyncio; what is shared by the tests of this room is in `doubles.py`."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _may_write(standing_lease: None) -> None:
    """Who may write is tested in `test_leasing.py` alone."""
