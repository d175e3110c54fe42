"""A shop of orders: articles with stock, people who buy online and in the shop, and whole runs without Airflow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from demo.sandbox import settings_of_shop
from retail_sync.ledger.rows import Link, MirrorRow
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.orders import ENTITY
from retail_sync.records.sealing import Seal
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers.known import see_rows
from retail_sync.sync.orders.knowing import SALE
from sandbox.commercetools import Basket, CommercetoolsStore, Item, Pay
from sandbox.faults import LoggedRequest
from sandbox.lightspeed.shop_actions.sales import Line, Tender
from sandbox.shop import Shop, default_config
from sandbox.shop.seed_commercetools import new_commercetools_store
from sandbox.shop.seed_lightspeed import new_lightspeed_store
from tests.commercetools.world import official_bodies
from tests.support.builders.base import Builder, aligned
from tests.support.builders.customers import Peopled
from tests.support.builders.inventory import OUTLETS, Stocked, stocked
from tests.support.links import pair
from tests.support.runs import KEY, Ran
from tests.support.worlds import open_world

Bought = Item | tuple[str, int] | str
"""An item of a basket, SKU and units, or one unit of a SKU."""

RATES = {"standard": "0.19", "reduced": "0.07"}
"""Tax categories online and their rates in Germany; the till's taxes are called `MwSt 19 %` and so on."""
SERVICES = ("SHIPPING", "CUSTOM", "STAND-IN", "REFUND", "GIFT-WRAP")
CARD, PAYPAL, VOUCHER = Pay(), Pay("paypal", "paypal"), Pay("gift-card", "vouchers")
INVOICE = Pay("invoice", None, transactions=())
"""Not paid yet."""

ORDER_SETTINGS: dict[str, Any] = {
    "since": "2020-01-01",
    "location": "Nord",
    "registers": {name: f"Online {name}" for name in OUTLETS},
    "products": {
        "shipping": "SHIPPING",
        "custom": "CUSTOM",
        "customs": {"gift-wrap": "GIFT-WRAP"},
        "stand_in": "STAND-IN",
        "refund": "REFUND",
    },
    "taxes": [{"rate": rate, "tax": f"MwSt {Decimal(rate) * 100:.0f} %"} for rate in RATES.values()],
    "tenders": [
        {"tender": "Online bezahlt", "method": "card"},
        {"tender": "PayPal", "method": "paypal"},
        {"tender": "Gutschein", "method": "gift-card"},
        {"tender": "Rechnung", "method": "invoice"},
    ],
}
SALE_SETTINGS: dict[str, Any] = {"target": "orders"}
LOCATIONS = [
    {"name": "Nord", "outlet": "Nord", "channel": "web"},
    {"name": "Süd", "outlet": "Süd", "channel": "corner"},
    {"name": "Lager", "outlet": "Lager"},
]


