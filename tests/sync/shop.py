"""Small canonical shops for tests of the engine."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.products import ProductTables, table
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.products.plan import LinkRef, PlanInput

NOW = "2026-11-23T10:00:00Z"


def product(id: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "version": 1,
        "modified_at": NOW,
        "key": more.pop("key", ""),
        "listed": more.pop("listed", True),
        "name.en-GB": name,
        "brand": "Acme",
        "tax_class": "standard",
        "options": [],
        **more,
    }


def variant(id: str, product_id: str, sku: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "version": 1,
        "modified_at": NOW,
        "product_id": product_id,
        "sku": sku,
        "barcodes": [],
        "option_values": [],
        "price": 1000,
        "currency": "EUR",
        "active": True,
        **more,
    }


def side(products: list[dict[str, Any]], variants: list[dict[str, Any]]) -> ProductTables:
    empty_product, empty_variant = product("-", "-"), variant("-", "-", "-")
    return ProductTables(
        products=_without(table("product", [*products, empty_product])),
        variants=_without(table("variant", [*variants, empty_variant])),
    )


def _without(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["id"] != "-"].reset_index(drop=True)


def given(
    left: ProductTables,
    right: ProductTables,
    links: dict[str, list[LinkRef]] | None = None,
    affected: dict[str, dict[str, set[str]]] | None = None,
    settings: ProductSettings | None = None,
) -> PlanInput:
    everything = {
        system: {"product": set(tables.products["id"]), "variant": set(tables.variants["id"])}
        for system, tables in (("commercetools", left), ("lightspeed", right))
    }
    return PlanInput(
        sides={"commercetools": left, "lightspeed": right},
        links={"product": [], "variant": [], **(links or {})},
        affected=affected or everything,
        settings=settings or ProductSettings(product_type="main"),
        till_locale="en-GB",
        capabilities={
            "commercetools": Capabilities(whole_products=True, max_variants=100),
            "lightspeed": Capabilities(whole_products=False, max_options=3),
        },
    )
