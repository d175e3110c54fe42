"""Signed differences of levels, and the reasons they are given.

The description asks for a reason that fits the sign: a fixed one of the API, or a custom one of the store. A batch is
assumed to be carried out as a whole or not at all, which is not documented: an answer that does not show every
adjustment is an unknown outcome, never a half success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.numbers import number, whole
from retail_sync.lightspeed.x_series.api.paging import Row, read_all, rows_of, walk_versions
from retail_sync.lightspeed.x_series.api.row_shapes import ADJUSTMENT, REASON
from retail_sync.lightspeed.x_series.api.store import same_name
from retail_sync.records.errors import ConfigurationFault, RecordRejected, UnknownOutcome
from retail_sync.records.inventory import ADJUSTMENT_COLUMNS, parts, stock_table, units
from retail_sync.records.ports.inventory import Adjusted, Adjustment
from retail_sync.records.rows import gated, readable
from retail_sync.records.types import decimal_text
from retail_sync.settings.models.inventory import Adjusting

PATH = "/stock_adjustments"
REASONS_PATH = "/custom_inventory_adjustment_reasons"
MOST_ADJUSTMENTS = 1000
"""Items of one request."""
MOST_LISTED = 1000
"""Documented maximum of a page of adjustments."""
REASON_PAGE_SIZE = 200

Sign = Literal["POSITIVE", "NEGATIVE"]
FIXED_REASONS: Mapping[str, Sign] = {
    "STOCK_FOUND": "POSITIVE",
    "SAMPLE_FOR_SALE": "POSITIVE",
    "DAMAGE": "NEGATIVE",
    "EXPIRY": "NEGATIVE",
    "INTERNAL_USE": "NEGATIVE",
    "THEFT": "NEGATIVE",
    "DONATION": "NEGATIVE",
}


@dataclass(frozen=True)
class CustomReason:
    """A reason that the store made up. `type` None: the answer did not say for which sign it is."""

    id: str
    name: str
    type: str | None
    enabled: bool


def configured_reasons(adjusting: Adjusting) -> tuple[tuple[str, Sign, str], ...]:
    """(setting, sign, name) of both reasons."""
    return (
        ("inventory.adjusting.reason_up", "POSITIVE", adjusting.reason_up),
        ("inventory.adjusting.reason_down", "NEGATIVE", adjusting.reason_down),
    )


async def read_reasons(client: XSeriesClient) -> list[CustomReason]:
    """All custom reasons of the store."""
    rows = await read_all(client, REASONS_PATH, page_size=REASON_PAGE_SIZE)
    return [
        CustomReason(
            id=str(row["id"]),
            name=str(row.get("name") or ""),
            type=str(row["type"]).upper() if row.get("type") else None,
            enabled=row.get("enabled") is not False and not row.get("deleted_at"),
        )
        for row in readable(gated(rows, REASON))
    ]


def reason_fields(name: str, sign: Sign, custom: Sequence[CustomReason]) -> dict[str, str]:
    """What an adjustment of this sign says of its reason. Raises ConfigurationFault for a reason that is not there or
    does not fit the sign."""
    if name in FIXED_REASONS:
        if FIXED_REASONS[name] != sign:
            raise _unfit(name, sign)
        return {"reason": name}
    same = [reason for reason in custom if same_name(reason.name) == same_name(name) and reason.enabled]
    fitting = [reason for reason in same if reason.type in (None, sign)]
    if not same:
        raise ConfigurationFault(
            f"The store has no enabled adjustment reason {name!r}.",
            system=SYSTEM,
            remedy="Create it at the till, or use one of "
            f"{', '.join(fixed for fixed, of in FIXED_REASONS.items() if of == sign)} in `inventory.adjusting`.",
        )
    if not fitting:
        raise _unfit(name, sign)
    return {"reason": "CUSTOM", "custom_inventory_adjustment_reason_id": fitting[0].id}


def _unfit(name: str, sign: Sign) -> ConfigurationFault:
    return ConfigurationFault(
        f"The adjustment reason {name!r} can't be given for a {sign.lower()} difference.",
        system=SYSTEM,
        remedy="Choose another one in `inventory.adjusting`.",
    )


class Adjustments:
    """Sends and lists adjustments. Custom reasons are looked up once, when one is first needed."""

    def __init__(self, client: XSeriesClient, adjusting: Adjusting, page_size: int) -> None:
        self._client = client
        self._adjusting = adjusting
        self._page_size = min(page_size, MOST_LISTED)
        self._reasons: dict[Sign, dict[str, str]] = {}
        self._turn = asyncio.Lock()

    async def send(self, adjustments: Sequence[Adjustment]) -> Adjusted:
        """One request. Raises UnknownOutcome where the answer does not show all of them."""
        if len(adjustments) > MOST_ADJUSTMENTS:
            raise ValueError(f"{len(adjustments)} adjustments; one request holds {MOST_ADJUSTMENTS}")
        items = [await self._item(adjustment) for adjustment in adjustments]
        if not items:
            return Adjusted({}, "")
        context = {"change": adjustments[0].change_id}
        answer = await self._client.post(PATH, {"stock_adjustments": items}, context=context)
        ids = _matched(adjustments, answer.value)
        if len(ids) < len(adjustments):
            raise UnknownOutcome(
                f"POST {PATH} showed {len(ids)} of {len(adjustments)} adjustments.",
                system=SYSTEM,
                exchange_id=answer.exchange_id,
            )
        return Adjusted(ids, answer.exchange_id)

    async def since(self, version: int) -> pd.DataFrame:
        """ADJUSTMENT_COLUMNS of the adjustments after this version, whoever made them."""
        pages = walk_versions(
            self._client, PATH, after=version, page_size=self._page_size, whole_list_allowed=True
        )
        rows = [_read(row) async for page in pages for row in readable(gated(page.rows, ADJUSTMENT))]
        return stock_table(ADJUSTMENT_COLUMNS, rows)

    async def _item(self, adjustment: Adjustment) -> dict[str, str]:
        if adjustment.quantity == 0:
            raise RecordRejected(
                f"Change {adjustment.change_id} adjusts a level by nothing.", code="nothing", system=SYSTEM
            )
        return {
            "product_id": adjustment.product_id,
            "outlet_id": adjustment.outlet_id,
            "quantity": decimal_text(units(adjustment.quantity)),
            **await self._reason("POSITIVE" if adjustment.quantity > 0 else "NEGATIVE"),
        }

    async def _reason(self, sign: Sign) -> dict[str, str]:
        async with self._turn:
            if sign not in self._reasons:
                name = self._adjusting.reason_up if sign == "POSITIVE" else self._adjusting.reason_down
                custom = [] if name in FIXED_REASONS else await read_reasons(self._client)
                self._reasons[sign] = reason_fields(name, sign, custom)
            return self._reasons[sign]


def _matched(adjustments: Sequence[Adjustment], answered: Any) -> dict[str, str]:
    """Adjustment ids by change: each answered row serves one change of its product, outlet and quantity."""
    free: dict[tuple[Any, ...], list[str]] = {}
    for row in readable(gated(rows_of(answered, PATH), ADJUSTMENT)):
        adjustment_id, *place = _read(row)[:4]
        free.setdefault(tuple(place), []).insert(0, str(adjustment_id))
    found: dict[str, str] = {}
    for adjustment in adjustments:
        ids = free.get((adjustment.product_id, adjustment.outlet_id, adjustment.quantity))
        if ids:
            found[adjustment.change_id] = ids.pop()
    return found


def _read(row: Row) -> tuple[Any, ...]:
    quantity = number(row.get("quantity"))
    return (
        row.get("id"),
        row.get("product_id"),
        row.get("outlet_id"),
        None if quantity is None else parts(quantity),
        whole(row.get("version")),
    )