class Ordered(Builder):
    """The shop. `stock`: the same shop as inventory sees it. `people`: the till's id of who is linked, by id of the
    account."""

    entity = ENTITY

    def __init__(self, stock: Stocked) -> None:
        super().__init__(stock.world)
        self.stock = stock
        self.people: dict[str, str] = {}

    def run(self, entity: str = ENTITY, mode: str = "delta", **asked: Any) -> Ran:
        """One whole run, of orders or of what goes with them; see `World.run`."""
        return self.world.run(entity, mode, **asked)

    def align(self) -> None:
        """Products and customers run first, as they do in a shop that syncs orders."""
        self.world.run("products", "full")
        people = Peopled(self.world)
        people.run("full")
        self.people = {one.commercetools_id: one.lightspeed_id for one in people.links()}
        self.world.forget_requests()

    def seal(self) -> Seal:
        return Seal(self.ledger.secret(KEY, "customers"), self.settings.customers.hash)

    # --- what there is to buy, and who buys ---

    def add_article(
        self,
        sku: str,
        price: str = "10.00",
        levels: Mapping[str, Any] | None = None,
        *,
        tax: str = "standard",
        known: bool = True,
        online_only: bool = False,
    ) -> str:
        """An article of both sides at this price, tax included, with stock by outlet, linked as a run of products
        leaves it; the till's id. `known`: False, and products has not read it. `online_only`: the till has none."""
        cents = int(Decimal(price) * 100)
        self.online.create("products", _product(sku, cents, tax))
        if online_only:
            return ""
        product = self._at_till(sku, price, tax)
        for outlet, level in (levels or {}).items():
            self.stock.count(sku, outlet, level)
        if known:
            self.learn(sku)
        return product

    def add_till_article(self, sku: str, price: str = "10.00", tax: str = "standard") -> str:
        """Somebody enters an article at the till that was only online so far; `learn` makes it known."""
        return self._at_till(sku, price, tax)

    def learn(self, sku: str) -> None:
        """What a run of products leaves of an article."""
        product = self.stock.products[sku]
        self.stock._mirror(sku, product, {"tracked": True})
        self.stock.link(sku)

    def _at_till(self, sku: str, price: str, tax: str, *, tracked: bool = True) -> str:
        (product,) = self.till.add_product_family(
            sku,
            sku=sku,
            price=price,
            track_inventory=tracked,
            all_outlets_tax={"tax_id": self.tax(tax)},
        )
        self.stock.products[sku] = product
        return str(product)

    def add_person(self, email: str, *, linked: bool = True, **fields: Any) -> str:
        """Somebody with an account, and unless told otherwise a customer of the till who is linked to it; the id of the
        account."""
        draft = {"email": email, "authenticationMode": "ExternalAuth"}
        account = str(self.online.create("customers", draft)["id"])
        if linked:
            self.link_person(account, self.till.add_customer(first_name="Kim", **fields))
        return account

    def link_person(self, account: str, customer: str) -> None:
        """What a run of customers leaves of somebody both sides know."""
        found = self.online.get("customers", id=account)
        assert found is not None
        tokens = {name: sorted(some) for name, some in self.seal().tokens({"email": found["email"]}).items()}
        for system, record in (("commercetools", account), ("lightspeed", customer)):
            row = MirrorRow(
                id=record, version=1, label=record, digest=record, fields={}, identity={"tokens": tokens}
            )
            see_rows(self.ledger, "customers", system, [row])
        link = pair(account, customer, CUSTOMERS, CUSTOMER, matched_by="email", run_id="customers")
        self.ledger.links.add([link])
        self.people[account] = customer

    # --- online ---

    def buy(self, *bought: Bought, **basket: Any) -> str:
        """Somebody checks out; the id of the order. `basket`: fields of `Basket` (payments, shipped, extras, ...)."""
        return str(self.online.check_out(Basket(tuple(_item(one) for one in bought), **basket))["id"])

    def order(self, order: str) -> dict[str, Any]:
        found = self.online.get("orders", id=order)
        assert found is not None
        return found

    def payments(self, order: str) -> list[dict[str, Any]]:
        """The payments of an order, as they are now."""
        named = self.order(order).get("paymentInfo", {}).get("payments", [])
        found = [self.online.get("payments", id=one["id"]) for one in named]
        return [one for one in found if one is not None]

    def pay(self, order: str, amount: int | None = None, kind: str = "Charge", state: str = "Success") -> str:
        """Money moves by the order's first payment: what is still to pay, or this amount; the id of the transaction.
        The order itself does not change by that; see `tell`."""
        payment = self.payments(order)[0]
        if amount is None:
            amount = self.gross(order) - self.charged(order)
        money = {"currencyCode": self.order(order)["totalPrice"]["currencyCode"], "centAmount": amount}
        transaction = {"type": kind, "state": state, "amount": money}
        action = {"action": "addTransaction", "transaction": transaction}
        changed = self.online.update("payments", [action], id=payment["id"])
        return str(changed["transactions"][-1]["id"])

    def refund(self, order: str, amount: int) -> str:
        """Money goes back; the id of the transaction."""
        return self.pay(order, amount, kind="Refund")

    def tell(self, order: str, **states: str) -> None:
        """The shop sets states of an order: `orderState`, `paymentState`, `shipmentState`."""
        actions: list[dict[str, Any]] = [
            {"action": f"change{name[0].upper()}{name[1:]}", name: value} for name, value in states.items()
        ]
        self.online.update("orders", actions, id=order)

    def settle(self, order: str) -> None:
        """What was open is paid, and the order says so."""
        self.pay(order)
        self.tell(order, paymentState="Paid")

    def cancel(self, order: str) -> None:
        self.tell(order, orderState="Cancelled")

    def send_back(
        self,
        order: str,
        sku: str,
        units: int = 1,
        *,
        goods: str = "BackInStock",
        money: str | None = "Refunded",
    ) -> str:
        """Units of a line come back, in the state that goods end in (`Advised`, `Returned`, `BackInStock`, `Unusable`)
        and with this state of their money; the id of the return item. A custom line goes by its slug."""
        item = {"quantity": units, "shipmentState": "Advised" if goods == "Advised" else "Returned"}
        item |= self._line(order, sku)
        changed = self.online.update("orders", [{"action": "addReturnInfo", "items": [item]}], id=order)
        found = str(changed["returnInfo"][-1]["items"][0]["id"])
        if goods in ("BackInStock", "Unusable"):
            self.move_return(order, found, goods=goods)
        if money and goods != "Advised":
            self.move_return(order, found, money=money)
        return found

    def move_return(
        self, order: str, item: str, *, goods: str | None = None, money: str | None = None
    ) -> None:
        """A return item gets further: its goods, its money, or both."""
        actions: list[dict[str, Any]] = []
        if goods is not None:
            actions.append({"action": "setReturnShipmentState", "returnItemId": item, "shipmentState": goods})
        if money is not None:
            actions.append({"action": "setReturnPaymentState", "returnItemId": item, "paymentState": money})
        self.online.update("orders", actions, id=order)

    def _line(self, order: str, name: str) -> dict[str, Any]:
        found = self.order(order)
        for line in found["lineItems"]:
            if line["variant"].get("sku") == name:
                return {"lineItemId": line["id"]}
        for line in found["customLineItems"]:
            if line["slug"] == name:
                return {"customLineItemId": line["id"]}
        raise LookupError(f"the order has no line {name}")

    def edit(self, order: str, **fields: Any) -> None:
        """Somebody edits what was ordered (an OrderEdit): these fields of the order are others now."""
        found = self.order(order)
        moved = self.online.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.online.insert(
            "orders", {**found, **fields, "version": found["version"] + 1, "lastModifiedAt": moved}
        )

    # --- at the till ---

    def sell(
        self,
        *lines: Line | str,
        outlet: str = "Nord",
        customer: str | None = None,
        tenders: Sequence[Tender] | None = None,
        **more: Any,
    ) -> str:
        """A sale in the shop; a line is what `LightspeedStore.sell` takes, with SKUs for ids, or one unit of a SKU."""
        rung = [self._rung(line) for line in lines]
        return self.till.sell(self.stock.outlet(outlet), rung, customer=customer, tenders=tenders, **more)

    def _rung(self, line: Line | str) -> Line:
        if isinstance(line, str):
            return self.stock.products[line], 1
        if isinstance(line, tuple):
            return self.stock.products[line[0]], line[1]
        return line

    def close_register(self, location: str = "Nord", *, is_open: bool = False) -> None:
        """Somebody closes the register of web orders, or opens it again."""
        name = self.settings.orders.registers[location]
        for row in self.till.registers.live():
            if row.fields["name"] == name:
                (self.till.open_register if is_open else self.till.close_register)(row.id)

    # --- looking ---

    def gross(self, order: str) -> int:
        """What an order comes to, tax included."""
        found = self.order(order)
        money = found["taxedPrice"]["totalGross"] if "taxedPrice" in found else found["totalPrice"]
        return int(money["centAmount"])

    def charged(self, order: str) -> int:
        """What was paid of it and not given back."""
        signs = {"Charge": 1, "Refund": -1, "Chargeback": -1}
        return sum(
            signs.get(one["type"], 0) * int(one["amount"]["centAmount"])
            for payment in self.payments(order)
            for one in payment["transactions"]
            if one["state"] == "Success"
        )

    def sales(self, order: str | None = None) -> list[dict[str, Any]]:
        """Sales that stand for web orders, oldest change first: those whose source is this order, or a part of it."""
        found = [one for one in self.till.all_sales(deleted=True) if one["source"]["type"] == "commercetools"]
        if order is None:
            return found
        label = self.order(order).get("orderNumber", order)
        return [one for one in found if str(one["source"]["id"]).split("/")[0] == label]

    def sale(self, order: str) -> dict[str, Any]:
        """The only sale of an order."""
        (found,) = self.sales(order)
        return found

    def shop_sales(self) -> list[dict[str, Any]]:
        """Sales of the shop itself."""
        return [one for one in self.till.all_sales(deleted=True) if one["source"]["type"] == "USER"]

    def imported(self) -> list[dict[str, Any]]:
        """Orders that stand for sales in the shop."""
        prefix = self.settings.sales.prefix
        return [one for one in self.online.all("orders") if one.get("orderNumber", "").startswith(prefix)]

    def level(self, sku: str, outlet: str = "Nord") -> Decimal | None:
        return self.stock.level(self.stock.products[sku], outlet)

    def marks(self, order: str) -> list[str]:
        """What the order says it was exported as."""
        channel = self.online.get("channels", key="lightspeed")
        assert channel is not None
        return [
            str(one.get("externalId"))
            for one in self.order(order)["syncInfo"]
            if one["channel"]["id"] == channel["id"]
        ]

    def states(self, order: str) -> tuple[str, str | None, str | None]:
        """State, payment state and shipment state."""
        found = self.order(order)
        return found["orderState"], found.get("paymentState"), found.get("shipmentState")

    def paid_by(self, sale: Mapping[str, Any]) -> dict[str, Decimal]:
        """What a sale was paid by: amount by payment type."""
        found: dict[str, Decimal] = {}
        for one in sale["payments"]:
            if one["deleted_at"] is None:
                name = str(one["type"]["name"])
                found[name] = found.get(name, Decimal(0)) + one["amount"]
        return found

    def exported(self, order: str) -> list[Link]:
        """What the ledger knows of an order's sales."""
        return [one for one in self.ledger.links.read(ENTITY, SALE) if one.base["order"] == order]

    @staticmethod
    def item(sku: str, quantity: int = 1, channel: str | None = None) -> Item:
        """Units that a supply channel serves."""
        return Item(sku, quantity, channel=channel)

    def tax(self, category: str) -> str:
        """The till's tax that stands for a tax category."""
        name = f"MwSt {Decimal(RATES[category]) * 100:.0f} %"
        return next(row.id for row in self.till.taxes.live() if row.fields["name"] == name)

    def sale_writes(self) -> list[LoggedRequest]:
        """Requests that wrote sales since `world.forget_requests`."""
        return [
            request
            for request in self.world.requests("lightspeed")
            if request.method in ("POST", "PUT") and "/sales" in request.path
        ]


