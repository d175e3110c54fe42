"""When a full read meets no line of any price book: whether the books are empty, or the read went wrong."""

from __future__ import annotations

import asyncio

from include.ledger.ledger import Ledger
from include.records.errors import ProtocolFault
from include.records.price_face import TillPrices
from include.sync.prices import mirroring
from include.sync.prices.mirroring import ENTRY
from include.sync.staging import Staging

DOCUMENT = "prices/lines"


async def look_into_empty_books(ledger: Ledger, staging: Staging, till: TillPrices, lines: int) -> None:
    """Absence alone proves nothing. Where a full read met no line (`lines` 0) though some are known, the known articles
    are looked up book by book. Raises ProtocolFault where that finds what the feed did not show."""
    articles: set[str] = set()
    if lines == 0:
        known = mirroring.read(ledger, ENTRY)
        articles = {str(row.parent_id) for row in known if row.deleted_at is None}
    found = 0
    if articles:
        async for page in till.entries_of(sorted(articles)):
            found += len(page.rows)
    if found:
        raise ProtocolFault(
            f"The feed of price books shows no line, but {found} are there.",
            system="lightspeed",
            remedy="Nothing was changed. Check the scope products:read:price_books, then run again in full.",
        )
    await asyncio.to_thread(staging.write_document, DOCUMENT, {"empty": bool(articles)})


def books_are_empty(staging: Staging) -> bool:
    """Whether every line that is known is proven to be gone."""
    return bool(staging.read_document(DOCUMENT)["empty"])
