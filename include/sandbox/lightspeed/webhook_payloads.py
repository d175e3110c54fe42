"""What a webhook says: JSON in the shapes of the API's old versions, which webhooks still have.

Fields are those of the public examples as far as the stand-in knows them; receivers should take the id and read again.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from include.sandbox.lightspeed.consignment_rows import Consignment
from include.sandbox.lightspeed.models import Product, Stock
from include.sandbox.lightspeed.rows import Record, Row
from include.sandbox.lightspeed.sale_rows import Sale, SaleLine, SalePayment

if TYPE_CHECKING:
    from include.sandbox.lightspeed.store import LightspeedStore

Json = dict[str, Any]


def payload_of(store: LightspeedStore, row: Row) -> Json:
    """The row as it is now. Call it under the store's lock."""
    if isinstance(row, Sale):
        return _sale(store, row)
    if isinstance(row, Stock):
        return _inventory(store, row)
    if isinstance(row, Product):
        return _product(store, row)
    if isinstance(row, Consignment):
        return _consignment(row)
    assert isinstance(row, Record)
    return _customer(row)


def _sale(store: LightspeedStore, sale: Sale) -> Json:
    tax = sum((line.tax * line.quantity for line in sale.lines), Decimal(0))
    price = sum((line.price * line.quantity for line in sale.lines), Decimal(0))
    paid = sum((one.amount for one in sale.payments if one.deleted_at is None), Decimal(0))
    customer = store.customers.rows.get(sale.customer_id or "")
    return {
        **_named(sale),
        "source": sale.source_type or "USER",
        "source_id": sale.source_id,
        "register_id": sale.register_id,
        "user_id": sale.user_id,
        "customer_id": sale.customer_id,
        "customer": _customer(customer) if customer is not None else None,
        "status": sale.status,
        "invoice_number": sale.invoice_number,
        "short_code": sale.short_code,
        "note": sale.note or None,
        "sale_date": sale.date,
        "totals": {
            "total_tax": float(tax),
            "total_price": float(price),
            "total_payment": float(paid),
            "total_to_pay": float(price + tax - paid),
        },
        "register_sale_products": [_line(line) for line in sale.lines],
        "register_sale_payments": [_payment(one) for one in sale.payments if one.deleted_at is None],
    }


def _line(line: SaleLine) -> Json:
    return {
        "id": line.id,
        "product_id": line.product_id,
        "quantity": float(line.quantity),
        "price": float(line.price),
        "price_set": line.is_price_override,
        "price_total": float(line.price * line.quantity),
        "discount": float(line.discount),
        "loyalty_value": float(line.loyalty),
        "tax": float(line.tax),
        "tax_id": line.tax_id,
        "tax_total": float(line.tax * line.quantity),
    }


def _payment(one: SalePayment) -> Json:
    return {
        "id": one.id,
        "amount": float(one.amount),
        "payment_date": one.date,
        "retailer_payment_type_id": one.config_id,
    }


def _inventory(store: LightspeedStore, stock: Stock) -> Json:
    """That product and outlet are nested is inferred; counts come as text."""
    outlet = store.outlets.rows[stock.outlet_id]
    return {
        "id": stock.id,
        "product_id": stock.product_id,
        "outlet_id": stock.outlet_id,
        "count": _text(stock.level),
        "reorder_point": _text(stock.reorder_point),
        "restock_level": _text(stock.reorder_amount),
        "attributed_cost": _text(stock.level * stock.average_cost),
        "product": _product(store, store.products.rows[stock.product_id]),
        "outlet": {"id": outlet.id, "name": outlet.name},
        "version": stock.version,
    }


def _product(store: LightspeedStore, product: Product) -> Json:
    levels = [row for row in store.stock.rows.values() if row.product_id == product.id]
    return {
        **_named(product),
        "retailer_id": store.retailer_id,
        "base_name": product.family.name,
        "name": " / ".join([product.family.name, *product.options.values()]),
        "handle": product.family.handle,
        "sku": product.sku,
        "active": product.active,
        "description": product.family.description or "",
        "supply_price": float(product.supply_price),
        "variant_parent_id": product.parent_id,
        "source": product.source,
        "source_id": product.source_id,
        "source_variant_id": product.source_variant_id,
        "inventory": [
            {
                "id": row.id,
                "product_id": row.product_id,
                "outlet_id": row.outlet_id,
                "count": float(row.level),
            }
            for row in levels
        ],
        "version": product.version,
    }


def _customer(row: Record) -> Json:
    """No version: the old shape has none."""
    given = {key: value for key, value in row.fields.items() if not isinstance(value, Decimal)}
    return {
        **given,
        "id": row.id,
        "contact_first_name": row.fields.get("first_name"),
        "contact_last_name": row.fields.get("last_name"),
        "created_at": _old(row.created_at),
        "updated_at": _old(row.updated_at),
        "deleted_at": _old(row.deleted_at),
    }


def _consignment(row: Consignment) -> Json:
    lines = [
        {"product_id": line.product_id, "count": _text(line.count), "received": _text(line.received)}
        for line in row.lines.values()
    ]
    return {**_named(row), "type": row.type, "status": row.status, "name": row.name, "products": lines}


def _named(row: Row) -> Json:
    return {
        "id": row.id,
        "created_at": _old(row.created_at),
        "updated_at": _old(row.updated_at),
        "deleted_at": _old(row.deleted_at),
        "version": row.version,
    }


def _old(moment: str | None) -> str | None:
    """`2026-01-01 00:00:00`, as the old versions print times."""
    return moment[:19].replace("T", " ") if moment else None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
