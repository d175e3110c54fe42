"""Six entities, each in a shop of its own in which things happen: for what must hold of every entity alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from retail_sync.records.orders import ENTITY as ORDERS
from retail_sync.records.sales import ENTITY as SALES
from sandbox.shop import SAMPLE_SHOP, load_shop
from sandbox.shop.config import ROLE_NAMES
from tests.support.builders.customers import Peopled, peopled
from tests.support.builders.inventory import FOREIGN, WEB, Stocked, stocked
from tests.support.builders.orders import Ordered, ordered
from tests.support.builders.prices import BASE, VIP, Priced, eur, group, priced
from tests.support.runs import Ran
from tests.support.waking import written
from tests.support.worlds import World, world_of


class Play:
    """An entity in its shop. `least`: writes of one run at least, so that a play that plans nothing can't pass."""

    entity: ClassVar[str]
    least: ClassVar[int]

    def __init__(self, world: World) -> None:
        self.world = world
        self.turn = 0

    def happen(self) -> None:
        """The next turn of things that happen."""
        self.turn += 1
        self.stir(self.turn)

    def run(self, world: World, **how: Any) -> Ran:
        """A run of this entity in this world, which may be another worker's."""
        return world.run(self.entity, **how)

    def stir(self, turn: int) -> None:
        """Things happen in both systems, so that the next run has one write of each kind to do."""
        raise NotImplementedError

    def edit(self, turn: int) -> None:
        """A person edits what that run wrote."""

    def doubles(self) -> list[Any]:
        """What is there more than once and should not be."""
        return []


# ---------------------------------------------------------------- the entities


class People(Play):
    entity, least = "customers", 5

    def __init__(self, shop: Peopled) -> None:
        super().__init__(shop.world)
        self.shop = shop

    def stir(self, turn: int) -> None:
        shop = self.shop
        for name in ("old", "gone"):
            if turn > 1:
                account, profile = getattr(self, name)
                if name == "old":
                    shop.edit_online(account, {"action": "setFirstName", "firstName": f"Online {turn}"})
                    shop.edit_till(profile, last_name=f"Till {turn}")
                else:
                    shop.online.delete("customers", id=account)
                    shop.till.delete_customer(profile)
            setattr(
                self,
                name,
                (
                    shop.sign_up(f"{name}-online-{turn}@example.com", firstName="Kim", lastName="Web"),
                    shop.enrol(first_name="Jo", last_name="Till", email=f"{name}-till-{turn}@example.com"),
                ),
            )

    def edit(self, turn: int) -> None:
        for account, profile in (self.old, self.gone):  # type: ignore[attr-defined]
            self.shop.edit_till(self.shop.partner(account), first_name=f"A person {turn}")
            self.shop.edit_online(
                self.shop.partner(profile), {"action": "setFirstName", "firstName": f"A person {turn}"}
            )

    def doubles(self) -> list[Any]:
        emails = [("online", one["email"]) for one in self.shop.accounts_online()]
        emails += [("till", one["email"]) for one in self.shop.profiles() if one["email"]]
        return [email for email, times in Counter(emails).items() if times > 1]


class Goods(Play):
    entity, least = "products", 2

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._draft = world.shop.products[0]

    def stir(self, turn: int) -> None:
        online, till = self.world.online, self.world.till
        products = [one for one in self.world.online_products() if one["masterData"]["published"]]
        first, second = products[0], products[-1]
        locale = next(iter(first["masterData"]["current"]["name"]))
        name = {**first["masterData"]["current"]["name"], locale: f"Renamed {turn}"}
        online.update("products", [{"action": "changeName", "name": name, "staged": False}], id=first["id"])
        if turn > 1:
            online.update("products", [{"action": "unpublish"}], id=second["id"])
        draft = {**self._draft, "key": f"new-{turn}", "slug": {locale: f"new-{turn}"}, "variants": []}
        draft["masterVariant"] = self._variant(draft["masterVariant"], turn)
        draft["name"] = dict.fromkeys(draft["name"], f"New {turn}")
        online.create("products", {**draft, "publish": True})
        till.add_product_family(f"At the till {turn}", sku=f"TILL-{turn}", price="5.00")

    def _variant(self, drafted: dict[str, Any], turn: int) -> dict[str, Any]:
        """The same article under another SKU, without the codes it would share."""
        attributes = [
            one for one in drafted.get("attributes") or () if one["name"] not in ROLE_NAMES["barcode"]
        ]
        return {**drafted, "sku": f"NEW-{turn}", "key": f"new-{turn}", "attributes": attributes}

    def edit(self, turn: int) -> None:
        for row in self.world.till.all_products():
            if row["name"] in (f"Renamed {turn}", f"New {turn}"):
                self.world.till.edit_product(row["id"], name=f"A person {turn} {row['sku']}")

    def doubles(self) -> list[Any]:
        skus = Counter(str(row["sku"]) for row in self.world.till.all_products())
        for product in self.world.online_products():
            data = product["masterData"]["current"]
            skus.update(f"online {one.get('sku')}" for one in [data["masterVariant"], *data["variants"]])
        return [sku for sku, times in skus.items() if times > 1]


