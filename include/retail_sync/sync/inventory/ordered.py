"""Lines of web orders under the SKUs that their variants have today.

An order names its goods by a SKU of the day it was placed. The ids of product and variant stay when the SKU changes, so
they say which variant it is; the SKU speaks only where the ids are not known, or their variant is gone (a product that
was made anew).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.sync.inventory.availability import order_lines
from retail_sync.sync.inventory.catalogue import PRODUCTS


def lines_today(ledger: Ledger, orders: pd.DataFrame) -> pd.DataFrame:
    """As `order_lines`, with `sku` as the variant is called by now."""
    lines = order_lines(orders)
    named = set(lines["variant"].dropna())
    if not named:
        return lines
    variants = ledger.mirror.cells(PRODUCTS, "variant", "commercetools", ids=named)
    living = variants[variants["deleted_at"].isna() & variants["label"].fillna("").ne("")]
    today = lines["variant"].map(living.set_index("id")["label"]).astype("string")
    return lines.assign(sku=today.fillna(lines["sku"]))


def skus_today(ledger: Ledger, listed: Iterable[str]) -> set[str]:
    """SKUs of the `lines` of orders (ORDER_COLUMNS), as they were ordered and as they are called by now."""
    many: Sequence[str] = list(listed)
    orders = pd.DataFrame({"id": many, "number": many, "lines": many})
    return set(order_lines(orders)["sku"]) | set(lines_today(ledger, orders)["sku"])
