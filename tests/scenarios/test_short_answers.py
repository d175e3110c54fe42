"""Random lives of products, customers, prices and stock, in which either system now and then answers its lists short,
empty, twice or stale. Some dozens are played in one world, once as they are and once with lists that are wrong; both
have to end alike (see `tests.support.misled`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.postgres import EmbeddedPostgres
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.scenarios.test_absence import LISTS, draft_of, small, take_off
from tests.support.builders.customers import Peopled, peopled
from tests.support.builders.inventory import Stocked, stocked
from tests.support.builders.prices import BASE, VIP, Priced, eur, group, priced
from tests.support.misled import Event, Histories, differences
from tests.support.worlds import world_of

WORLDS = {"products": 4, "customers": 2, "prices": 2, "inventory": 2}
"""How many worlds of each entity are played, of twenty histories each: two hundred in all."""
SHOP = 40
"""Products of a world; of some the sample shop knows that they are held."""
UNGUARDED: dict[str, Any] = {"products": {"most_removed_percent": 100}}
"""People delete more in these worlds than a guard would let go over without a word."""


def _lists(*patterns: str, method: str = "GET") -> list[dict[str, Any]]:
    return [{"match": pattern, "method": method} for pattern in patterns]


# ---------------------------------------------------------------- products


@dataclass
class Life:
    """One product: where it is, and what should be seen of it. `gone`: it was deleted on one side, `off`: somebody
    took it out of sale, `anew`: it was deleted and made anew, which a list may not have shown yet."""

    sku: str
    online_id: str
    gone: bool = False
    off: bool = False
    anew: bool = False


class Products(Histories):
    lists = {system: _lists(pattern) for system, pattern in LISTS.items()}

    def begin(self) -> None:
        self.world.run("products", "full")
        at_the_till = {row["sku"] for row in self.world.till.all_products()}
        held = {hold.subject.partition(":")[2].partition(":")[0] for hold in self.world.holds()}
        lives = []
        for product in self.world.online_products():
            sku = product["masterData"]["current"]["masterVariant"]["sku"]
            if sku in at_the_till and product["id"] not in held:
                lives.append(Life(sku, product["id"]))
        self.lives = lives[: self.count]
        assert len(self.lives) == self.count

    def run(self, mode: str) -> int:
        return int(self.world.run("products", mode).accounts.changes)

    def events(self) -> Sequence[Event]:
        chosen: Sequence[Callable[[Life, str], None]] = (
            self._rename, self._rename, self._cost, self._cost, self._off, self._delete_online, self._anew,
        )  # fmt: skip
        return [self._unless_gone(event) for event in chosen]

    def _unless_gone(self, event: Callable[[Life, str], None]) -> Event:
        def happen(number: int, mark: str) -> None:
            if not self.lives[number].gone:
                event(self.lives[number], mark)

        return happen

    def _online(self, life: Life) -> dict[str, Any]:
        found = self.world.online.get("products", id=life.online_id)
        assert found is not None
        return found

    def _rename(self, life: Life, mark: str) -> None:
        names = {
            locale: f"{name} {mark}"
            for locale, name in self._online(life)["masterData"]["current"]["name"].items()
        }
        action = {"action": "changeName", "name": names, "staged": False}
        self.world.online.update("products", [action], id=life.online_id)

    def _cost(self, life: Life, mark: str) -> None:
        for row in self.world.till.all_products():
            if row["sku"] == life.sku:
                self.world.till.edit_product(row["id"], supply_price=f"{mark}.50")

    def _off(self, life: Life, mark: str) -> None:
        if not life.off:
            self.world.online.update("products", [{"action": "unpublish"}], id=life.online_id)
        life.off = True

    def _delete_online(self, life: Life, mark: str) -> None:
        if not life.off:
            take_off(self.world, self._online(life))
            life.gone = True

    def _anew(self, life: Life, mark: str) -> None:
        if not life.off:
            old = self._online(life)
            take_off(self.world, old)
            life.online_id = self.world.online.create("products", draft_of(old))["id"]
            life.anew = True

    def look(self) -> None:
        till = {row["sku"]: row for row in self.world.till.all_products()}
        for life in self.lives:
            if not (life.gone or life.off or life.anew):
                assert self._online(life)["masterData"]["published"], life
                assert till[life.sku]["active"], life

    def end(self) -> Mapping[str, Mapping[str, Any]]:
        online: dict[str, list[Any]] = defaultdict(list)
        for product in self.world.online_products():
            data = product["masterData"]["current"]
            for variant in [data["masterVariant"], *data["variants"]]:
                online[variant.get("sku", "")].append([product["masterData"]["published"], data["name"]])
        till: dict[str, list[Any]] = defaultdict(list)
        for row in self.world.till.all_products():
            till[row["sku"] or ""].append([row["active"], row["name"], str(row["supply_price"])])
        return {"online": online, "till": {sku: sorted(rows) for sku, rows in till.items()}}


# ---------------------------------------------------------------- customers


class Customers(Histories):
    """People who have an account, a profile at the till, or both. First names are typed online, last names at the
    till: which edit is the newer one is no question here."""

    lists = {"commercetools": _lists("/customers$"), "lightspeed": _lists("/customers$")}

    def __init__(self, shop: Peopled, **how: Any) -> None:
        super().__init__(shop.world, **how)
        self.shop = shop
        self.accounts: list[str] = []
        self.gone: set[int] = set()
        self.anew: set[int] = set()

    def begin(self) -> None:
        for number in range(self.count):
            if number % 2:
                self.shop.enrol(email=_email(number), first_name="Kim", last_name="Till")
            else:
                self.shop.sign_up(_email(number), firstName="Kim", lastName="Web")
        self.run("full")
        emails = {one["email"]: one["id"] for one in self.shop.accounts_online()}
        self.accounts = [emails[_email(number)] for number in range(self.count)]

    def run(self, mode: str) -> int:
        return int(self.shop.run(mode).accounts.changes)

    def events(self) -> Sequence[Event]:
        return [
            event if event == self._join else self._unless_gone(event)
            for event in (self._first_name, self._last_name, self._delete, self._anew, self._join)
        ]

    def _unless_gone(self, event: Event) -> Event:
        def happen(number: int, mark: str) -> None:
            if number not in self.gone:
                event(number, mark)

        return happen

    def _first_name(self, number: int, mark: str) -> None:
        self.shop.edit_online(self.accounts[number], {"action": "setFirstName", "firstName": f"Kim {mark}"})

    def _last_name(self, number: int, mark: str) -> None:
        for profile in self.shop.profiles():
            if profile["email"] == _email(number):
                self.shop.edit_till(profile["id"], last_name=f"Till {mark}")

    def _delete(self, number: int, mark: str) -> None:
        self.shop.online.delete("customers", id=self.accounts[number])
        self.gone.add(number)

    def _anew(self, number: int, mark: str) -> None:
        old = self.shop.account(self.accounts[number])
        self.shop.online.delete("customers", id=self.accounts[number])
        given = {name: old[name] for name in ("firstName", "lastName") if name in old}
        self.accounts[number] = self.shop.sign_up(old["email"], **given)
        self.anew.add(number)

    def _join(self, number: int, mark: str) -> None:
        """Somebody new signs up."""
        self.shop.sign_up(f"new-{number}-{mark}@example.com", firstName="Lou", lastName="New")

    def look(self) -> None:
        profiles = {one["email"] for one in self.shop.profiles()}
        there = {one["id"] for one in self.shop.accounts_online()}
        for number, account in enumerate(self.accounts):
            if number not in self.gone:
                assert account in there, f"the account of {number} was deleted"
                assert number in self.anew or _email(number) in profiles, (
                    f"the profile of {number} was deleted"
                )

    def end(self) -> Mapping[str, Mapping[str, Any]]:
        online: dict[str, list[Any]] = defaultdict(list)
        for one in self.shop.accounts_online():
            online[one["email"]].append([one.get("firstName"), one.get("lastName")])
        till: dict[str, list[Any]] = defaultdict(list)
        for one in self.shop.profiles():
            till[one["email"]].append([one["first_name"], one["last_name"]])
        return {"online": online, "till": till}


def _email(number: int) -> str:
    return f"kim-{number}@example.com"


# ---------------------------------------------------------------- prices

OUTLET: dict[str, Any] = {
    "name": "Outlet",
    "owner": "lightspeed",
    "commercetools": {"currency": "EUR", "country": "AT"},
    "lightspeed": {"price_book": "Outlet"},
    "removals": "remove",
}


class Prices(Histories):
    """Articles with a shelf price and a group's price online, and a price in a book of the till; every third one keeps
    its prices as resources of their own."""

    lists = {
        "commercetools": _lists("/product-projections$", "/standalone-prices$"),
        "lightspeed": _lists(
            "/products$", "^/api/[^/]+/price_book_products$", "/price_books/[^/]+/products$"
        ),
    }

    def __init__(self, shop: Priced, **how: Any) -> None:
        super().__init__(shop.world, **how)
        self.shop = shop

    def begin(self) -> None:
        self.book = self.shop.till.add_price_book("Outlet")
        for number in range(self.count):
            self.shop.add_article(
                f"A{number}",
                "10.00",
                prices=[eur(1000), eur(900, **group("vip"))],
                standalone=number % 3 == 0,
            )
            self.shop.till.set_book_price(self.book, self.shop.articles[f"A{number}"], "6.00")
        self.run("full")
        self.start = {sku: len(self.shop.offers(sku)) for sku in self.shop.articles}

    def run(self, mode: str) -> int:
        return int(self.shop.run(mode).accounts.changes)

    def events(self) -> Sequence[Event]:
        return [self._shelf, self._group, self._outlet, self._new]

    def _shelf(self, number: int, mark: str) -> None:
        self.shop.price_online(f"A{number}", 1001 + int(mark), at=0)

    def _group(self, number: int, mark: str) -> None:
        self.shop.price_online(f"A{number}", 901 + int(mark), at=1)

    def _outlet(self, number: int, mark: str) -> None:
        self.shop.till.set_book_price(self.book, self.shop.articles[f"A{number}"], f"6.{mark}1")

    def _new(self, number: int, mark: str) -> None:
        sku = f"N{number}-{mark}"
        self.shop.add_article(sku, "10.00", prices=[eur(1000), eur(800, **group("vip"))])
        self.shop.till.set_book_price(self.book, self.shop.articles[sku], "5.00")

    def look(self) -> None:
        vip, outlet = self.shop.in_book("VIP"), self.shop.in_book("Outlet")
        for sku, count in self.start.items():
            assert len(vip[sku]) == len(outlet[sku]) == 1, f"a line of {sku} was taken away"
            assert len(self.shop.offers(sku)) == count, f"a price of {sku} was taken away"

    def end(self) -> Mapping[str, Mapping[str, Any]]:
        online = {
            sku: sorted(
                [
                    str(one.get("country")),
                    "customerGroup" in one,
                    one["value"]["centAmount"],
                ]
                for one in self.shop.offers(sku)
            )
            for sku in self.shop.articles
        }
        till = {sku: str(self.shop.at_till(sku)) for sku in self.shop.articles}
        return {
            "online": online,
            "till": till,
            "VIP": self.shop.in_book("VIP"),
            "Outlet": self.shop.in_book("Outlet"),
        }


# ---------------------------------------------------------------- stock

WEB: dict[str, Any] = {"key": "web", "locations": ["Nord", "Süd"], "fulfilled_by": "Nord"}


class Stock(Histories):
    """Articles that are counted and sold at two outlets, ordered online, and cancelled."""

    lists = {
        "commercetools": _lists("/inventory$", "/orders$"),
        "lightspeed": _lists("/inventory$", method="POST"),
    }

    def __init__(self, shop: Stocked, **how: Any) -> None:
        super().__init__(shop.world, **how)
        self.shop = shop
        self.orders: dict[int, list[str]] = defaultdict(list)

    def begin(self) -> None:
        for number in range(self.count):
            self.shop.add_article(f"A{number}", {"Nord": 50, "Süd": 50})
        self.run("full")

    def run(self, mode: str) -> int:
        return int(self.shop.run(mode).accounts.changes)

    def events(self) -> Sequence[Event]:
        return [
            self._sell,
            self._sell,
            self._count,
            self._order,
            self._order,
            self._cancel,
            self._type,
            self._new,
        ]

    def _sell(self, number: int, mark: str) -> None:
        self.shop.sell(f"A{number}", "Nord", 2)

    def _count(self, number: int, mark: str) -> None:
        self.shop.count(f"A{number}", "Süd", 40 + int(mark))

    def _order(self, number: int, mark: str) -> None:
        self.orders[number].append(self.shop.order(f"A{number}", 3, "web"))

    def _cancel(self, number: int, mark: str) -> None:
        if self.orders[number]:
            self.shop.cancel(self.orders[number].pop())

    def _type(self, number: int, mark: str) -> None:
        """Somebody types a figure that is not theirs to set."""
        self.shop.set_entry(f"A{number}", "web", 7)

    def _new(self, number: int, mark: str) -> None:
        self.shop.add_article(f"N{number}-{mark}", {"Nord": 4, "Süd": 4})

    def look(self) -> None:
        shown = self.shop.shown("web")
        for number in range(self.count):
            assert shown[f"A{number}"] > 0, f"the stock of A{number} was taken away"

    def end(self) -> Mapping[str, Mapping[str, Any]]:
        online: dict[str, list[Any]] = defaultdict(list)
        for (sku, channel), figures in self.shop.online_state().items():
            online[f"{sku} in {channel}"].append(figures)
        return {"online": online}


# ---------------------------------------------------------------- played


@contextmanager
def _products(url: str, staging: Path, seed: int, wrong: bool) -> Iterator[Histories]:
    shop = small(load_shop(SAMPLE_SHOP), SHOP, variants=3)
    with world_of(shop, url, staging, UNGUARDED, seed=seed) as world:
        yield Products(world, seed=1000 * seed, wrong=wrong)


@contextmanager
def _customers(url: str, staging: Path, seed: int, wrong: bool) -> Iterator[Histories]:
    with peopled(url, staging, seed=seed) as shop:
        policy = {"in_commercetools": "delete", "in_lightspeed": "delete", "most_removed_percent": 100}
        shop.set(deletions=policy)
        yield Customers(shop, seed=1000 * seed, wrong=wrong)


@contextmanager
def _prices(url: str, staging: Path, seed: int, wrong: bool) -> Iterator[Histories]:
    lists = (BASE, VIP, OUTLET)
    with priced(url, staging, lists, seed=seed, most_removed_percent=100) as shop:
        yield Prices(shop, seed=1000 * seed, wrong=wrong)


@contextmanager
def _stock(url: str, staging: Path, seed: int, wrong: bool) -> Iterator[Histories]:
    with stocked(url, staging, {"channels": [WEB]}, seed=seed) as shop:
        yield Stock(shop, seed=1000 * seed, wrong=wrong)


STAGES = {"products": _products, "customers": _customers, "prices": _prices, "inventory": _stock}


@pytest.mark.parametrize(
    ("entity", "seed"), [(entity, n) for entity, count in WORLDS.items() for n in range(count)]
)
def test_both_systems_end_as_with_true_answers_whatever_the_lists_say(
    entity: str, seed: int, postgres: EmbeddedPostgres, ledger_template: str, tmp_path: Path
) -> None:
    ends = []
    for wrong in (False, True):
        name = f"short_{entity}_{seed}_{int(wrong)}"
        postgres.create_database(name, template=ledger_template)
        with STAGES[entity](postgres.url(name), tmp_path / name, seed, wrong) as histories:
            histories.play()
            ends.append(histories.end())
        postgres.drop_database(name)
    assert differences(*ends) == []
