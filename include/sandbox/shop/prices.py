"""The `prices` and `images` cells of a product CSV."""

from __future__ import annotations

import re
import uuid

from include.sandbox.shop.files import Row
from include.sandbox.shop.model import Draft

# `DE-EUR 1099`, `EUR 1099`, `DE-EUR 1999|1799` (second: discounted), `DE-EUR 1099 #channel`.
_PRICE = re.compile(
    r"^(?:(?P<country>[A-Z]{2})-)?(?P<currency>[A-Z]{3})\s+(?P<cents>\d+)(?:\|(?P<discounted>\d+))?"
    r"(?:\s*#(?P<channel>[A-Za-z0-9_-]{2,256}))?$"
)
_IMAGE = re.compile(r"^(?P<url>\S+?)\|[^|]*\|(?P<width>\d+)[x*](?P<height>\d+)$")

# A discounted price names the product discount it came from. An export does not, so all name this one.
EXTERNAL_DISCOUNT_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "sandbox:product-discount/external"))


def price_drafts(row: Row) -> list[Draft]:
    """The embedded prices of a variant row. Amounts are minor units."""
    drafts: list[Draft] = []
    for part in filter(None, (part.strip() for part in row.text("prices").split(";"))):
        match = _PRICE.match(part)
        if not match:
            raise row.error(
                f"price {part!r} is not readable.",
                "Write COUNTRY-CURRENCY and cents, several joined with ';': DE-EUR 1099;GB-GBP 999.",
            )
        draft: Draft = {"value": {"currencyCode": match["currency"], "centAmount": int(match["cents"])}}
        if match["country"]:
            draft["country"] = match["country"]
        if match["channel"]:
            draft["channel"] = {"typeId": "channel", "key": match["channel"]}
        if match["discounted"]:
            draft["discounted"] = {
                "value": {"currencyCode": match["currency"], "centAmount": int(match["discounted"])},
                "discount": {"typeId": "product-discount", "id": EXTERNAL_DISCOUNT_ID},
            }
        drafts.append(draft)
    return drafts


def image_drafts(row: Row) -> list[Draft]:
    """The images of a variant row: `address||WIDTHxHEIGHT`, joined with `;`. Sizes are pixels."""
    drafts: list[Draft] = []
    for part in filter(None, (part.strip() for part in row.text("images").split(";"))):
        match = _IMAGE.match(part)
        if not match:
            raise row.error(
                f"image {part!r} is not readable.", "Write address||WIDTHxHEIGHT, joined with ';'."
            )
        drafts.append(
            {"url": match["url"], "dimensions": {"w": int(match["width"]), "h": int(match["height"])}}
        )
    return drafts


def money(row: Row, column: str) -> Draft:
    """A money cell such as `GBP 441599`."""
    currency, _, cents = row.text(column).partition(" ")
    if len(currency) != 3 or not cents.strip().lstrip("-").isdigit():
        raise row.error(
            f"column {column!r} holds {row.text(column)!r}, which is not money.",
            "Write a currency and cents: GBP 441599.",
        )
    return {"currencyCode": currency, "centAmount": int(cents)}
