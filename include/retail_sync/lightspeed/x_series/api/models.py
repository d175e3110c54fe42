"""The small objects of a list as models, without those that can't be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.paging import read_all
from retail_sync.lightspeed.x_series.api.wire import Wire
from retail_sync.records.rows import read_apart, read_rows
from retail_sync.transport.withholding import Withhold

PAGE_SIZE = 1000
W = TypeVar("W", bound=Wire)


def many(kind: type[W], rows: Iterable[Mapping[str, Any]]) -> list[W]:
    """Models of rows. One that can't be read is left out and logged: whatever points to it is unknown then, which holds
    the records that need it and no others."""
    found, _ = read_apart(
        list(rows),
        lambda given: read_rows(
            given,
            lambda sound: [kind.model_validate(row) for row in sound],
            system=SYSTEM,
            what=f"reference data ({kind.__name__})",
        ),
    )
    return found


async def read_live(
    client: XSeriesClient,
    path: str,
    kind: type[W],
    *,
    page_size: int = PAGE_SIZE,
    withhold: Withhold = False,
) -> list[W]:
    """Everything of a short list that is not deleted."""
    rows = await read_all(client, path, page_size=page_size, withhold=withhold)
    return [one for one in many(kind, rows) if not getattr(one, "deleted_at", None)]
