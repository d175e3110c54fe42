"""Bodies of requests to price books, strict: a field the API does not know can't be sent by mistake.

Source: description of API 3.0 (price books) and 2.0 (price book products), both served under the date versions.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from retail_sync.lightspeed.x_series.api.bodies import Body
from retail_sync.records.ports.prices import MOST_BOOK_LINES


class BookLineBody(Body):
    """`price` with tax in tax-inclusive stores, without it otherwise; what is read is always without. That `id` names
    the line to be set is inferred: the description of the update shows the whole object, which has one."""

    id: str | None = None
    product_id: str
    price: Decimal
    tax_id: str
    min_units: int | None = None
    max_units: int | None = None


class BookLinesBody(Body):
    data: list[BookLineBody] = Field(min_length=1, max_length=MOST_BOOK_LINES)


class EntryIds(Body):
    price_book_product_ids: list[str] = Field(min_length=1, max_length=MOST_BOOK_LINES)


class EntryIdsBody(Body):
    data: EntryIds


class PriceBookBody(Body):
    name: str
    customer_group_ids: list[str]
    outlet_ids: list[str]
    valid_from: str | None = None
    valid_to: str | None = None
    restrict_to_platform: Literal["0", "1", "2"] | None = None
