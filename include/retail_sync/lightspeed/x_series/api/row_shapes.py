"""What rows of X-Series have to look like before anything is made of them: the members that are read, and of what kind
each is (descriptions of API 2.0 and of the date versions).

Numbers come as numbers or as text, flags as flags or as 0 and 1; both are taken. Members nobody reads are not looked
at, and null is none of anything.
"""

from __future__ import annotations

from typing import Any

from retail_sync.lightspeed.x_series.api.product_members import PLACES
from retail_sync.records.checks import (
    Check,
    Shape,
    amount,
    each,
    either,
    flag,
    identifier,
    members,
    moment,
    needed,
    values,
    whole,
    word,
)


def some(check: Check) -> Check:
    """As `each`; a null in the list is nothing."""
    listed = each(check)

    def check_items(value: Any) -> str | None:
        return listed([item for item in value if item is not None] if isinstance(value, list) else value)

    return check_items


def _nothing_listed(value: Any) -> str | None:
    """An object without members, as some servers write it."""
    return None if value == [] else "is not an object"


_NAMED = either(members({"id": identifier, "name": word}), word)
"""Something with a name; where only a text stands, nothing is known of it."""
_PATHED = either(members({"name": word, "category_path": some(_NAMED)}), word)
_OF_EVERY_ROW: Shape = {"version": whole, "updated_at": moment, "deleted_at": moment}

PRODUCT: Shape = {
    **_OF_EVERY_ROW,
    "id": needed(identifier),
    "variant_parent_id": identifier,
    "family_id": identifier,
    "source_id": identifier,
    "sku": identifier,
    "name": word,
    "description": word,
    "has_variants": flag,
    "is_composite": flag,
    "has_inventory": flag,
    "active": flag,
    "is_active": flag,
    "variant_count": whole,
    "brand": _NAMED,
    "brand_id": identifier,
    "type": _PATHED,
    "product_type_id": identifier,
    "product_category": members({"name": word, "category_path": some(_NAMED)}),
    "categories": some(_NAMED),
    "tag_ids": some(identifier),
    "supplier": _NAMED,
    "supplier_id": identifier,
    "supplier_code": word,
    "supply_price": amount,
    "product_suppliers": some(
        members({"supplier_id": identifier, "supplier_name": word, "code": word, "price": amount})
    ),
    "product_codes": some(members({"type": word, "code": identifier})),
    "variant_options": some(members({"id": identifier, "name": word, "value": word})),
    "price_including_tax": amount,
    "price_excluding_tax": amount,
    "outlet_taxes": some(members({"outlet_id": identifier, "tax_id": identifier})),
    "composite_bom": either(values(needed(amount)), _nothing_listed),
    **{place.read: amount if place.type == "number" else word for place in PLACES.values()},
}
ARTICLE: Shape = {
    **_OF_EVERY_ROW,
    **{
        name: PRODUCT[name]
        for name in (
            "id",
            "sku",
            "price_including_tax",
            "price_excluding_tax",
            "supply_price",
            "outlet_taxes",
        )
    },
}
LEVEL: Shape = {
    "id": identifier,
    "product_id": needed(identifier),
    "outlet_id": needed(identifier),
    "version": whole,
    "deleted_at": moment,
    "current_inventory_level": amount,
    "inventory_level": amount,
    "current_amount": amount,
}
BOOK_LINE: Shape = {
    **_OF_EVERY_ROW,
    "id": needed(identifier),
    "product_id": needed(identifier),
    "price_book_id": identifier,
    "price": amount,
    "tax_id": identifier,
    "min_units": amount,
    "max_units": amount,
}
REASON: Shape = {"id": needed(identifier), "name": word, "type": word, "deleted_at": moment}
ADJUSTMENT: Shape = {
    "id": identifier,
    "product_id": identifier,
    "outlet_id": identifier,
    "quantity": amount,
    "version": whole,
}

_OF_A_CUSTOMER = (
    *(
        "first_name",
        "last_name",
        "company_name",
        "phone",
        "mobile",
        "date_of_birth",
        "fax",
        "website",
        "twitter",
    ),
    *("custom_field_1", "custom_field_2", "custom_field_3", "custom_field_4", "note", "gender"),
    *(
        f"{kind}_{part}"
        for kind in ("physical", "postal")
        for part in ("address_1", "address_2", "suburb", "city", "postcode", "state", "country_id")
    ),
)
CUSTOMER: Shape = {
    **_OF_EVERY_ROW,
    "id": needed(identifier),
    "customer_group_id": identifier,
    "customer_code": identifier,
    "email": identifier,
    **dict.fromkeys(_OF_A_CUSTOMER, word),
    "enable_loyalty": flag,
    "loyalty_balance": amount,
    "do_not_email": flag,
    "enable_promotional_sms": flag,
}

_PLACE = {"id": identifier, "outlet_id": identifier, "register_id": identifier, "type": word}
_LINE: Shape = {
    "id": identifier,
    "quantity": amount,
    "status": word,
    "sequence": whole,
    "note": word,
    "product_id": identifier,
    "product": members({"id": identifier}),
    "price": amount,
    "discount": amount,
    "pricing": members({"price": amount, "discount": amount}),
    "tax_id": identifier,
    "tax": either(members({"id": identifier, "amount": amount}), amount),
    "_metadata": members({"sequence": whole}),
}
_TENDER: Shape = {
    "id": identifier,
    "amount": amount,
    "date": moment,
    "payment_date": moment,
    "deleted_at": moment,
    "name": word,
    "retailer_payment_type_id": identifier,
    "type": either(members({"name": word, "config_id": identifier}), word),
}
SALE: Shape = {
    **_OF_EVERY_ROW,
    "id": needed(identifier),
    "state": needed(word),
    "date": moment,
    "sale_date": moment,
    "attributes": some(word),
    "outlet_id": identifier,
    "register_id": identifier,
    "customer_id": identifier,
    "invoice_number": identifier,
    "source": either(members(_PLACE), word),
    "source_id": identifier,
    "note": word,
    "return_for": identifier,
    "return": members({"original_sale_id": identifier, "return_sale_ids": some(identifier)}),
    "total_price": amount,
    "total_tax": amount,
    "total_loyalty": amount,
    "totals": members({"price_incl_tax": amount, "tax": amount, "loyalty": amount}),
    "_metadata": members({"version": whole}),
    "line_items": each(members(_LINE)),
    "payments": each(members(_TENDER)),
}
CONSIGNMENT: Shape = {
    "id": needed(identifier),
    "type": word,
    "status": word,
    "outlet_id": identifier,
    "due_at": moment,
    "deleted_at": moment,
}
CONSIGNED: Shape = {
    "product_id": identifier,
    "count": amount,
    "received": amount,
    "deleted_at": moment,
}
