"""Product projections as prices: cut down to what is needed, and read into the table of variants. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.price_drafts import carried
from retail_sync.commercetools.api.shapes import PRODUCT_OF_PRICES
from retail_sync.commercetools.api.variants import variants_in
from retail_sync.commercetools.api.wire import Money, Price, exact_amount
from retail_sync.commercetools.prices.references import ListScope
from retail_sync.records.prices import VARIANT_COLUMNS, price_table
from retail_sync.records.refs import VariantKey
from retail_sync.records.rows import read_rows
from retail_sync.records.types import decimal_text

Row = Mapping[str, Any]
_OF_A_PRODUCT = ("id", "version", "lastModifiedAt", "taxCategory", "priceMode")
_OF_A_VARIANT = ("id", "sku", "prices")
STANDALONE = "Standalone"


def trimmed(row: Row) -> dict[str, Any]:
    """The product without texts, attributes and images."""
    kept = {name: row[name] for name in _OF_A_PRODUCT if name in row}
    master, others = row.get("masterVariant"), row.get("variants") or ()
    return {
        **kept,
        **({"masterVariant": _trimmed_variant(master)} if isinstance(master, Mapping) else {}),
        "variants": [_trimmed_variant(one) for one in others],
    }


def _trimmed_variant(variant: Row) -> dict[str, Any]:
    return {name: variant[name] for name in _OF_A_VARIANT if name in variant}


def variants_table(rows: Sequence[Row], scopes: Sequence[ListScope]) -> pd.DataFrame:
    """VARIANT_COLUMNS, one row a variant. Raises UnreadableRows for products with something that can't be read."""
    return read_rows(
        rows,
        lambda sound: price_table(VARIANT_COLUMNS, _variants(sound, scopes)),
        system=SYSTEM,
        what="products with their prices",
        shape=PRODUCT_OF_PRICES,
    )


def _variants(rows: Sequence[Row], scopes: Sequence[ListScope]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        tax = (row.get("taxCategory") or {}).get("id") or ""
        for variant in variants_in(row):
            yield _variant(row, variant, str(tax), scopes)


def _variant(row: Row, variant: Row, tax: str, scopes: Sequence[ListScope]) -> tuple[Any, ...]:
    listed = variant.get("prices") or ()
    prices = [Price.model_validate(price) for price in listed]
    offers: dict[str, list[dict[str, Any]]] = {}
    held: dict[str, Price] = {}
    for scope in scopes:
        found = [price for price in prices if scope.holds(price)]
        held |= {price.id: price for price in found}
        offers[scope.name] = [_offer(price, scope) for price in found]
    elsewhere = {price.value.currencyCode for price in prices if price.id not in held}
    carry: dict[str, Any] = {"n": variant["id"], "prices": {id: carried(price) for id, price in held.items()}}
    if not listed:
        carry["bare"] = True
    if row.get("priceMode") == STANDALONE:
        carry["standalone"] = True
    return (
        str(VariantKey(row["id"], variant["id"])),
        row["id"],
        variant.get("sku") or None,
        row["version"],
        row.get("lastModifiedAt"),
        None,
        tax,
        row.get("priceMode") == STANDALONE,
        offers,
        elsewhere,
        carry,
    )


def _offer(price: Price, scope: ListScope) -> dict[str, Any]:
    """One price as `retail_sync.records.prices` describes an offer."""
    return {
        "id": price.id,
        "amount": decimal_text(exact_amount(price.value)),
        "from": price.validFrom,
        "until": price.validUntil,
        "tiers": _tiers(price),
        "own": price.country == scope.country,
        "version": price.standalone,
    }


def _tiers(price: Price) -> list[list[Any]]:
    found = {
        int(tier["minimumQuantity"]): decimal_text(exact_amount(Money.model_validate(tier["value"])))
        for tier in price.tiers or ()
    }
    return [[units, amount] for units, amount in sorted(found.items())]