def _item(one: Bought) -> Item:
    if isinstance(one, str):
        return Item(one)
    return one if isinstance(one, Item) else Item(one[0], one[1])


def _product(sku: str, cents: int, tax: str) -> dict[str, Any]:
    price = {"value": {"currencyCode": "EUR", "centAmount": cents}}
    return {
        "key": f"article-{sku}",
        "productType": {"typeId": "product-type", "key": "article"},
        "name": {"en": f"Article {sku}"},
        "slug": {"en": f"article-{sku}"},
        "taxCategory": {"typeId": "tax-category", "key": tax},
        "masterVariant": {"sku": sku, "prices": [price]},
        "publish": True,
    }


@contextmanager
def ordered(
    ledger_url: str,
    staging: Path,
    *,
    seed: int = 0,
    orders: Mapping[str, Any] | None = None,
    sales: Mapping[str, Any] | None = None,
    services: Collection[str] = SERVICES,
) -> Iterator[Ordered]:
    """The shop, without articles and people. `orders`, `sales`: settings over those of this module. `services`: which
    articles the till has for what is no article online."""
    with stocked(ledger_url, staging, locations=LOCATIONS, seed=seed) as stock:
        _furnish_online(stock.online)
        aligned(stock.ledger, CUSTOMERS)
        stock.set("orders", **{**ORDER_SETTINGS, **(orders or {})})
        stock.set("sales", **{**SALE_SETTINGS, **(sales or {})})
        found = Ordered(stock)
        _furnish_till(found, services)
        stock.online.validate_requests = official_bodies()
        yield found


