"""The large shop as canonical tables, without any system: what plans are measured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from retail_sync.records.products import Kind, ProductTables, table
from retail_sync.records.types import plain_value
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.products.plan import LinkRef, PlanInput
from tests.benchmarks.shop import large_shop

AT = datetime(2026, 7, 1, tzinfo=UTC)
SETTINGS = ProductSettings.model_validate({"product_type": "apparel", "match": ["sku", "barcode"]})


def shop_tables(products: int, prefix: str, price_change: int = 0) -> ProductTables:
    """One side; its ids begin with `prefix`, its prices are higher by `price_change` cents."""
    rows: dict[Kind, list[dict[str, Any]]] = {"product": [], "variant": []}
    for draft in large_shop(products).products:
        product = f"{prefix}{draft['key']}"
        variants = [draft["masterVariant"], *draft["variants"]]
        seen = {"version": 1, "modified_at": AT, "carry": {"type": "apparel", "published": True}}
        rows["product"].append(
            {
                **seen,
                "id": product,
                "key": draft["key"],
                "listed": True,
                "name.de-DE": draft["name"]["de-DE"],
                "description.de-DE": draft["description"]["de-DE"],
                "brand": "Nordkamm",
                "category": "Jacken",
                "tax_class": "standard",
                "options": ["Farbe"] if len(variants) > 1 else [],
            }
        )
        for variant in variants:
            held = {attribute["name"]: attribute["value"] for attribute in variant["attributes"]}
            rows["variant"].append(
                {
                    **seen,
                    "id": f"{prefix}{variant['sku']}",
                    "product_id": product,
                    "sku": variant["sku"],
                    "barcodes": [held["barcode"]],
                    "option_values": [["Farbe", held["color"]]] if len(variants) > 1 else [],
                    "price": variant["prices"][0]["value"]["centAmount"] + price_change,
                    "currency": "EUR",
                    "active": True,
                }
            )
    return ProductTables(table("product", rows["product"]), table("variant", rows["variant"]))


def plan_input(left: ProductTables, right: ProductTables, *, linked: bool) -> PlanInput:
    """Everything is looked at. `linked`: all are linked, and what the right side shows was agreed on."""
    sides = {"commercetools": left, "lightspeed": right}
    links = {kind: _links(kind, right) if linked else [] for kind in _KINDS}
    affected = {s: {kind: set(side.of(kind)["id"]) for kind in _KINDS} for s, side in sides.items()}
    return PlanInput(sides, links, affected, SETTINGS, "de-DE")


_KINDS: tuple[Kind, Kind] = ("product", "variant")
_AGREED: Mapping[Kind, Mapping[str, str]] = {
    "product": {"name.de-DE": "text", "brand": "text"},
    "variant": {"price": "money", "sku": "text"},
}


def _links(kind: Kind, right: ProductTables) -> list[LinkRef]:
    frame = right.of(kind)
    columns = {name: frame[name].tolist() for name in (*_AGREED[kind], "id")}
    parents = frame["product_id"].tolist() if kind == "variant" else [None] * len(frame)
    links = []
    for position, (record, parent) in enumerate(zip(columns["id"], parents, strict=True)):
        base = {name: plain_value(type_, columns[name][position]) for name, type_ in _AGREED[kind].items()}
        link = LinkRef(kind, f"c{record[1:]}", record, f"{kind}-{position}", "sku", base)
        links.append(replace(link, parent=(f"c{parent[1:]}", parent)) if parent else link)
    return links
