"""What one retailer's shop consists of: its tables, the indexes over them, its clock, counters and switches.

What lives here: the noun. The verbs are above it: the rules of the API (`catalogue`, `sales`, `stock` and so on) take a
`StoreState`, and what staff and customers do (`shop_actions`) is put on top of it by `store`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.clock import Clock
from sandbox.lightspeed.consignment_rows import Consignment
from sandbox.lightspeed.models import Family, Image, OutletTax, Product, Stock
from sandbox.lightspeed.options import StoreOptions
from sandbox.lightspeed.rows import Record, Row, Table, Ticker
from sandbox.lightspeed.sale_rows import Sale
from sandbox.lightspeed.tables import CustomerTable, PriceRows
from sandbox.lightspeed.tokens import TokenBook
from sandbox.locks import TellingLock

FIRST_GENERATED_SKU = 10_000
CURRENCY_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "NZD": "$", "AUD": "$", "CHF": "CHF"}


class StoreState:
    """One retailer. Hold `lock` for anything that spans several calls."""

    no_tax_id: str
    user_id: str
    all_customers_id: str
    base_book_id: str

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
        self.lock = TellingLock()
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
        self.on_event: Callable[[str, Row], None] = lambda kind, row: None
        """Told of what webhooks tell besides changes of rows: the type of the event, and the row it is about."""
        self._make_tables()
        self.retailer_id = self.new_id()
        self.discount_product_id = self.new_id()

    def _make_tables(self) -> None:
        ticker = self.ticker
        self.outlets: Table[Record] = Table(ticker)
        self.registers: Table[Record] = Table(ticker)
        self.payment_types: Table[Record] = Table(ticker)
        self.users: Table[Record] = Table(ticker)
        self.taxes: Table[Record] = Table(ticker)
        self.brands: Table[Record] = Table(ticker)
        self.tags: Table[Record] = Table(ticker)
        self.suppliers: Table[Record] = Table(ticker)
        self.categories: Table[Record] = Table(ticker)
        self.variant_attributes: Table[Record] = Table(ticker)
        self.customers = CustomerTable(
            ticker,
            lambda: (self.options.customer_search_lag_writes, self.options.customer_search_lag_seconds),
        )
        self.customer_groups: Table[Record] = Table(ticker)
        self.price_books: Table[Record] = Table(ticker)
        self.price_book_products = PriceRows(ticker)
        self.webhooks: Table[Record] = Table(ticker)
        self.adjustments: Table[Record] = Table(ticker)
        self.adjustment_reasons: Table[Record] = Table(ticker)
        self.products: Table[Product] = Table(ticker)
        self.stock: Table[Stock] = Table(ticker)
        self.sales: Table[Sale] = Table(ticker)
        self.consignments: Table[Consignment] = Table(ticker)
        self.outlet_taxes: Table[OutletTax] = Table(ticker)
        self.images: Table[Image] = Table(ticker)
        self.stock_ids: dict[tuple[str, str], str] = {}
        self._codes: dict[str, set[str]] = {}
        self._families: dict[str, list[Family]] = {}
        self._handles: set[str] = set()
        self._children_of_categories: dict[str, int] = {}
        self._next_sku = FIRST_GENERATED_SKU
        self.product_updates = 0

    def new_id(self) -> str:
        """A new UUID, repeatable from the seed."""
        return self.ticker.new_id()

    def add_record(self, table: Table[Record], fields: dict[str, Any]) -> Record:
        """A new row of an entity that is no more than its fields."""
        return table.add(Record(id=self.new_id(), fields=fields))

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

    def stock_level(self, product_id: str, outlet_id: str) -> Decimal | None:
        """The level, or none when there is no inventory record."""
        row_id = self.stock_ids.get((product_id, outlet_id))
        return None if row_id is None else self.stock.rows[row_id].level

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
