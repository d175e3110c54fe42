"""A shop as files: reads a folder of commercetools export CSVs and JSON drafts, and puts it into the sandbox.

The layout is the one commercetools uses for its published sample shops: product CSVs with one row a variant,
drafts as JSON, and (ours) an optional `lightspeed.json` for the till side. `sample/` holds a shop in that
layout, with known bad records listed in `sample/bad-records.md`.

This room knows the file layout and the two systems' draft shapes. It must not know the synchronisation: no
records, ledger, settings or adapters.
"""

from sandbox.shop.config import default_config
from sandbox.shop.load import SAMPLE_SHOP, load_shop
from sandbox.shop.model import LightspeedShop, Shop, ShopError

__all__ = ["SAMPLE_SHOP", "LightspeedShop", "Shop", "ShopError", "default_config", "load_shop"]
