"""The running peer, and worlds in which it plays commercetools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from include.sandbox.shop import SAMPLE_SHOP, Shop, load_shop
from tests.peers.mock_project import MockProject
from tests.peers.mock_server import Absent, mock_server
from tests.scenarios.world import World, world_of

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
def sample_shop() -> Shop:
    return load_shop(SAMPLE_SHOP)


@pytest.fixture(scope="session")
def sample_with_empty_till(sample_shop: Shop) -> Shop:
    return replace(sample_shop, lightspeed=replace(sample_shop.lightspeed, families=[]))


@pytest.fixture(params=["goodstore_shop", "sample_with_empty_till"])
def first_alignment(
    request: pytest.FixtureRequest, project: MockProject, ledger_url: str, tmp_path: Path
) -> Iterator[World]:
    """A shop online and an empty till."""
    shop: Shop = request.getfixturevalue(request.param)
    project.fill(shop)
    with world_of(shop, ledger_url, tmp_path, peer=(project, project.url)) as world:
        yield world


@pytest.fixture
def sample(
    sample_shop: Shop, project: MockProject, ledger_url: str, tmp_path: Path
) -> Iterator[World]:
    """The sample shop: both sides have products already."""
    project.fill(sample_shop)
    with world_of(sample_shop, ledger_url, tmp_path, peer=(project, project.url)) as world:
        yield world
