"""Goods that open sales hold: who bought them is nobody's business here.

Sales come in two shapes, flat (2.0) and nested (date versions); both are understood. Nothing of an answer is kept with
its exchange, because sales name customers.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Mapping
from decimal import Decimal
from typing import Any

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.numbers import number
from retail_sync.lightspeed.x_series.api.paging import SEARCH, Row, rows_of
from retail_sync.lightspeed.x_series.api.row_shapes import SALE
from retail_sync.records.rows import gated, is_stub
from retail_sync.transport.paging import LoopGuard

log = logging.getLogger(__name__)

PAGE_SIZE = 1000
"""More is silently clamped (guide "search")."""
OPEN = "pending"
OUTLETS_OF_FULFILMENT = ("fulfilment_outlet_id", "fulfillment_outlet_id")
"""Lines spell it with one l, sales with two; which of them are answered is not documented, so both are looked for."""

Held = dict[tuple[str, str], Decimal]
"""Units by product id and outlet id."""


async def read_held(client: XSeriesClient, attributes: Collection[str]) -> Held:
    """What sales that are open and have one of the attributes hold, by the outlet that will hand it over.

    One search for each attribute: whether several in one search mean any or all of them is not documented. A line that
    gives goods back holds none.
    """
    sales: dict[str, Row] = {}
    for attribute in sorted(attributes):
        async for sale in _search(client, attribute):
            if _is_open(sale, attribute):
                sales[str(sale["id"])] = sale
    held: Held = {}
    for sale in sales.values():
        _count(sale, held)
    return held


async def _search(client: XSeriesClient, attribute: str) -> AsyncIterator[Row]:
    """Sales of that attribute. Offsets move while sales are made, so one may come twice or, until the next run, not at
    all: the search offers no cursor."""
    guard = LoopGuard(SYSTEM, f"search for open sales ({attribute})")
    offset = 0
    while True:
        query = {"type": "sales", "state": OPEN, "attributes": attribute}
        answer = await client.get(SEARCH, {**query, "page_size": PAGE_SIZE, "offset": offset}, withhold=True)
        rows = rows_of(answer.value, SEARCH)
        if not rows:
            return
        guard.step(tuple(str(row.get("id"))[:100] for row in rows))
        for row in gated(rows, SALE):
            if is_stub(row):
                log.warning("sale %s can't be read and is not counted", row.get("id") or "without an id")
            else:
                yield row
        offset += len(rows)


def _is_open(sale: Row, attribute: str) -> bool:
    """Whether the sale is what was searched for: the index may lag behind."""
    told = sale.get("attributes")
    fits = attribute in told if isinstance(told, list) else True
    return fits and sale.get("state", OPEN) == OPEN and not sale.get("deleted_at")


def _count(sale: Row, held: Held) -> None:
    source = sale.get("source")
    nested = source.get("outlet_id") if isinstance(source, Mapping) else None
    own = _fulfilled_at(sale) or nested or sale.get("outlet_id")
    for line in sale.get("line_items") or ():
        if not isinstance(line, Mapping) or line.get("status") == "VOIDED":
            continue
        product = line.get("product")
        product_id = product.get("id") if isinstance(product, Mapping) else line.get("product_id")
        outlet_id = _fulfilled_at(line) or own
        quantity = number(line.get("quantity"))
        if not product_id or not outlet_id or quantity is None:
            log.warning("sale %s: a line without product, outlet or quantity is not counted", sale.get("id"))
        elif quantity > 0:
            place = (str(product_id), str(outlet_id))
            held[place] = held.get(place, Decimal(0)) + quantity


def _fulfilled_at(row: Mapping[str, Any]) -> Any:
    return next((row[name] for name in OUTLETS_OF_FULFILMENT if row.get(name)), None)
