"""The shops scenarios play in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.postgres import EmbeddedPostgres
from sandbox.shop import SAMPLE_SHOP, Shop, load_shop
from tests.support.builders.orders import Ordered, ordered
from tests.support.order_checks import a_day, furnish
from tests.support.worlds import World, world_of

_numbers = itertools.count(1)
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


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Ordered]:
    """A shop of orders with three articles."""
    with ordered(ledger_url, tmp_path) as made:
        furnish(made)
        yield made


@pytest.fixture(scope="module")
def one_shop(
    postgres: EmbeddedPostgres, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ordered]:
    name = f"busy_{next(_numbers)}"
    postgres.create_database(name, template=ledger_template)
    with ordered(postgres.url(name), tmp_path_factory.mktemp(name)) as made:
        furnish(made)
        yield made
    postgres.drop_database(name)


@pytest.fixture
def busy(one_shop: Ordered) -> Iterator[Ordered]:
    """The same shop for many tests: who uses it leaves nothing behind that is still to be done."""
    with a_day(one_shop) as made:
        yield made
