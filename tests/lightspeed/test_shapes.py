"""Rows of an API version that nobody wrote a reader for stop the read, whatever address they were answered under."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from retail_sync.lightspeed.x_series.products.adapter import XSeriesProducts
from retail_sync.records.errors import ProtocolFault
from retail_sync.records.ports.products import Window
from tests.lightspeed.test_prices import everything
from tests.lightspeed.test_prices import run as run_prices
from tests.lightspeed.till import Till, make_settings

Use = Callable[[XSeriesProducts, str], Awaitable[Any]]


async def _walk(adapter: XSeriesProducts, product_id: str) -> Any:
    return [page async for page in adapter.walk(Window("0", None))]


async def _fetch(adapter: XSeriesProducts, product_id: str) -> Any:
    return [page async for page in adapter.fetch([product_id])]


async def _search(adapter: XSeriesProducts, product_id: str) -> Any:
    return [page async for page in adapter.search(["TEE"])]


@pytest.mark.parametrize("use", [_walk, _fetch, _search])
def test_rows_of_2026_10_under_an_older_address_are_refused(open_till: Callable[..., Till], use: Use) -> None:
    till = open_till()
    product_id = till.store.add_product_family("Tee", sku="TEE", price="30")[0]
    till.run(make_settings(), lambda adapter: use(adapter, product_id))
    till.store.options.old_versions_ended = True
    with pytest.raises(ProtocolFault, match="2026-10") as refusal:
        till.run(make_settings(), lambda adapter: use(adapter, product_id))
    assert "paused" in refusal.value.remedy


def test_the_reader_of_prices_refuses_them_too(open_till: Callable[..., Till]) -> None:
    till = open_till(old_versions_ended=True)
    till.store.add_product_family("Tee", sku="TEE", price="30")
    with pytest.raises(ProtocolFault, match="2026-10"):
        run_prices(till, everything)
