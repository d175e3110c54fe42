"""Articles: what is one SKU online and one product at the till, with all that rules ask about it.

Taken from the mirror and the links of the products entity: stock follows what `products` has linked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import InventorySettings
from retail_sync.sync.engine.skus import Key, sku_key_of, sku_keys

PRODUCTS = "products"
_PRODUCT_FIELDS = ("tracked", "brand", "category", "tags")

ARTICLE_COLUMNS = (
    "product_id", "till_sku", "sku", "online_product", "tracked", "deleted", "brand", "category", "tags", "parts",
)  # fmt: skip
"""`product_id`: the till's variant. `sku`: online, NA = not sold online. `online_product`: id of the online product.
`tracked`: the till counts its stock. `tags`: JSON list. `parts`: JSON pairs of a composite, NA = it is none."""


def read_articles(
    ledger: Ledger, settings: SyncSettings, products: Collection[str] | None = None
) -> pd.DataFrame:
    """Articles of the till (all, or those with these ids): ARTICLE_COLUMNS and a column for each attribute an offer
    asks for. An article whose SKU another one has, too, is marked in `twin`."""
    inventory = settings.inventory
    attributes = _attributes(inventory)
    variants = ledger.mirror.cells(
        PRODUCTS, "variant", "lightspeed", fields=("sku", *attributes), identity=("parts",), ids=products
    )
    parents = None if products is None else set(variants["parent_id"].dropna())
    families = ledger.mirror.cells(
        PRODUCTS, "product", "lightspeed", fields=(*_PRODUCT_FIELDS, *attributes), ids=parents
    ).set_index("id")
    articles = pd.DataFrame(
        {
            "product_id": variants["id"],
            "till_sku": variants["sku"],
            "tracked": _of(families, variants, "tracked")
            .map({"true": True, "false": False})
            .astype("boolean"),
            "deleted": variants["deleted_at"].notna(),
            "brand": _of(families, variants, "brand"),
            "category": _of(families, variants, "category"),
            "tags": _of(families, variants, "tags"),
            "parts": variants["parts"].where(variants["parts"].notna() & (variants["parts"] != "[]")),
            **{name: variants[name].fillna(_of(families, variants, name)) for name in attributes},
        }
    )
    return _with_online_sku(ledger, settings, articles, products)


def _of(families: pd.DataFrame, variants: pd.DataFrame, name: str) -> pd.Series:
    found = families[name].reindex(variants["parent_id"].fillna(""))
    return pd.Series(found.array, index=variants.index, dtype="string")


def _attributes(inventory: InventorySettings) -> list[str]:
    return sorted({one.offer.attribute for one in inventory.channels if one.offer.attribute})


def _with_online_sku(
    ledger: Ledger, settings: SyncSettings, articles: pd.DataFrame, products: Collection[str] | None
) -> pd.DataFrame:
    """The SKU by the link, as the online shop spells it; of a composite, which `products` never links, and where the
    configuration says so of any article, by the same SKU on both sides, if one online variant alone has it."""
    key = sku_key_of(settings.products)
    pairs = ledger.links.pairs(PRODUCTS, "variant", lightspeed_ids=products)
    linked = pd.Series(
        pairs["commercetools_id"].array, index=pd.Index(pairs["lightspeed_id"]), dtype="string"
    )
    online_id = articles["product_id"].map(linked).astype("string")
    by_sku = online_id.isna() & articles["till_sku"].fillna("").ne("")
    if settings.inventory.identify != "sku":
        by_sku &= articles["parts"].notna()
    wanted = set(articles.loc[by_sku, "till_sku"])
    online = ledger.mirror.cells(
        PRODUCTS, "variant", "commercetools", ids=None if products is None else set(pairs["commercetools_id"])
    )
    if products is not None and wanted:
        named = ledger.mirror.cells(PRODUCTS, "variant", "commercetools", alike=wanted)
        online = pd.concat([online, named]).drop_duplicates("id")
    online = online[online["deleted_at"].isna() & online["label"].fillna("").ne("")]
    bearers = online["id"].set_axis(pd.Index(sku_keys(online["label"], key)))
    alone = bearers[~bearers.index.duplicated(keep=False)]
    till_keys = sku_keys(articles["till_sku"], key)
    found = till_keys.map(alone).astype("string").where(by_sku)
    candidates = set(found.dropna())
    if candidates:
        # What is linked to another article is not free to be found by its SKU.
        linked_already = ledger.links.pairs(PRODUCTS, "variant", commercetools_ids=candidates)
        online_id = online_id.fillna(found.mask(found.isin(linked_already["commercetools_id"])))
    rows = online.set_index("id")
    articles["sku"] = online_id.map(rows["label"]).astype("string")
    articles["online_product"] = online_id.map(rows["parent_id"]).astype("string")
    # Its namesake may not be among the articles that this run looks at.
    shared = _shared_till_skus(ledger, wanted, key) if products is not None else set()
    articles["twin"] = articles["sku"].notna() & (
        articles["sku"].duplicated(keep=False) | (by_sku & till_keys.isin(shared))
    )
    return articles


def _shared_till_skus(ledger: Ledger, skus: Collection[str], key: Key) -> set[str]:
    """Of these SKUs, the keys of those that several articles of the till have."""
    if not skus:
        return set()
    found = ledger.mirror.cells(PRODUCTS, "variant", "lightspeed", alike=skus)
    live = sku_keys(found.loc[found["deleted_at"].isna(), "label"], key)
    return set(live[live.duplicated()])


def products_of_skus(ledger: Ledger, settings: SyncSettings, skus: Collection[str]) -> set[str]:
    """Till ids of the articles that are sold online under these SKUs, as the online shop or a person spells them."""
    if not skus:
        return set()
    key = sku_key_of(settings.products)
    wanted = set(map(key, skus))
    online = _called(ledger, "commercetools", skus, wanted, key)
    links = ledger.links.read(PRODUCTS, "variant", commercetools_ids=set(online["id"]))
    found = {link.lightspeed_id for link in links}
    till = _called(ledger, "lightspeed", skus, wanted, key, identity=("parts",))
    if settings.inventory.identify != "sku":
        till = till[till["parts"].fillna("[]").ne("[]")]
    return found | set(till["id"])


def _called(
    ledger: Ledger, system: str, skus: Collection[str], wanted: Collection[str], key: Key, **cells: Any
) -> pd.DataFrame:
    """Variants of a system with these SKUs, however each is spelled."""
    found = ledger.mirror.cells(PRODUCTS, "variant", system, alike=skus, **cells)
    return found[sku_keys(found["label"], key).isin(list(wanted))]
