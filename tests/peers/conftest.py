"""The running peer, and worlds in which it plays commercetools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from demo.postgres import EmbeddedPostgres
from sandbox.shop import Shop, load_shop
from tests.peers.mock_project import MockProject
from tests.peers.mock_server import Absent, mock_server
from tests.peers.owners import TILL_LEADS, TILL_PRICES
from tests.support.worlds import World, world_of

GOODSTORE = Path(__file__).parents[3] / "shared" / "data" / "goodstore"


@pytest.fixture(scope="session")
def mock_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests: each test has a project of its own in it."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(mock_server(tmp_path_factory.mktemp("commercetools-mock") / "run"))
        except Absent as why:
            pytest.skip(str(why))
        yield url


@pytest.fixture
def project(mock_url: str) -> Iterator[MockProject]:
    """An empty project."""
    with MockProject(mock_url) as project:
        yield project


@pytest.fixture(scope="session")
def goodstore_shop() -> Shop:
    if not GOODSTORE.is_dir():
        pytest.skip("the goodstore data is not beside this checkout")
    return load_shop(GOODSTORE)


@pytest.fixture(scope="session")
def sample_with_empty_till(sample_shop: Shop) -> Shop:
    return replace(sample_shop, lightspeed=replace(sample_shop.lightspeed, families=[], price_books=[]))


@pytest.fixture(params=["goodstore_shop", "sample_with_empty_till"])
def first_alignment(
    request: pytest.FixtureRequest, project: MockProject, ledger_url: str, tmp_path: Path
) -> Iterator[World]:
    """A shop online and an empty till, whose prices count."""
    shop: Shop = request.getfixturevalue(request.param)
    project.fill(shop)
    with world_of(shop, ledger_url, tmp_path, TILL_PRICES, peer=(project, project.url)) as world:
        yield world


@pytest.fixture
def sample(sample_shop: Shop, project: MockProject, ledger_url: str, tmp_path: Path) -> Iterator[World]:
    """The sample shop: both sides have products already."""
    project.fill(sample_shop)
    with world_of(sample_shop, ledger_url, tmp_path, peer=(project, project.url)) as world:
        yield world


@pytest.fixture(scope="session")
def small_shop(sample_shop: Shop) -> Shop:
    """A part of the sample shop, for tests of single edits."""
    till = replace(sample_shop.lightspeed, families=sample_shop.lightspeed.families[:8], price_books=[])
    return replace(sample_shop, products=sample_shop.products[:24], lightspeed=till)


@pytest.fixture
def small(small_shop: Shop, project: MockProject, ledger_url: str, tmp_path: Path) -> Iterator[World]:
    """A small shop with products on both sides."""
    project.fill(small_shop)
    with world_of(small_shop, ledger_url, tmp_path, peer=(project, project.url)) as world:
        yield world


@pytest.fixture
def led_by_the_till(
    small_shop: Shop, project: MockProject, ledger_url: str, tmp_path: Path
) -> Iterator[World]:
    """A small shop in which the fields of products belong to the till."""
    project.fill(small_shop)
    with world_of(small_shop, ledger_url, tmp_path, TILL_LEADS, peer=(project, project.url)) as world:
        yield world


@pytest.fixture
def second_ledger_url(postgres: EmbeddedPostgres, ledger_template: str) -> Iterator[str]:
    """A ledger for the world of a comparison."""
    postgres.create_database("comparison", template=ledger_template)
    yield postgres.url("comparison")
    postgres.drop_database("comparison")
