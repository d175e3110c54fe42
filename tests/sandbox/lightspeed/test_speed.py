"""The stand-in must not be what a benchmark of ours measures: pages and writes at the size of a large shop."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Shop

pytestmark = pytest.mark.benchmark


def test_a_page_of_1000_out_of_15000_takes_less_than_150_ms(shop: Shop) -> None:
    for number in range(5000):
        variants = [shop.variant(f"{number}-{colour}", colour) for colour in ("Red", "Green", "Blue")]
        shop.store.add_product_family(
            f"P{number}", brand_id=shop.brand, tag_ids=[shop.tag], variants=variants
        )
    times, after, rows = [], 0, 0
    while True:
        started = time.perf_counter()
        page = shop.http.get(
            "/api/2026-07/products", params={"after": after, "page_size": 1000, "deleted": "true"}
        )
        times.append(time.perf_counter() - started)
        after, count = page.json()["version"]["max"], len(page.json()["data"])
        if count == 0:
            break
        rows += count
    assert rows == 15_000
    print(f"median {statistics.median(times) * 1000:.0f} ms, longest {max(times) * 1000:.0f} ms")
    assert statistics.median(times) < 0.15


def test_more_than_200_families_are_created_in_a_second(shop: Shop) -> None:
    shop.store.options.rate_limit_override = 10_000
    started = time.perf_counter()
    for number in range(400):
        variants = [shop.variant(f"{number}-{colour}", colour) for colour in ("Red", "Green", "Blue")]
        shop.post("products", {"name": f"P{number}", "variants": variants})
    rate = 400 / (time.perf_counter() - started)
    print(f"{rate:.0f} families a second")
    assert rate > 200
