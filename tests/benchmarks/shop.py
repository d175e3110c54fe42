"""A shop of thousands of products: what the sample shop is made of, in many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.shop import SAMPLE_SHOP, Shop, load_shop

VARIANTS = (1, 1, 1, 3, 3, 3, 3, 5, 5, 5)
"""Variants of ten products in turn: three on average, and a third of the products have only one."""
COLORS = ("black", "moss", "navy", "rust", "sand")
BRANDS = ("nordkamm", "talwind", "bergfalter", "moorlaeufer", "uferlicht")
SUPPLIERS = ("Nordkamm Vertrieb GmbH", "Talwind Outdoor Inc.", "Bergfalter Ltd.", "Moorläufer AG")
ACTIVITIES = (["hiking", "trekking"], ["climbing"], ["camping", "everyday"], ["bike"])
CATEGORIES = ("jacken", "hosen", "oberteile")
NAMES = len(BRANDS) + len(SUPPLIERS) + len({t for tags in ACTIVITIES for t in tags}) + len(CATEGORIES) + 1
"""What products refer to by name and an empty till does not have; the last one is the option `color`."""
PROSE = (
    "Leichte Hartschale für lange Regentage, alle Nähte verklebt. Zwei Außentaschen, eine Innentasche mit "
    "Reißverschluss, die Kapuze passt über einen Helm. Das Futter lässt sich herausnehmen und getrennt waschen."
)


def large_shop(products: int) -> Shop:
    """`products` products, three times as many variants, and a till that holds none of them yet."""
    sample = load_shop(SAMPLE_SHOP)
    till = replace(
        sample.lightspeed, families=[], price_books=[], brands=[], suppliers=[], tags=[], categories=[]
    )
    return replace(
        sample,
        products=[_product(number) for number in range(products)],
        inventory=[],
        customers=[],
        orders=[],
        lightspeed=till,
    )


def with_families(shop: Shop) -> Shop:
    """The same shop with all its products at the till already."""
    families = [_family(draft) for draft in shop.products]
    till = replace(shop.lightspeed, families=families, suppliers=list(SUPPLIERS))
    return replace(shop, lightspeed=till)


def _family(draft: dict[str, Any]) -> dict[str, Any]:
    variants = [draft["masterVariant"], *draft["variants"]]
    held = [{a["name"]: a["value"] for a in variant["attributes"]} for variant in variants]
    several = len(variants) > 1
    return {
        "name": draft["name"]["de-DE"],
        "description": draft["description"]["de-DE"],
        "supplier": held[0]["supplier"],
        "tax": "MwSt 19 %",
        "options": ["Farbe"] if several else [],
        "variants": [
            {
                "sku": variant["sku"],
                "codes": [{"type": "EAN", "code": values["barcode"]}],
                "options": [values["color"]] if several else [],
                "price": f"{variant['prices'][0]['value']['centAmount'] / 100:.2f}",
                "supply_price": "24.50",
                "supplier_code": values["supplier-code"],
            }
            for variant, values in zip(variants, held, strict=True)
        ],
    }


def _product(number: int) -> dict[str, Any]:
    size = VARIANTS[number % len(VARIANTS)]
    master, *others = [_variant(number, position) for position in range(size)]
    category = CATEGORIES[number % len(CATEGORIES)]
    return {
        "productType": {"typeId": "product-type", "key": "apparel"},
        "key": f"large-{number:05d}",
        "name": {"de-DE": f"Jacke Hochmoor {number:05d}", "en-GB": f"Hochmoor Jacket {number:05d}"},
        "slug": {"de-DE": f"jacke-{number:05d}", "en-GB": f"jacket-{number:05d}"},
        "description": {"de-DE": f"{PROSE} Nummer {number}.", "en-GB": f"Light hard shell, number {number}."},
        "categories": [{"typeId": "category", "key": category}],
        "priceMode": "Embedded",
        "publish": True,
        "taxCategory": {"typeId": "tax-category", "key": "standard"},
        "masterVariant": master,
        "variants": others,
    }


def _variant(number: int, position: int) -> dict[str, Any]:
    cents = 4_900 + (number * 37) % 20_000
    attributes = {
        "barcode": barcode(number * 10 + position),
        "supplier-code": f"LS{number:05d}-{position}",
        "brand": BRANDS[number % len(BRANDS)],
        "supplier": SUPPLIERS[number % len(SUPPLIERS)],
        "color": COLORS[position],
        "size": "M",
        "material": {"de-DE": "Recyceltes Polyamid", "en-GB": "Recycled polyamide"},
        "activities": ACTIVITIES[number % len(ACTIVITIES)],
        "waterproof": number % 2 == 0,
        "weight": 300 + number % 400,
        "purchase-price": {"currencyCode": "EUR", "centAmount": cents // 2},
    }
    return {
        "sku": f"LS-{number:05d}-{position}",
        "prices": [
            {"value": {"currencyCode": "EUR", "centAmount": cents}, "country": "DE"},
            {"value": {"currencyCode": "GBP", "centAmount": cents - 500}, "country": "GB"},
        ],
        "images": [
            {
                "url": f"https://images.example.com/{number:05d}-{position}.jpg",
                "dimensions": {"w": 1600, "h": 1200},
            }
        ],
        "attributes": [{"name": name, "value": value} for name, value in attributes.items()],
    }


def barcode(number: int) -> str:
    """An EAN-13 with its check digit."""
    digits = f"4099{number:08d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
