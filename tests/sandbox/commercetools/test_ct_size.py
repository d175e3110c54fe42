"""The stand-in stays out of the way when the shop is large. Measured in CPU time: a busy machine cannot stretch it."""

from __future__ import annotations

import time

import pytest

from sandbox.commercetools import CommercetoolsStore

from .conftest import Api, Json, draft, euros, variant

pytestmark = pytest.mark.benchmark

PRODUCTS = 5_000


def large(number: int) -> Json:
    variants = [
        variant(
            f"S-{number}-{n}",
            prices=[euros(1000), euros(900, country="DE")],
            attributes=[{"name": "size", "value": "M"}],
        )
        for n in range(3)
    ]
    return draft(f"n{number}", publish=True) | {"masterVariant": variants[0], "variants": variants[1:]}


def test_pages_of_five_thousand_products_are_quick(api: Api, store: CommercetoolsStore) -> None:
    began = time.process_time()
    for number in range(PRODUCTS):
        store.create("products", large(number))
    assert PRODUCTS / (time.process_time() - began) > 200

    slowest, rows, where = 0.0, 0, []
    while True:
        began = time.process_time()
        answer = api.send(
            "GET",
            "product-projections",
            params={"limit": 500, "sort": "id asc", "withTotal": "false", "where": where},
        )
        slowest = max(slowest, time.process_time() - began)
        page = answer.json()
        rows += page["count"]
        if page["count"] < 500:
            break
        where = [f'id > "{page["results"][-1]["id"]}"']
    assert rows == PRODUCTS
    assert slowest < 0.15
