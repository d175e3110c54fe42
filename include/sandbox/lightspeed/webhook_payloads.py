"""What webhooks carry: a form whose field `payload` is JSON in the shapes of the old API 0.9, not in today's.

Sales, products and customers have the fields of the official examples and of payloads seen in the wild. That a level
comes with its product and outlet is inferred, and of consignments nothing is known: they look as the old API's others.
Times are UTC, some as `2026-11-23 08:30:01`. Figures are numbers here and text there, as in the examples.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from sandbox.lightspeed.consignment_rows import Consignment, quantities_wire
from sandbox.lightspeed.customer_rules import CUSTOM_FIELDS, FIGURES
from sandbox.lightspeed.models import PriceBookProduct, Product, Stock
from sandbox.lightspeed.numerals import encode, plain, plain_or_none
from sandbox.lightspeed.prices import money, tax_rate
from sandbox.lightspeed.rows import TIMES, Record, Row, Table, picked
from sandbox.lightspeed.sale_rows import Sale, SaleLine, SalePayment
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.wire import variant_name, variant_options

Json = dict[str, Any]

ENVIRONMENT = "prod"
"""Which values there are is not documented."""


def payload_of(store: StoreState, row: Row) -> Json:
    """The row as it is now. Call it under the store's lock."""
    if isinstance(row, Sale):
        return _sale(store, row)
    if isinstance(row, Stock):
        return _level(store, row)
    if isinstance(row, Product):
        return _product(store, row)
    if isinstance(row, Consignment):
        return _consignment(store, row)
    assert isinstance(row, Record)
    return _whole_customer(row)


def form_of(store: StoreState, kind: str, payload: Json) -> bytes:
    """The body of a delivery. Only `payload` is promised by the description; the others are seen to come."""
    fields = {
        "payload": encode(payload).decode(),
        "domain_prefix": store.domain_prefix,
        "environment": ENVIRONMENT,
        "retailer_id": store.retailer_id,
        "type": kind,
    }
    return urlencode(fields).encode()


def _sale(store: StoreState, sale: Sale) -> Json:
    """`sale.update`"""
    customer = store.customers.rows.get(sale.customer_id or "")
    price = sum((line.price * line.quantity for line in sale.lines), Decimal(0))
    return {
        **picked(
            sale,
            "id source_id register_id user_id customer_id status invoice_number short_code version",
        ),
        "source": sale.source_type or "USER",
        "user": _user(store.users.rows[sale.user_id]),
        "customer": _customer(customer) | {"points": 0} if customer is not None else None,
        "note": sale.note or None,
        "return_for": sale.original_id,
        "sale_date": _moment(sale.date).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **_times(sale),
        "totals": {
            "total_tax": money(store, sale.total - price),
            "total_price": money(store, price),
            "total_payment": money(store, sale.paid),
            "total_to_pay": money(store, sale.total - sale.paid),
            "total_loyalty": money(store, sale.loyalty),
        },
        "taxes": _taxes(store, sale),
        "register_sale_products": [_sale_line(store, line) for line in sale.lines],
        "register_sale_payments": [
            _payment(store, each) for each in sale.payments if each.deleted_at is None
        ],
    }


def _product(store: StoreState, product: Product) -> Json:
    """`product.update`"""
    family = product.family
    supplier_id = product.suppliers[0].supplier_id if product.suppliers else None
    return {
        **picked(product, "id sku active source source_id source_variant_id version"),
        "retailer_id": store.retailer_id,
        "base_name": family.name,
        "name": variant_name(product),
        "handle": family.handle,
        "description": family.description or "",
        "supply_price": money(store, product.supply_price),
        "attributed_cost": None,
        "button_order": 0,
        "brand": _named(store.brands, family.brand_id),
        "product_type": _named(store.categories, family.category_id),
        "supplier": _named(store.suppliers, supplier_id),
        "categories": [_named(store.tags, tag_id) for tag_id in family.tag_ids],
        "variant_parent_id": product.parent_id,
        "variant_options": variant_options(store, product),
        "inventory": [_figures(row) | {"count": plain(row.level)} for row in store.stock_of(product.id)],
        "price_book_entries": [
            _price(store, row) for row in store.price_book_products.of_product(product.id)
        ],
        "taxes": [
            {"outlet_id": outlet.id, "tax_id": _tax_at(product, outlet)} for outlet in store.outlets.live()
        ],
        **_times(product),
    }


def _whole_customer(customer: Record) -> Json:
    """`customer.update`. It has no version."""
    fields = customer.fields
    kept = ("phone", "mobile", "fax", "company_name", "date_of_birth", "note", *CUSTOM_FIELDS)
    return {
        **_customer(customer),
        **{name: fields.get(name) for name in kept},
        "deleted_at": _old_time(customer.deleted_at),
    }


def _level(store: StoreState, row: Stock) -> Json:
    """`inventory.update`"""
    return {
        **_figures(row),
        "product": _product(store, store.products.rows[row.product_id]),
        "outlet": _outlet(store, row.outlet_id),
        "version": row.version,
    }


