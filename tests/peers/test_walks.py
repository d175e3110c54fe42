"""Keyset walks over more products than a page holds, many of them with the same `lastModifiedAt`, on a real HTTP
server that sorts, compares and pages as its authors understood the API, not as we did."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.api.queries import moment
from retail_sync.commercetools.products.adapter import CommercetoolsProducts
from retail_sync.records.ports.products import RawPage, Window
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.budget import Unlimited
from tests.peers.mock_project import MockProject
from tests.support.sinks import MemorySink

pytestmark = pytest.mark.peer
Json = dict[str, Any]

PRODUCTS = 1203
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIED = timedelta(milliseconds=1)
"""Step between the few moments at which all products were last changed: hundreds share each of them."""


@pytest.fixture
def crowd(project: MockProject) -> list[Json]:
    """1203 products in five moments; ids and times go different ways, so that neither order is the other."""
    project.create("product-types", {"key": "plain", "name": "Plain", "description": "", "attributes": []})
    first = project.create(
        "products",
        {
            "key": "first",
            "productType": {"typeId": "product-type", "key": "plain"},
            "name": {"en": "First"},
            "slug": {"en": "first"},
            "masterVariant": {"sku": "first"},
            "publish": True,
        },
    )
    project.delete("products", id=first["id"])
    crowd = [_like(first, number) for number in range(PRODUCTS)]
    project.insert("product", crowd)
    return crowd


def _like(product: Json, number: int) -> Json:
    each = copy.deepcopy(product)
    at = moment(NOON + TIED * (number % 5))
    each |= {
        "id": str(UUID(int=(number * 7919 % 100_003) << 96, version=4)),
        "key": f"number-{number}",
        "createdAt": at,
        "lastModifiedAt": at,
    }
    for side in ("current", "staged"):
        data = each["masterData"][side]
        data["masterVariant"]["sku"] = f"SKU-{number}"
        data["slug"] = {"en": f"number-{number}"}
    return each


def walked(
    project: MockProject,
    window: Window,
    *,
    page_size: int = 500,
    position: str | None = None,
    pages: int | None = None,
    after_page: Callable[[int], None] | None = None,
) -> list[RawPage]:
    """The pages of one walk; `pages` stops it early, as a killed task does."""
    found: list[RawPage] = []

    async def walk() -> None:
        settings = SyncSettings.model_validate({"limits": {"commercetools": {"page_size": page_size}}})
        client = CommercetoolsClient(
            CommercetoolsConnection(api_url=project.url, auth_url=project.url, **project.credentials()),
            settings.limits.commercetools,
            sink=MemorySink(),
            budget=Unlimited(),
            backoff=0.01,
        )
        async with client:
            adapter = CommercetoolsProducts(client, settings)
            await adapter.prepare()
            async for page in adapter.walk(window, position=position):
                found.append(page)
                if len(found) == pages:
                    return
                if after_page:
                    await asyncio.to_thread(after_page, len(found))

    asyncio.run(walk())
    return found


def ids(pages: list[RawPage]) -> list[str]:
    return [row["id"] for page in pages for row in page.rows]


EVERYTHING = Window(lower=None, upper=moment(NOON + timedelta(hours=1)))
ALL_MOMENTS = Window(lower=moment(NOON), upper=moment(NOON + timedelta(hours=1)))


@pytest.mark.parametrize("page_size", [500, 401, 100])
def test_a_full_walk_meets_every_product_once(
    project: MockProject, crowd: list[Json], page_size: int
) -> None:
    pages = walked(project, EVERYTHING, page_size=page_size)
    assert ids(pages) == sorted(each["id"] for each in crowd)
    assert [page.last for page in pages] == [False] * (PRODUCTS // page_size) + [True]


@pytest.mark.parametrize("page_size", [500, 100])
def test_a_delta_walk_through_ties_longer_than_a_page_meets_every_product_once(
    project: MockProject, crowd: list[Json], page_size: int
) -> None:
    pages = walked(project, ALL_MOMENTS, page_size=page_size)
    in_order = sorted(crowd, key=lambda each: (each["lastModifiedAt"], each["id"]))
    assert ids(pages) == [each["id"] for each in in_order]
    assert pages[-1].cursor == ALL_MOMENTS.upper


def test_a_window_starts_at_its_lower_edge_and_ends_before_its_upper_edge(
    project: MockProject, crowd: list[Json]
) -> None:
    window = Window(lower=moment(NOON + TIED), upper=moment(NOON + 3 * TIED))
    wanted = {each["id"] for each in crowd if window.lower <= each["lastModifiedAt"] < window.upper}
    assert sorted(ids(walked(project, window, page_size=100))) == sorted(wanted)


@pytest.mark.parametrize("window", [EVERYTHING, ALL_MOMENTS], ids=["full", "delta"])
def test_a_walk_that_was_cut_off_goes_on_after_its_last_page(
    project: MockProject, crowd: list[Json], window: Window
) -> None:
    begun = walked(project, window, page_size=100, pages=3)
    rest = walked(project, window, page_size=100, position=begun[-1].position)
    assert sorted(ids(begun) + ids(rest)) == sorted(each["id"] for each in crowd)


@pytest.mark.parametrize("window", [EVERYTHING, ALL_MOMENTS], ids=["full", "delta"])
def test_products_edited_during_a_walk_are_met_in_it_or_in_the_next_window(
    project: MockProject, crowd: list[Json], window: Window
) -> None:
    edited = [each["id"] for each in sorted(crowd, key=lambda each: each["lastModifiedAt"])[::60]]

    def edit(page: int) -> None:
        for id in edited[page - 1 :: 3] if page <= 3 else ():
            project.update("products", [{"action": "changeName", "name": {"en": "New"}}], id=id)

    met = ids(walked(project, window, page_size=250, after_page=edit))
    assert len(met) == len(set(met))
    after = Window(lower=window.upper, upper=moment(datetime.now(UTC) + timedelta(hours=1)))
    later = ids(walked(project, after))
    assert set(met) | set(later) == {each["id"] for each in crowd}
    assert sorted(later) == sorted(edited)
