"""The `prices` and `images` cells of a product CSV."""

from __future__ import annotations

import re
import uuid
from datetime import date

from sandbox.shop.files import Row
from sandbox.shop.model import Draft

# `DE-EUR 1099`, `EUR 1099`, `DE-EUR 1999|1799` (second: discounted), and behind that in any order `#channel`,
# `@customer-group`, `[2026-01-01..2026-12-31]`, `{10:1799,20:1699}`.
_PRICE = re.compile(
    r"(?:(?P<country>[A-Z]{2})-)?(?P<currency>[A-Z]{3})\s+(?P<cents>\d+)(?:\|(?P<discounted>\d+))?(?P<terms>.*)"
)
_TERM = re.compile(
    r"\s*(?:#(?P<channel>[A-Za-z0-9_-]{2,256})|@(?P<group>[A-Za-z0-9_-]{2,256})"
    r"|\[(?P<validity>[^\]]*)\]|\{(?P<tiers>[^}]*)\})\s*"
)
_DAYS = re.compile(r"(?P<first>\d{4}-\d\d-\d\d)?\s*\.\.\s*(?P<last>\d{4}-\d\d-\d\d)?")
_TIER = re.compile(r"\s*(?P<quantity>\d+)\s*:\s*(?P<cents>\d+)\s*")
_IMAGE = re.compile(r"^(?P<url>\S+?)\|[^|]*\|(?P<width>\d+)[x*](?P<height>\d+)$")

# A discounted price names the product discount it came from. An export does not, so all name this one.
EXTERNAL_DISCOUNT_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "sandbox:product-discount/external"))


def price_drafts(row: Row) -> list[Draft]:
    """The embedded prices of a variant row. Amounts are minor units."""
    drafts: list[Draft] = []
    for part in filter(None, (part.strip() for part in row.text("prices").split(";"))):
        try:
            drafts.append(_price(part))
        except ValueError as problem:
            raise row.error(
                f"price {part!r} is not readable{f': {problem}' if str(problem) else ''}.",
                "Write COUNTRY-CURRENCY and cents, several joined with ';': DE-EUR 1099;GB-GBP 999. What may stand"
                " behind the cents: #channel @customer-group [2026-01-01..2026-12-31] {10:1799,20:1699}.",
            ) from None
    return drafts


def _price(text: str) -> Draft:
    """One price. Raises ValueError, saying what is wrong where that isn't plain to see."""
    match = _PRICE.fullmatch(text)
    if not match:
        raise ValueError
    terms = _terms(match["terms"])
    draft: Draft = {"value": _money(match["currency"], match["cents"])}
    if match["country"]:
        draft["country"] = match["country"]
    if "channel" in terms:
        draft["channel"] = {"typeId": "channel", "key": terms["channel"]}
    if "group" in terms:
        draft["customerGroup"] = {"typeId": "customer-group", "key": terms["group"]}
    if "validity" in terms:
        draft |= _validity(terms["validity"])
    if "tiers" in terms:
        draft["tiers"] = _tiers(match["currency"], terms["tiers"])
    if match["discounted"]:
        draft["discounted"] = {
            "value": _money(match["currency"], match["discounted"]),
            "discount": {"typeId": "product-discount", "id": EXTERNAL_DISCOUNT_ID},
        }
    return draft


def _money(currency: str, cents: str) -> Draft:
    return {"currencyCode": currency, "centAmount": int(cents)}


def _terms(text: str) -> dict[str, str]:
    """What stands behind the amount, by kind; each kind once."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        if match is None:
            raise ValueError
        name = str(match.lastgroup)
        if name in found:
            raise ValueError(f"it says its {name} twice")
        found[name] = match[name]
        place = match.end()
    return found


def _validity(text: str) -> Draft:
    """From midnight UTC of one day until midnight UTC of another, so the second day itself is out; one may be open."""
    match = _DAYS.fullmatch(text.strip())
    if not match or not (match["first"] or match["last"]):
        raise ValueError("a validity is [2026-01-01..2026-12-31], where one day may be left out")
    days = {"validFrom": match["first"], "validUntil": match["last"]}
    moments = {name: f"{date.fromisoformat(day)}T00:00:00.000Z" for name, day in days.items() if day}
    if len(moments) == 2 and moments["validFrom"] >= moments["validUntil"]:
        raise ValueError("it ends before it begins")
    return dict(moments)


def _tiers(currency: str, text: str) -> list[Draft]:
    tiers = []
    for part in text.split(","):
        match = _TIER.fullmatch(part)
        if match is None:
            raise ValueError("tiers are {units:cents,units:cents}")
        tiers.append({"minimumQuantity": int(match["quantity"]), "value": _money(currency, match["cents"])})
    return tiers


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