@contextmanager
def ordered_from(
    shop: Shop,
    ledger_url: str,
    staging: Path,
    *,
    seed: int = 0,
    orders: Mapping[str, Any] | None = None,
    sales: Mapping[str, Any] | None = None,
) -> Iterator[Ordered]:
    """A whole sample shop with its orders and sales, set up as the demo is; nothing is linked before products and
    customers ran (`Ordered.align`)."""
    online = new_commercetools_store(shop, seed=seed, with_orders=True)
    till = new_lightspeed_store(shop, seed=seed, with_orders=True)
    found = settings_of_shop(default_config(shop), with_price_lists=False, with_orders=True)
    found["orders"] |= orders or {}
    found["sales"] |= sales or {}
    with open_world(
        SyncSettings.model_validate(found), online, till, ledger_url, staging, seed=seed, shop=shop
    ) as world:
        yield Ordered(
            Stocked(world, {str(row["sku"]): str(row["id"]) for row in till.all_products() if row.get("sku")})
        )


def _furnish_online(online: CommercetoolsStore) -> None:
    online.set_project(currencies=["EUR"], countries=["DE", "AT"], languages=["en"])
    online.create(
        "product-types", {"key": "article", "name": "Article", "description": "-", "attributes": []}
    )
    for key, rate in RATES.items():
        tax = {"name": f"MwSt {float(rate) * 100:.0f} %", "amount": float(rate), "includedInPrice": True}
        online.create("tax-categories", {"key": key, "name": key, "rates": [{**tax, "country": "DE"}]})
    online.create("zones", {"key": "de", "name": "Germany", "locations": [{"country": "DE"}]})
    for key, cents in (("parcel", 490), ("express", 1290), ("collect", 0)):
        price = {"price": {"currencyCode": "EUR", "centAmount": cents}}
        zone = {"zone": {"typeId": "zone", "key": "de"}, "shippingRates": [price]}
        method = {"key": key, "name": key.title(), "isDefault": key == "parcel", "zoneRates": [zone]}
        online.create(
            "shipping-methods", {**method, "taxCategory": {"typeId": "tax-category", "key": "standard"}}
        )
    channel = online.get("channels", key="lightspeed")
    assert channel is not None
    roles = {"action": "addRoles", "roles": ["OrderImport"]}
    online.update("channels", [roles], id=channel["id"])


def _furnish_till(shop: Ordered, services: Collection[str]) -> None:
    till = shop.till
    till.options.loyalty = True
    for n, rate in enumerate(RATES.values()):
        till.add_tax(f"MwSt {Decimal(rate) * 100:.0f} %", rate, is_default=n == 0)
    for n, name in enumerate(("Online bezahlt", "PayPal", "Gutschein", "Rechnung")):
        till.add_payment_type(name, 200 + n)
    for name in OUTLETS:
        till.add_register(f"Online {name}", shop.stock.outlet(name))
    for sku in services:
        shop._at_till(sku, "0.00", "standard", tracked=False)