def _consignment(store: StoreState, row: Consignment) -> Json:
    """`consignment.send` and `consignment.receive`, as the consignment is now."""
    fields = row.fields
    kept = [
        "name",
        "type",
        "status",
        "outlet_id",
        "source_outlet_id",
        "supplier_id",
        "supplier_invoice",
        "reference",
    ]
    return {
        "id": row.id,
        "retailer_id": store.retailer_id,
        **{name: fields.get(name) for name in kept},
        **{name: _old_time(fields.get(name)) for name in ("consignment_date", "due_at", "received_at")},
        "outlet": _outlet(store, fields["outlet_id"]),
        "source_outlet": _outlet(store, fields.get("source_outlet_id")),
        "consignment_products": [
            picked(line, "id product_id") | quantities_wire(line) for line in row.lines.values()
        ],
        **_times(row),
        "version": row.version,
    }


def _customer(customer: Record) -> Json:
    """What a sale tells of its customer, too."""
    fields = customer.fields
    named = [
        "customer_code",
        "first_name",
        "last_name",
        "email",
        "customer_group_id",
        "enable_loyalty",
        "do_not_email",
    ]
    return {
        "id": customer.id,
        **{name: fields[name] for name in (*named, *FIGURES)},
        "contact_first_name": fields["first_name"],
        "contact_last_name": fields["last_name"],
        "sex": fields["gender"],
        "created_at": _old_time(customer.created_at),
        "updated_at": _old_time(customer.updated_at),
    }


def _user(user: Record) -> Json:
    return {
        "id": user.id,
        "name": user.fields["username"],
        "display_name": user.fields["display_name"],
        "email": user.fields["email"],
        "created_at": _old_time(user.created_at),
        "updated_at": _old_time(user.updated_at),
        "target_daily": None,
    }


def _taxes(store: StoreState, sale: Sale) -> list[Json]:
    amounts: dict[str, Decimal] = {}
    for line in sale.lines:
        amounts[line.tax_id] = amounts.get(line.tax_id, Decimal(0)) + line.tax * line.quantity
    return [
        {
            "id": tax_id,
            "name": store.taxes.rows[tax_id].name,
            "rate": plain(tax_rate(store, tax_id)),
            "tax": money(store, amount),
        }
        for tax_id, amount in amounts.items()
    ]


def _sale_line(store: StoreState, line: SaleLine) -> Json:
    return {
        **picked(line, "id product_id tax_id"),
        "quantity": plain(line.quantity),
        "price": money(store, line.price),
        "price_set": line.is_price_override,
        "price_total": money(store, line.price * line.quantity),
        "discount": money(store, line.discount),
        "loyalty_value": money(store, line.loyalty),
        "tax": money(store, line.tax),
        "tax_total": money(store, line.tax * line.quantity),
    }


def _payment(store: StoreState, payment: SalePayment) -> Json:
    kind = store.payment_types.rows[payment.config_id]
    type_id = kind.fields["type_id"]
    return {
        "id": payment.id,
        "amount": money(store, payment.amount),
        "payment_date": _moment(payment.date).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "payment_type_id": type_id,
        "payment_type": {"id": str(type_id), "name": kind.name, "has_native_support": False},
        "retailer_payment_type_id": kind.id,
        "retailer_payment_type": {
            "id": kind.id,
            "name": kind.name,
            "payment_type_id": str(type_id),
            "config": None,
        },
    }


def _price(store: StoreState, row: PriceBookProduct) -> Json:
    """An entry is for one group in the old API; of several, the first is told."""
    book = store.price_books.rows[row.price_book_id].fields
    group = store.customer_groups.rows[book["customer_group_ids"][0]]
    return {
        **picked(row, "id product_id"),
        **{name: book[name] for name in ("type", "valid_from", "valid_to")},
        "price": money(store, row.price),
        "customer_group_id": group.id,
        "customer_group_name": group.name,
        "min_units": plain_or_none(row.min_units),
        "max_units": plain_or_none(row.max_units),
    }


def _figures(row: Stock) -> Json:
    """All of it is text, as in the example; the cost is that of all units together."""
    return {
        **picked(row, "id product_id outlet_id"),
        "count": f"{plain(row.level)}",
        "reorder_point": f"{plain(row.reorder_point or Decimal(0))}",
        "restock_level": f"{plain(row.reorder_amount or Decimal(0))}",
        "attributed_cost": f"{row.average_cost * row.level:.2f}",
    }


def _outlet(store: StoreState, outlet_id: str | None) -> Json | None:
    if outlet_id is None:
        return None
    outlet = store.outlets.rows[outlet_id]
    return {
        "id": outlet.id,
        "retailer_id": store.retailer_id,
        "name": outlet.name,
        "time_zone": outlet.fields["time_zone"],
        "tax_id": outlet.fields["default_tax_id"],
    }


def _tax_at(product: Product, outlet: Record) -> str:
    return product.outlet_taxes.get(outlet.id) or product.tax_id or outlet.fields["default_tax_id"]


def _named(table: Table[Record], row_id: str | None) -> Json | None:
    return None if row_id is None else {"id": row_id, "name": table.rows[row_id].name}


def _times(row: Row) -> Json:
    return {name: _old_time(time) for name, time in picked(row, TIMES).items()}


def _old_time(text: str | None) -> str | None:
    return _moment(text).strftime("%Y-%m-%d %H:%M:%S") if text else None


def _moment(text: str) -> datetime:
    """Callers give some times themselves, in zones of their own or in none."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
