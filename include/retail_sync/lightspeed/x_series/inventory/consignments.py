"""Goods on their way: what suppliers and other outlets have sent and nobody has received yet."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from typing import Any

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.numbers import number
from retail_sync.lightspeed.x_series.api.paging import Row, walk_versions
from retail_sync.lightspeed.x_series.api.row_shapes import CONSIGNED, CONSIGNMENT
from retail_sync.records.checks import Shape
from retail_sync.records.inventory import parts
from retail_sync.records.rows import gated, is_stub

log = logging.getLogger(__name__)

PATH = "/consignments"
ON_THEIR_WAY = (("SUPPLIER", "SENT"), ("SUPPLIER", "DISPATCHED"), ("OUTLET", "SENT"))
"""Type and status of consignments whose goods have left and have not arrived. At a transfer the goods leave the source
when it is sent and arrive when it is received (inferred; not in the description)."""
CONSIGNMENT_PAGE_SIZE = 200

Incoming = tuple[str, str, int, Any]
"""Product id, outlet id, parts, when it is due."""


async def read_incoming(client: XSeriesClient, outlets: Collection[str]) -> list[Incoming]:
    """What is on its way to these outlets: what was sent less what has been received already."""
    found: list[Incoming] = []
    for kind, status in ON_THEIR_WAY if outlets else ():
        async for consignment in _all(client, PATH, {"type": kind, "status": status}, CONSIGNMENT):
            # Asked for, and looked at again: filters of lists are not sure to be honoured.
            said = (consignment.get("type"), consignment.get("status"))
            if said != (kind, status) or consignment.get("deleted_at"):
                continue
            if consignment.get("outlet_id") in outlets:
                found += [line async for line in _lines(client, consignment)]
    return found


async def _lines(client: XSeriesClient, consignment: Row) -> AsyncIterator[Incoming]:
    async for row in _all(client, f"{PATH}/{consignment['id']}/products", {}, CONSIGNED):
        count, received = number(row.get("count")), number(row.get("received"))
        if count is None or row.get("deleted_at") or not row.get("product_id"):
            continue
        open_parts = parts(count) - (0 if received is None else parts(received))
        if open_parts > 0:
            yield (
                str(row["product_id"]),
                str(consignment["outlet_id"]),
                open_parts,
                consignment.get("due_at") or None,
            )


async def _all(client: XSeriesClient, path: str, params: dict[str, str], shape: Shape) -> AsyncIterator[Row]:
    """The rows that can be read: what can't be is not counted, and said."""
    pages = walk_versions(
        client, path, page_size=CONSIGNMENT_PAGE_SIZE, params=params, whole_list_allowed=True
    )
    async for page in pages:
        for row in gated(page.rows, shape):
            if is_stub(row):
                log.warning("%s: a row can't be read and is not counted", path)
            else:
                yield row
