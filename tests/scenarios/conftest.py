"""The shops scenarios play in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.sandbox.shop import SAMPLE_SHOP, Shop, load_shop
from tests.scenarios.world import World, world_of

GOODSTORE = Path(__file__).parents[3] / "shared" / "data" / "goodstore"


@pytest.fixture(scope="session")
def sample_shop() -> Shop:
    return load_shop(SAMPLE_SHOP)


@pytest.fixture(scope="session")
def goodstore_shop() -> Shop:
    if not GOODSTORE.is_dir():
        pytest.skip("the goodstore data is not beside this checkout")
    return load_shop(GOODSTORE)


@pytest.fixture
def sample(sample_shop: Shop, ledger_url: str, tmp_path: Path) -> Iterator[World]:
    with world_of(sample_shop, ledger_url, tmp_path) as world:
        yield world


@pytest.fixture
def goodstore(goodstore_shop: Shop, ledger_url: str, tmp_path: Path) -> Iterator[World]:
    with world_of(goodstore_shop, ledger_url, tmp_path) as world:
        yield world