OUTLET: dict[str, Any] = {
    "name": "Outlet",
    "owner": "lightspeed",
    "commercetools": {"currency": "EUR", "country": "AT"},
    "lightspeed": {"price_book": "Outlet"},
    "removals": "remove",
}


class Tags(Play):
    entity, least = "prices", 5

    def __init__(self, shop: Priced) -> None:
        super().__init__(shop.world)
        self.shop = shop
        self.book = shop.till.add_price_book("Outlet")
        for sku in "ABC":
            shop.add_article(sku, "10.00", prices=[eur(1000), eur(900, **group("vip"))])
        shop.add_article("S", "10.00", prices=[eur(1000)], standalone=True)

    def stir(self, turn: int) -> None:
        shop = self.shop
        shop.price_online("A", 1000 + turn, country="DE")
        shop.price_online("B", 900 + turn, at=1)
        shop.add_article(f"N{turn}", "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        shop.till.set_book_price(self.book, shop.articles["C"], f"{7 + turn / 100:.2f}")
        shop.till.set_book_price(self.book, shop.articles["S"], f"{7 + turn / 100:.2f}")
        shop.till.set_book_price(self.book, shop.articles[f"N{turn}"], "6.00")

    def edit(self, turn: int) -> None:
        self.shop.price_at_till("A", f"11.{turn:02}")
        self.shop.price_online("C", 650 + turn, country="AT")

    def doubles(self) -> list[Any]:
        lines = Counter((book, sku) for book in ("VIP", "Outlet") for sku in self.shop.in_book(book))
        return [*(one for one in lines.items() if one[1] > 1), *self._twice_online()]

    def _twice_online(self) -> list[Any]:
        return [
            (sku, scope)
            for sku in self.shop.articles
            for scope, times in Counter(
                (price.get("country"), str(price.get("customerGroup"))) for price in self.shop.offers(sku)
            ).items()
            if times > 1
        ]


class Shelves(Play):
    entity, least = "inventory", 3

    def __init__(self, shop: Stocked) -> None:
        super().__init__(shop.world)
        self.shop = shop
        shop.add_article("A", {"Nord": 50, "Süd": 50, "Lager": 3})
        shop.add_entry("A", "depot", 8)

    def stir(self, turn: int) -> None:
        self.shop.sell("A", "Nord", 1)
        self.shop.set_entry("A", "depot", 8 + turn)
        self.shop.add_article(f"N{turn}", {"Nord": 5, "Süd": 5, "Lager": 0})
        self.shop.add_entry(f"N{turn}", "depot", 4)

    def edit(self, turn: int) -> None:
        """Two are sold at the place that the adjustment filled, and somebody counts the shelf."""
        self.shop.sell("A", "Lager", 2)
        self.shop.set_entry("A", "web", 40)

    def doubles(self) -> list[Any]:
        pairs = Counter(
            (one["sku"], str(one.get("supplyChannel"))) for one in self.shop.online.all("inventory")
        )
        return [pair for pair, times in pairs.items() if times > 1]


class Exported(Play):
    """One order is new, one is cancelled, of one goods and money come back, one is paid late."""

    entity, least = ORDERS, 6

    def __init__(self, shop: Ordered) -> None:
        super().__init__(shop.world)
        self.shop = shop
        for sku, price in (("A", "10.00"), ("B", "3.33")):
            shop.add_article(sku, price, {"Nord": 900, "Süd": 900})
        self._known: list[str] = []
        self._bought: list[str] = []

    def stir(self, turn: int) -> None:
        shop = self.shop
        if self._known:
            cancelled, returned = self._known
            shop.cancel(cancelled)
            shop.send_back(returned, "A", 1)
            shop.refund(returned, 1000)
        self._known = [shop.buy(("A", 2)), shop.buy(("A", 3), ("B", 1))]
        self._bought += self._known

    def edit(self, turn: int) -> None:
        self.shop.tell(self._known[0], shipmentState="Ready")
        self.shop.sell("B")

    def doubles(self) -> list[Any]:
        found = []
        for order in self._bought:
            live = [one for one in self.shop.sales(order) if one["state"] not in ("voided", "parked")]
            sold = [one["totals"]["price_incl_tax"] > 0 for one in live]
            if max(sold.count(True), sold.count(False)) > 1:
                found.append(order)
        return found


class Imported(Play):
    """One sale is new, one is on account, one is voided afterwards."""

    entity, least = SALES, 2

    def __init__(self, shop: Ordered) -> None:
        super().__init__(shop.world)
        self.shop = shop
        shop.add_article("A", "10.00", {"Nord": 900})
        self._customer = shop.people[shop.add_person("kim@example.com")]
        self._voided: str | None = None

    def stir(self, turn: int) -> None:
        if self._voided:
            self.shop.till.void_sale(self._voided)
        self._voided = self.shop.sell(("A", 2), customer=self._customer)
        self.shop.sell("A", customer=self._customer)

    def edit(self, turn: int) -> None:
        for one in self.shop.imported():
            self.shop.tell(one["id"], shipmentState="Ready")

    def doubles(self) -> list[Any]:
        numbers = Counter(one["orderNumber"] for one in self.shop.imported())
        return [number for number, times in numbers.items() if times > 1]


# ---------------------------------------------------------------- the stages


@contextmanager
def _people(url: str, staging: Path) -> Iterator[Play]:
    # The two policies whose writes hold the most: an overwrite and a deletion, and a deletion with erasure.
    deletions = {"in_commercetools": "anonymise", "in_lightspeed": "erase"}
    with peopled(url, staging, deletions=deletions) as shop:
        yield People(shop)


@contextmanager
def _goods(url: str, staging: Path) -> Iterator[Play]:
    shop = load_shop(SAMPLE_SHOP)
    nothing: dict[str, Any] = {"families": [], "price_books": [], "customers": []}
    few = replace(
        shop,
        products=shop.products[:3],
        inventory=[],
        customers=[],
        orders=[],
        lightspeed=replace(shop.lightspeed, **nothing),
    )
    with world_of(few, url, staging) as world:
        yield Goods(world)


@contextmanager
def _prices(url: str, staging: Path) -> Iterator[Play]:
    with priced(url, staging, (BASE, VIP, OUTLET)) as shop:
        yield Tags(shop)


@contextmanager
def _stock(url: str, staging: Path) -> Iterator[Play]:
    with stocked(url, staging, {"channels": [WEB]}, locations=FOREIGN, channels=("web", "depot")) as shop:
        yield Shelves(shop)


@contextmanager
def _orders(url: str, staging: Path) -> Iterator[Play]:
    with ordered(url, staging) as shop:
        yield Exported(shop)


@contextmanager
def _sales(url: str, staging: Path) -> Iterator[Play]:
    with ordered(url, staging, orders={"since": "2020-01-01"}) as shop:
        yield Imported(shop)


STAGES: dict[str, Callable[[str, Path], AbstractContextManager[Play]]] = {
    "products": _goods,
    "prices": _prices,
    "inventory": _stock,
    "customers": _people,
    "orders": _orders,
    "sales": _sales,
}


def settle(play: Play) -> None:
    """What people edited meanwhile travels; then nothing is left to do, and nothing is written."""
    play.run(play.world, mode="full")
    play.run(play.world, mode="full")
    play.world.forget_requests()
    assert play.run(play.world, mode="full").accounts.applied == 0
    assert written(play.world) == []
