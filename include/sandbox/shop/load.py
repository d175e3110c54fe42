"""A shop folder to a `Shop`."""

from __future__ import annotations

from pathlib import Path

from sandbox.shop.catalog import Categories, ProductTypes, TaxCategories
from sandbox.shop.documents import read_customers, read_inventory, read_orders
from sandbox.shop.files import read_drafts, read_json, without_empty
from sandbox.shop.model import Draft, Shop, ShopError
from sandbox.shop.products import read_products
from sandbox.shop.till import derived_till, read_till

SAMPLE_SHOP = Path(__file__).parent / "sample"
_NOT_PRODUCTS = frozenset({"categories.csv", "inventories.csv", "orders.csv"})
EXPORT = "OrderExport"


def load_shop(path: Path, *, till_country: str | None = None) -> Shop:
    """Read the shop folder at `path`.

    Every CSV other than categories, inventories and orders holds products. A folder without `lightspeed.json`
    gets a till side derived from the online shop, without products, in the country most is sold in, or in
    `till_country`. Raises ShopError (file, row, remedy).
    """
    if not path.is_dir():
        raise ShopError(
            "is not a folder.", file=path, remedy="Name the folder that holds the shop's CSV and JSON files."
        )
    project = _project(path / "project.json")
    locales = [str(locale) for locale in project["languages"]]
    categories = Categories(path / "categories.csv", locales)
    taxes = TaxCategories(path / "tax-categories.json")
    types = ProductTypes(path / "product-type.json")
    files = sorted(file for file in path.glob("*.csv") if file.name not in _NOT_PRODUCTS)
    if not files:
        raise ShopError(
            "holds no product CSV.", file=path, remedy="Put the product export (one row a variant) there."
        )
    products = read_products(files, locales, types, categories, taxes)
    channels = _named(path / "channels.json")
    stores = _named(path / "stores.json")
    till_file = path / "lightspeed.json"
    if till_file.exists():
        till = read_till(till_file)
    else:
        till = derived_till(
            path.resolve().name, project, taxes.drafts, channels, stores, products, till_country
        )
        channels = [*channels, *_export_channel(channels)]
    return Shop(
        path=path,
        name=path.resolve().name if till.derived else str(till.retailer["name"]),
        project=project,
        types=_named(path / "types.json"),
        product_types=types.drafts,
        tax_categories=taxes.drafts,
        categories=categories.drafts,
        channels=channels,
        stores=stores,
        zones=_named(path / "zones.json"),
        shipping_methods=_named(path / "shipping-methods.json"),
        products=products,
        inventory=read_inventory(path / "inventories.csv"),
        customers=read_customers(path / "customers.json"),
        orders=read_orders(path / "orders.csv", products),
        lightspeed=till,
        customer_groups=_named(path / "customer-groups.json"),
    )


def _export_channel(channels: list[Draft]) -> list[Draft]:
    """The channel with which orders are marked that have reached the till, for a shop that never had one."""
    if any(EXPORT in channel.get("roles", ()) for channel in channels):
        return []
    return [{"key": "lightspeed", "roles": [EXPORT, "OrderImport"]}]


def _project(file: Path) -> Draft:
    project = read_json(file)
    missing = [name for name in ("currencies", "countries", "languages") if not project.get(name)]
    if missing:
        raise ShopError(
            f"names no {', '.join(missing)}.", file=file, remedy="Give each a list with at least one entry."
        )
    return dict(project)


def _named(file: Path) -> list[Draft]:
    return [without_empty(draft) for draft in read_drafts(file)]
