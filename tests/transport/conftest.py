"""Async tests run on asyncio; what is shared by the tests of this room is in `doubles.py`."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
