"""The shop in memory: its tables, its indexes, and the hands of the people who work in it.

The `add_...` methods set a shop up; `edit_product`, `delete_product`, `set_stock`, `sell` and the like are what an
assistant does in the shop's own screens. None of them asks for a token or a request budget, and those for products
accept what an old store may hold: duplicate names, SKUs and codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.clock import Clock
from sandbox.lightspeed import (
    catalogue,
    counter,
    customer_desk,
    payloads,
    price_books,
    price_entries,
    sales,
    stock,
    stockroom,
)
from sandbox.lightspeed.consignment_rows import Consignment
from sandbox.lightspeed.customer_table import CustomerTable
from sandbox.lightspeed.locks import TellingLock
from sandbox.lightspeed.models import Family, Image, OutletTax, Product, Stock
from sandbox.lightspeed.options import StoreOptions
from sandbox.lightspeed.price_rows import PriceRows, price_row_wire
from sandbox.lightspeed.rows import Record, Table, Ticker
from sandbox.lightspeed.sale_rows import Sale
from sandbox.lightspeed.sale_wire import sale_wire
from sandbox.lightspeed.tokens import TokenBook
from sandbox.lightspeed.webhooks import Webhooks
from sandbox.lightspeed.wire import product_wire

Number = Decimal | int | str
"""A figure without float noise: 19.99 is written as "19.99"."""

FIRST_GENERATED_SKU = 10_000
CURRENCY_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "NZD": "$", "AUD": "$", "CHF": "CHF"}


class LightspeedStore:
    """One retailer. Hold `lock` for anything that spans several calls; every method takes it by itself."""

    def __init__(
        self,
        *,
        domain_prefix: str = "sandbox",
        name: str = "Sandbox Store",
        currency: str = "EUR",
        country: str = "DE",
        time_zone: str = "Europe/Berlin",
        tax_exclusive: bool = False,
        seed: int = 0,
        clock: Clock | None = None,
        options: StoreOptions | None = None,
    ) -> None:
        self.lock = TellingLock(lambda: self.hooks.tell())
        self.clock = clock or Clock()
        self.options = options or StoreOptions()
        self.domain_prefix = domain_prefix
        self.name = name
        self.currency = currency
        self.country = country
        self.time_zone = time_zone
        self.tax_exclusive = tax_exclusive
        self.ticker = Ticker(seed, self.clock)
        self.tokens = TokenBook(self.ticker, self.options, domain_prefix)
        self._make_tables()
        self.hooks = Webhooks(self, seed)
        self.hooks.watch()
        self._make_what_every_store_has()

    def _make_tables(self) -> None:
        self.outlets: Table[Record] = Table(self.ticker)
        self.registers: Table[Record] = Table(self.ticker)
        self.payment_types: Table[Record] = Table(self.ticker)
        self.users: Table[Record] = Table(self.ticker)
        self.taxes: Table[Record] = Table(self.ticker)
        self.brands: Table[Record] = Table(self.ticker)
        self.tags: Table[Record] = Table(self.ticker)
        self.suppliers: Table[Record] = Table(self.ticker)
        self.categories: Table[Record] = Table(self.ticker)
        self.variant_attributes: Table[Record] = Table(self.ticker)
        self.customers: CustomerTable = CustomerTable(
            self.ticker,
            lambda: (self.options.customer_search_lag_writes, self.options.customer_search_lag_seconds),
        )
        self.customer_groups: Table[Record] = Table(self.ticker)
        self.price_books: Table[Record] = Table(self.ticker)
        self.price_book_products = PriceRows(self.ticker)
        self.webhooks: Table[Record] = Table(self.ticker)
        self.adjustments: Table[Record] = Table(self.ticker)
        self.adjustment_reasons: Table[Record] = Table(self.ticker)
        self.products: Table[Product] = Table(self.ticker)
        self.stock: Table[Stock] = Table(self.ticker)
        self.sales: Table[Sale] = Table(self.ticker)
        self.consignments: Table[Consignment] = Table(self.ticker)
        self.outlet_taxes: Table[OutletTax] = Table(self.ticker)
        self.images: Table[Image] = Table(self.ticker)
        self.stock_ids: dict[tuple[str, str], str] = {}
        self._codes: dict[str, set[str]] = {}
        self._families: dict[str, list[Family]] = {}
        self._handles: set[str] = set()
        self._children_of_categories: dict[str, int] = {}
        self._next_sku = FIRST_GENERATED_SKU
        self.product_updates = 0

    def _make_what_every_store_has(self) -> None:
        self.retailer_id = self.new_id()
        self.discount_product_id = self.new_id()
        self.no_tax_id = self.add_tax("No Tax", 0)
        self.user_id = self.users.add(Record(id=self.new_id(), fields=_owner(self.domain_prefix))).id
        self.all_customers_id = self.customer_groups.add(
            Record(id=self.new_id(), fields={"name": "All Customers", "group_id": None})
        ).id
        self.add_payment_type("Cash", 1)
        self.add_payment_type("Credit Card", 5)
        base = price_books.book_fields(self, {"name": "General Price Book"}, None) | {"type": "BASE"}
        self.base_book_id = self.price_books.add(Record(id=self.new_id(), fields=base)).id

    # Setting the shop up.

    def add_outlet(self, name: str, *, default_tax_id: str | None = None, **fields: Any) -> str:
        """A shop of the retailer. Without a tax it takes the default one."""
        with self.lock:
            place: dict[str, Any] = {
                "name": name,
                "time_zone": self.time_zone,
                "default_tax_id": default_tax_id or self.default_tax_id(),
                "currency": self.currency,
                "currency_symbol": CURRENCY_SYMBOLS.get(self.currency, self.currency),
                "display_prices": "exclusive" if self.tax_exclusive else "inclusive",
                "physical_country_id": self.country,
                "attributes": [],
            }
            outlet = self.outlets.add(Record(id=self.new_id(), fields=place | fields))
            if len(self.outlets.rows) == 1:
                # Its tax is the default of products from now on.
                price_books.follow_all_products(self)
            return outlet.id

    def add_register(self, name: str, outlet_id: str, *, is_open: bool = True, **fields: Any) -> str:
        """A till at an outlet; each one adds to the request budget."""
        with self.lock:
            till = {
                "name": name,
                "outlet_id": outlet_id,
                "is_open": is_open,
                "invoice_prefix": "",
                "invoice_suffix": "",
                "invoice_sequence": 1,
                "register_open_time": self.ticker.now_text() if is_open else None,
                "register_close_time": None,
                "register_open_sequence_id": self.new_id() if is_open else None,
                "cash_managed_payment_type_id": None,
                "ask_for_note_on_save": 0,
            }
            return self.registers.add(Record(id=self.new_id(), fields=till | fields)).id

    def open_register(self, register_id: str) -> None:
        """Somebody opens a till; one that is open stays as it is."""
        with self.lock:
            row = self.registers.rows[register_id]
            if not row.fields["is_open"]:
                row.fields |= {
                    "is_open": True,
                    "register_open_time": self.ticker.now_text(),
                    "register_close_time": None,
                    "register_open_sequence_id": self.new_id(),
                }
                self.registers.touch(row)

    def close_register(self, register_id: str) -> None:
        """Somebody counts the cash of a till and closes it: it takes no sale until it is opened again."""
        with self.lock:
            row = self.registers.rows[register_id]
            if row.fields["is_open"]:
                row.fields |= {
                    "is_open": False,
                    "register_close_time": self.ticker.now_text(),
                    "register_open_sequence_id": None,
                }
                self.registers.touch(row)

    def add_tax(self, name: str, rate: Number, *, is_default: bool = False) -> str:
        """A tax; 0.19 is 19 %."""
        return self.add_tax_group(name, [(name, rate)], is_default=is_default)

    def add_tax_group(
        self, name: str, rates: Iterable[tuple[str, Number]], *, is_default: bool = False
    ) -> str:
        """A tax of several rates with their names, which are added up: 0.05 and 0.08 are 13 %."""
        with self.lock:
            if is_default:
                for tax in self.taxes.live():
                    tax.fields["is_default"] = False
            kept = [
                {
                    "id": self.new_id(),
                    "name": rate_name,
                    "display_name": rate_name,
                    "rate": Decimal(rate),
                    "rules": [],
                }
                for rate_name, rate in rates
            ]
            fields = {"name": name, "display_name": name, "is_default": is_default, "rates": kept}
            tax_id = self.taxes.add(Record(id=self.new_id(), fields=fields)).id
            if is_default and not self.outlets.rows:
                price_books.follow_all_products(self)
            return tax_id

    def add_payment_type(self, name: str, type_id: int) -> str:
        """A way to pay. `type_id` is the global kind, which is not unique."""
        with self.lock:
            return self.payment_types.add(
                Record(id=self.new_id(), fields={"name": name, "type_id": type_id, "config": None})
            ).id

    def add_brand(self, name: str, description: str | None = None) -> str:
        """A brand."""
        with self.lock:
            return self.brands.add(
                Record(id=self.new_id(), fields={"name": name, "description": description})
            ).id

    def add_tag(self, name: str) -> str:
        """A tag."""
        with self.lock:
            return self.tags.add(Record(id=self.new_id(), fields={"name": name})).id

    def add_customer_group(self, name: str) -> str:
        """A group of customers."""
        with self.lock:
            fields = {"name": name, "group_id": None}
            return self.customer_groups.add(Record(id=self.new_id(), fields=fields)).id

    def add_customer(self, **fields: Any) -> str:
        """A customer; fields as in `POST /customers`, none of them needed, and the figures that only sales move:
        `balance`, `loyalty_balance`, `year_to_date`. Returns the id."""
        with self.lock:
            return customer_desk.add(self, fields)

    def add_price_book(
        self,
        name: str,
        *,
        customer_groups: Iterable[str] = (),
        outlets: Iterable[str] = (),
        valid_from: str | None = None,
        valid_to: str | None = None,
        platform: str = price_books.EVERYWHERE,
    ) -> str:
        """An empty price book. Groups and outlets are ids, none of them means all; times are RFC 3339 text; the
        platform is "0" for all, "1" for the till, "2" for the web shop."""
        with self.lock:
            given = {
                "name": name,
                "customer_group_ids": list(customer_groups),
                "outlet_ids": list(outlets),
                "valid_from": valid_from,
                "valid_to": valid_to,
                "restrict_to_platform": platform,
            }
            fields = price_books.book_fields(self, given, None)
            return self.price_books.add(Record(id=self.new_id(), fields=fields)).id

    def add_supplier(self, name: str, **fields: Any) -> str:
        """A supplier."""
        with self.lock:
            kept = {"name": name, "source": "USER"} | fields
            return self.suppliers.add(Record(id=self.new_id(), fields=kept)).id

    def add_variant_attribute(self, name: str) -> str:
        """What variants may differ in, for example Colour."""
        with self.lock:
            return self.variant_attributes.add(Record(id=self.new_id(), fields={"name": name})).id

    def add_category(self, name: str, parent_id: str | None = None) -> str:
        """A product category. Its parent is no leaf any more and can take no products."""
        with self.lock:
            fields = {"name": name, "parent_category_id": parent_id}
            category = self.categories.add(Record(id=self.new_id(), fields=fields))
            self.count_children(parent_id, 1)
            return category.id

    def add_product_family(
        self,
        name: str,
        *,
        variants: Sequence[Mapping[str, Any]] = (),
        track_inventory: bool = True,
        **fields: Any,
    ) -> list[str]:
        """A standard product, or a family with `variants`; fields as in `POST /products`, and `price` for the price in
        the store's own tax mode. Figures are Decimal, int or text. Duplicates are accepted.

        Returns ids, the parent first.
        """
        with self.lock:
            given: dict[str, Any] = {
                "name": name,
                "track_inventory": track_inventory,
                **self._seed_prices(fields),
            }
            if variants:
                given["variants"] = [self._seed_prices(variant) for variant in variants]
            return [product.id for product in catalogue.create(self, given, checked=False)]

    def add_composite(self, name: str, parts: Sequence[tuple[str, Number]], **fields: Any) -> str:
        """A product that is made of others, (product id, quantity): it has no stock of its own, its parts have."""
        composite = [{"product_id": part, "quantity": Decimal(quantity)} for part, quantity in parts]
        (product_id,) = self.add_product_family(name, track_inventory=False, composite=composite, **fields)
        return product_id

    # What happens in the shop afterwards.

    def edit_product(self, product_id: str, **fields: Any) -> None:
        """Changes fields of a product, and of its family where they are shared: any field of an update's `common` or
        `details`, `sku` (the first code), `price`, and `supply_price`. Raises `ApiError` as the API would.
        """
        with self.lock:
            fields = self._seed_prices(fields)
            product = self.products.rows[product_id]
            if "sku" in fields:
                others = [{"type": code.type, "code": code.code} for code in product.codes[1:]]
                fields["product_codes"] = [{"type": "CUSTOM", "code": fields.pop("sku")}, *others]
            supply_price = fields.pop("supply_price", None)
            known = payloads.COMMON_FIELDS | payloads.DETAIL_FIELDS
            if not fields.keys() <= known:
                raise ValueError(
                    f"Products have no field {', '.join(sorted(fields.keys() - known))} that can be edited."
                )
            common = {key: value for key, value in fields.items() if key in payloads.COMMON_FIELDS}
            details = {key: value for key, value in fields.items() if key not in payloads.COMMON_FIELDS}
            catalogue.update(self, product_id, {"common": common, "details": details}, checked=False)
            if supply_price is not None:
                product.supply_price = Decimal(supply_price)
                self.products.touch(product)

    def delete_product(self, product_id: str, *, whole_family: bool = False) -> None:
        """Deletes a product softly."""
        with self.lock:
            catalogue.delete(self, product_id, whole_family)

    def edit_customer(self, customer_id: str, **fields: Any) -> None:
        """Changes fields of a customer, as in `PUT /customers/{id}`. Raises `ValueError` for a field or customer that
        is not there."""
        with self.lock:
            customer_desk.edit(self, customer_id, fields)

    def delete_customer(self, customer_id: str) -> None:
        """Deletes a customer softly. Raises `ValueError` where it is deleted already."""
        with self.lock:
            customer_desk.delete(self, customer_id)

    def merge_customers(self, kept_id: str, lost_id: str, *, take: Iterable[str] = ()) -> None:
        """Two customers become one, as in the shop's own screens: the second is deleted softly, its sales and figures
        go to the first, which takes over the fields named in `take`. Raises `ValueError`."""
        with self.lock:
            customer_desk.merge(self, kept_id, lost_id, take)

    def set_loyalty_balance(self, customer_id: str, balance: Number) -> None:
        """A customer has earned or spent: the balance is this now."""
        with self.lock:
            customer_desk.set_loyalty_balance(self, customer_id, balance)

    def set_outlet_tax(self, product_id: str, outlet_id: str, tax_id: str | None) -> None:
        """A product has this tax at one outlet; none is the outlet's default again."""
        with self.lock:
            catalogue.set_outlet_tax(self, self.products.rows[product_id], outlet_id, tax_id)

    def set_tax_rate(self, tax_id: str, rate: Number, *, rate_name: str | None = None) -> None:
        """A tax has another rate; of a tax of several, the one of that name. Raises `ValueError` for an unknown name.

        Prices stay as they were entered and products don't move in the version feed. What a price book other than the
        General one holds stays without tax. Both are guesses: what really happens is not documented.
        """
        with self.lock:
            tax = self.taxes.rows[tax_id]
            rates = [each for each in tax.fields["rates"] if rate_name in (None, each["name"])]
            if len(rates) != 1:
                raise ValueError(f"The tax {tax.name} has {len(rates)} rates of that name: name one.")
            rates[0]["rate"] = Decimal(rate)
            self.taxes.touch(tax)
            price_books.follow_all_products(self)

    def set_book_price(
        self,
        book_id: str,
        product_id: str,
        price: Number,
        *,
        min_units: Number | None = None,
        max_units: Number | None = None,
        tax_id: str | None = None,
    ) -> str:
        """A price in a price book, in the store's own tax mode; it replaces the one with the same `min_units`. In the
        General Price Book it is the product's own. Without a tax it keeps the one it has, else takes the product's.

        Returns the id of the entry.
        """
        with self.lock:
            bounds = (min_units, max_units)
            return price_entries.set_price(self, book_id, product_id, price, bounds, tax_id)

    def remove_book_price(self, book_id: str, product_id: str, min_units: Number | None = None) -> None:
        """A price is taken out of a price book. Raises `ValueError` where there is none."""
        with self.lock:
            price_entries.remove_price(self, book_id, product_id, min_units)

    def set_stock(self, product_id: str, outlet_id: str, level: Number) -> None:
        """A count at an outlet."""
        with self.lock:
            line = {"outlet_id": outlet_id, "current_amount": Decimal(level)}
            stock.set_levels(self, self.products.rows[product_id], [line])

    def sell(
        self,
        outlet_id: str,
        lines: Iterable[counter.Line],
        *,
        state: str = "closed",
        attributes: Iterable[str] = (),
        customer: str | None = None,
        tenders: Iterable[counter.Tender] | None = None,
        register: str | None = None,
        **fields: Any,
    ) -> str:
        """A sale of these products and quantities, to nobody in particular or a customer, at an open register of the
        outlet. `tenders`: (name of a payment type, amount or None for the rest); without them it is paid in cash when
        it is closed. `fields` as in `POST /sales`. Returns its id. Raises `ApiError` as the API would."""
        with self.lock:
            return counter.sell(
                self,
                outlet_id,
                lines,
                state,
                attributes,
                fields,
                customer=customer,
                tenders=tenders,
                register=register,
            )

    def complete_sale(self, sale_id: str) -> None:
        """What is still to pay is paid, and the sale is closed."""
        with self.lock:
            sales.close(self, self.sales.rows[sale_id], counter.cash(self))

    def void_sale(self, sale_id: str) -> None:
        """The sale did not happen: stock comes back, payments are deleted."""
        with self.lock:
            sales.void(self, self.sales.rows[sale_id])

    def return_sale(self, sale_id: str, quantities: Mapping[str, Number] | None = None) -> str:
        """All that is left of a closed sale comes back, or these quantities by product id. Returns the id of the
        return, which is closed."""
        with self.lock:
            return counter.return_sale(self, sale_id, quantities)

    def transfer(self, product_id: str, from_outlet: str, to_outlet: str, quantity: Number) -> str:
        """Units go from one outlet to another, sent and received. Returns the id of the consignment."""
        with self.lock:
            return stockroom.transfer(self, product_id, from_outlet, to_outlet, quantity)

    def order_from_supplier(
        self, outlet_id: str, lines: Iterable[tuple[str, Number]], due_at: str | None = None
    ) -> str:
        """Products and quantities are ordered, and the order is sent. Returns the id of the consignment."""
        with self.lock:
            return stockroom.order(self, outlet_id, lines, due_at)

    def receive_consignment(self, consignment_id: str) -> None:
        """What an order or a transfer announced arrives."""
        with self.lock:
            stockroom.receive(self, consignment_id)

    def receive(self, product_id: str, outlet_id: str, quantity: Number) -> str:
        """A delivery, ordered and received. Returns the id of the consignment."""
        with self.lock:
            ordered = stockroom.order(self, outlet_id, [(product_id, quantity)], None)
            stockroom.receive(self, ordered)
            return ordered

    def count(self, product_id: str, outlet_id: str, level: Number) -> str:
        """A stocktake of one product sets its level. Returns the id of the consignment."""
        with self.lock:
            return stockroom.count(self, product_id, outlet_id, level)

    # Looking at it.

    def product(self, product_id: str) -> dict[str, Any]:
        """A product as the API prints it, deleted or not."""
        with self.lock:
            return product_wire(self, self.products.rows[product_id])

    def all_products(self, deleted: bool = False) -> list[dict[str, Any]]:
        """All products as the API prints them, in the order of their versions."""
        with self.lock:
            return [
                product_wire(self, row)
                for row in self.products.page(0, None, deleted, len(self.products.rows))
            ]

    def customer(self, customer_id: str) -> dict[str, Any]:
        """A customer as the API prints it, deleted or not."""
        with self.lock:
            return self.customers.rows[customer_id].wire()

    def all_customers(self, deleted: bool = False) -> list[dict[str, Any]]:
        """All customers as the API prints them, in the order of their versions."""
        with self.lock:
            return [row.wire() for row in self.customers.page(0, None, deleted, len(self.customers.rows))]

    def sale(self, sale_id: str) -> dict[str, Any]:
        """A sale as the API prints it, deleted or not."""
        with self.lock:
            return sale_wire(self, self.sales.rows[sale_id])

    def all_sales(self, deleted: bool = False) -> list[dict[str, Any]]:
        """All sales as the API prints them, in the order of their versions."""
        with self.lock:
            rows = self.sales.page(0, None, deleted, len(self.sales.rows))
            return [sale_wire(self, row) for row in rows]

    def book_prices(self, book_id: str) -> list[dict[str, Any]]:
        """The entries of a price book as the API prints them, without tax, in the order of their versions."""
        with self.lock:
            return [price_row_wire(self, row) for row in self.price_book_products.of_book(book_id)]

    def stock_level(self, product_id: str, outlet_id: str) -> Decimal | None:
        """The level, or none when there is no inventory record."""
        with self.lock:
            row_id = self.stock_ids.get((product_id, outlet_id))
            return None if row_id is None else self.stock.rows[row_id].level

    # What the rules ask for.

    def new_id(self) -> str:
        """A new UUID, repeatable from the seed."""
        return self.ticker.new_id()

    def default_tax_id(self) -> str:
        """The tax of products without their own: the first outlet's, else the retailer's default, else No Tax."""
        outlet = next(iter(self.outlets.rows.values()), None)
        if outlet is not None:
            return str(outlet.fields["default_tax_id"])
        return next((tax.id for tax in self.taxes.live() if tax.fields["is_default"]), self.no_tax_id)

    def is_leaf(self, category_id: str) -> bool:
        """Whether the category has no children, so that products may be put into it."""
        return self._children_of_categories.get(category_id, 0) == 0

    def count_children(self, parent_id: str | None, change: int) -> None:
        """A category got or lost a child."""
        if parent_id is not None:
            self._children_of_categories[parent_id] = self._children_of_categories.get(parent_id, 0) + change

    def stock_of(self, product_id: str) -> list[Stock]:
        """The inventory records of a product."""
        ids = [self.stock_ids.get((product_id, outlet_id)) for outlet_id in self.outlets.rows]
        return [self.stock.rows[row_id] for row_id in ids if row_id is not None]

    def products_with_code(self, code: str) -> set[str]:
        """Ids of products, not deleted, that carry the code or SKU."""
        return self._codes.get(code, set())

    def remember_codes(self, product: Product) -> None:
        """The codes of a product can be found from now on."""
        for code in product.codes:
            self._codes.setdefault(code.code, set()).add(product.id)

    def forget_codes(self, product: Product) -> None:
        """The codes of a product are free for another."""
        for code in product.codes:
            self._codes.get(code.code, set()).discard(product.id)

    def families_named(self, name: Any) -> list[Family]:
        """Families of that name. Case does not count; whether it does at the real API is not documented."""
        return self._families.get(name.casefold(), []) if isinstance(name, str) else []

    def family_named(self, name: Any, but: Family | None = None) -> Family | None:
        """The first family of that name other than `but`."""
        return next((family for family in self.families_named(name) if family is not but), None)

    def rename(self, family: Family, name: str) -> None:
        """The family is found under its new name only."""
        self.forget_name(family)
        family.name = name
        self._families.setdefault(name.casefold(), []).append(family)

    def forget_name(self, family: Family) -> None:
        """The name is free for another family."""
        namesakes = self._families.get(family.name.casefold(), [])
        if family in namesakes:
            namesakes.remove(family)

    def free_handle(self, wanted: str) -> str:
        """The handle, with a number behind it if another family has it."""
        handle, number = wanted, 1
        while handle in self._handles:
            handle, number = f"{wanted}-{number}", number + 1
        self._handles.add(handle)
        return handle

    def next_sku(self) -> str:
        """The next SKU of the retailer's sequence that no product carries."""
        while self.products_with_code(str(self._next_sku)):
            self._next_sku += 1
        self._next_sku += 1
        return str(self._next_sku - 1)

    def retailer(self) -> dict[str, Any]:
        """`GET /retailer`; its version is text, unlike every other one."""
        return {
            "id": self.retailer_id,
            "domain_prefix": self.domain_prefix,
            "name": self.name,
            "account_status": "ACTIVE",
            "country": self.country,
            "culture": "en",
            "currency": {"code": self.currency, "symbol": CURRENCY_SYMBOLS.get(self.currency, self.currency)},
            "timezone": self.time_zone,
            "tax_exclusive": self.tax_exclusive,
            "discount_product_id": self.discount_product_id,
            "no_tax_group_id": self.no_tax_id,
            "loyalty": {
                "enabled": self.options.loyalty,
                "ratio": Decimal("0.05"),
                "claim_url": "",
                "send_welcome_email": False,
            },
            "sku_sequence": {"enabled": True, "value": self._next_sku},
            "store_credit": False,
            "gift_cards": {"enabled": False},
            "on_account": {"default_limit": 0},
            "version": str(self.ticker.version),
        }

    def _seed_prices(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Figures that were written as text become Decimal, and `price` gets the name it has in this store."""
        names = (
            "price",
            "price_including_tax",
            "price_excluding_tax",
            "supply_price",
            "loyalty_amount",
            "weight",
        )
        given = {
            key: Decimal(value) if key in names and isinstance(value, str) else value
            for key, value in fields.items()
        }
        if "price" in given:
            given["price_excluding_tax" if self.tax_exclusive else "price_including_tax"] = given.pop("price")
        return given


def _owner(domain_prefix: str) -> dict[str, Any]:
    return {
        "username": f"owner@{domain_prefix}",
        "display_name": "Store Owner",
        "email": f"owner@{domain_prefix}.example",
        "account_type": "admin",
        "roles": [],
        "restricted_outlet_ids": [],
        "is_primary_user": True,
        "enabled": True,
    }
