"""The shops scenarios play in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.shop import Shop, load_shop
from tests.support.builders.orders import Ordered, ordered
from tests.support.order_checks import a_day, furnish
from tests.support.worlds import World, world_of

GOODSTORE = Path(__file__).parents[3] / "shared" / "data" / "goodstore"


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


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Ordered]:
    """A shop of orders with three articles."""
    with ordered(ledger_url, tmp_path) as made:
        furnish(made)
        yield made


@pytest.fixture(scope="module")
def one_shop(module_ledger_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordered]:
    with ordered(module_ledger_url, tmp_path_factory.mktemp("busy")) as made:
        furnish(made)
        yield made


@pytest.fixture
def busy(one_shop: Ordered) -> Iterator[Ordered]:
    """The same shop for many tests: who uses it leaves nothing behind that is still to be done."""
    with a_day(one_shop) as made:
        yield made
