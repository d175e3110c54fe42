"""What the lines of sales sell, by the till's id of the product: from the mirror and the links of the products
entity."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.skus import Key, sku_key_of, sku_keys
from retail_sync.sync.sales.plan import Article

PRODUCTS, VARIANT, PRODUCT = "products", "variant", "product"


def articles_of(ledger: Ledger, settings: SyncSettings, products: Collection[str]) -> dict[str, Article]:
    """Articles with these ids that `products` has read, deleted ones too: they were sold once.

    The SKU online is that of the linked variant; without a link, the article's own if exactly one variant bears it.
    A sale never waits for the catalogue: a product nobody read is not in the answer."""
    if not products:
        return {}
    till = ledger.mirror.cells(PRODUCTS, VARIANT, "lightspeed", ids=products)
    if till.empty:
        return {}
    name = f"name.{settings.shop.till_locale}"
    families = ledger.mirror.cells(
        PRODUCTS, PRODUCT, "lightspeed", fields=(name,), ids=set(till["parent_id"].dropna())
    )
    names = dict(zip(families["id"], families[name], strict=True))
    key = sku_key_of(settings.products)
    linked, free = _online_skus(ledger, till, key)
    return {
        str(one): Article(
            sku=linked.get(str(one)) or free.get(key(_text(own) or "")),
            till_sku=_text(own),
            name=_text(names.get(parent)) or "",
        )
        for one, own, parent in zip(till["id"], till["label"], till["parent_id"], strict=True)
    }


def _online_skus(ledger: Ledger, till: pd.DataFrame, key: Key) -> tuple[dict[str, str], dict[str, str]]:
    """SKUs as they are spelled online, by id of the linked article; and by the key of an article's own SKU, where one
    variant alone bears it."""
    links = ledger.links.pairs(PRODUCTS, VARIANT, lightspeed_ids=set(till["id"]))
    online = ledger.mirror.cells(PRODUCTS, VARIANT, "commercetools", ids=set(links["commercetools_id"]))
    online = online[online["deleted_at"].isna()]
    skus = {str(one): _text(sku) for one, sku in zip(online["id"], online["label"], strict=True)}
    pairs = zip(links["commercetools_id"], links["lightspeed_id"], strict=True)
    linked = {str(theirs): sku for ours, theirs in pairs if (sku := skus.get(str(ours)))}
    named = ledger.mirror.cells(
        PRODUCTS, VARIANT, "commercetools", alike={one for one in till["label"].dropna() if one}
    )
    living = named.loc[named["deleted_at"].isna(), "label"]
    keys = sku_keys(living, key)
    alone = ~keys.duplicated(keep=False)
    return linked, dict(zip(keys[alone], living[alone], strict=True))


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) and value else None
