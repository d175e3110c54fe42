"""Random lives of articles: sales, web orders, exports, cancellations, returns and syncs in random order.

An article is one history. Hundreds of them are played at once in one world, each with events of its own, so that every
sync is a real run: HTTP requests to both stand-ins, a real ledger. Events happen between runs, between the reads
of a run, between plan and load, and right before single writes.

    python -m tests.support.histories 100000        # as many histories as asked for, in worlds of 500
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import httpx

from retail_sync.commercetools.connector import CommercetoolsConnector
from retail_sync.commercetools.inventory.adapter import CommercetoolsStock
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.ports.inventory import EntryWrite, EntryWritten
from retail_sync.settings.models import SyncSettings
from sandbox.commercetools import ApiError, CommercetoolsStore
from sandbox.commercetools import create_app as online_app
from sandbox.faults import Faults
from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed import create_app as till_app
from tests.support.builders.base import aligned
from tests.support.builders.inventory import Stocked
from tests.support.links import pair
from tests.support.runs import Meanwhiles
from tests.support.worlds import World

PLACES = ("A", "B", "C")
SYNCS = 4
AT_REST = 4
"""Deltas after which everything has to be still."""
EVENT_SHARE = 0.08
"""Share of the articles to which something happens in each moment."""
SETTLES = 60


@dataclass(frozen=True, eq=False)
class Shown:
    """One channel and its rule, as the oracle knows it. `key` None = entries without a channel. `slack`: by how much
    more than what was sold a figure may fall (packs, percentages). `bounded`: whether a figure never falls but by sales
    (with `priority` it may fall when goods arrive at an earlier location)."""

    key: str | None
    places: tuple[str, ...]
    rule: Mapping[str, Any] = field(default_factory=dict)
    fulfilled_by: str | None = None
    slack: int = 0
    bounded: bool = True

    @property
    def serves(self) -> str | None:
        return self.fulfilled_by or (self.places[0] if len(self.places) == 1 else None)

    def setting(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "locations": list(self.places),
            **({"fulfilled_by": self.fulfilled_by} if self.fulfilled_by else {}),
            **self.rule,
        }


@dataclass(frozen=True)
class Game:
    """What a world is like: channels and rules, and how commercetools behaves where its documentation is silent."""

    name: str
    channels: tuple[Shown, ...]
    mode: str = "ReserveOnOrder"
    reserved_orders: str = "stand"
    late: bool = False
    gives_back: bool = True
    carts: bool = False
    carts_expire: bool = True
    negative: str = "subtract"
    below_zero: str = "show"
    settles: int = SETTLES

    @property
    def stands(self) -> bool:
        """Whether what an order holds stands as a reservation in its entry."""
        return self.mode == "ReserveOnOrder" and self.reserved_orders == "stand"


GAMES: tuple[Game, ...] = (
    Game(
        "sums that share a location, reservations that stand and come late",
        (
            Shown("web", ("A", "B"), fulfilled_by="A"),
            Shown("market", ("B", "C"), {"buffer_units": 1}),
            Shown("corner", ("C",)),
        ),
        late=True,
    ),
    Game(
        "best and worst location, stock taken at once",
        (
            Shown("web", ("A", "B"), {"aggregate": "max"}),
            Shown("market", ("A", "B"), {"aggregate": "min", "safety_stock": 1}),
            Shown(None, ("C",), {"show_at_most": 5}),
        ),
        reserved_orders="commit",
        late=True,
    ),
    Game(
        "priority, packs and floors, orders that only track",
        (
            Shown("web", ("A", "B", "C"), {"aggregate": "priority"}, bounded=False),
            Shown("packs", ("B", "C"), {"pack_size": 3, "floor": 2}, slack=4),
        ),
        mode="TrackOnly",
        settles=0,
    ),
    Game(
        "shares and percentages, orders that touch no entry",
        (
            Shown(
                "web", ("A", "B"), {"aggregate": "share", "shares": {"A": 50}, "buffer_percent": 10}, slack=2
            ),
            Shown("market", ("C",), {"cap": 8, "safety_stock": 2}),
        ),
        mode="None",
        gives_back=False,
    ),
    Game(
        "negative levels count as nothing",
        (Shown("web", ("A", "B"), fulfilled_by="A"), Shown("corner", ("C",))),
        negative="as zero",
    ),
    Game(
        "goods in carts that expire late",
        (Shown("web", ("A", "B")), Shown("corner", ("C",), {"pack_size": 2, "pack_shows": "packs"}, slack=1)),
        reserved_orders="commit",
        carts=True,
    ),
    Game(
        "goods in carts that are kept for ever, orders that show late",
        (Shown("web", ("A", "B"), fulfilled_by="B"), Shown("corner", ("C",))),
        reserved_orders="commit",
        carts=True,
        carts_expire=False,
        late=True,
    ),
    Game(
        "nothing below zero is shown",
        (Shown("web", ("A", "B"), fulfilled_by="A"), Shown("corner", ("C",))),
        reserved_orders="commit",
        below_zero="zero",
    ),
)


# ---------------------------------------------------------------- the oracle: plain arithmetic, one article at a time


LIMITS = ("cap", "show_at_most", "floor", "safety_stock")
"""Rules that show less than there is. What a cancellation gives back may exceed them until the next sync, but never the
stock."""


def figure_of(
    game: Game,
    shown: Shown,
    levels: Mapping[str, Decimal],
    orders: Mapping[Shown, int],
    *,
    limited: bool = True,
) -> int:
    """What the channel should offer (below zero: what is missing), from levels by place and open units by channel;
    without its limits, what it could offer at most."""
    rule = {name: value for name, value in shown.rule.items() if limited or name not in LIMITS}
    stock = stock_of(game, shown, rule, levels, orders)
    stock -= sum(
        units * per_unit(one)
        for one, units in orders.items()
        if one.serves is None and set(one.places) & set(shown.places)
    )
    stock = min(stock, Fraction(rule.get("cap", 10**9)))
    percent = Fraction(ceil(max(stock, 0) * rule.get("buffer_percent", 0) * 1000), 100_000)
    stock -= rule.get("buffer_units", 0) + percent
    pack, rounded = rule.get("pack_size", 1), floor(stock)
    whole = rounded // pack if rule.get("pack_shows") == "packs" else rounded // pack * pack
    if rounded < 0 and rule.get("pack_shows") != "packs":
        whole = rounded  # what is missing is missing by the unit
    return min(0 if 0 < whole < rule.get("floor", 0) else whole, rule.get("show_at_most", 10**9))


def per_unit(shown: Shown) -> int:
    """Units of the till in one that the channel counts."""
    return int(shown.rule.get("pack_size", 1)) if shown.rule.get("pack_shows") == "packs" else 1


def stock_of(
    game: Game,
    shown: Shown,
    rule: Mapping[str, Any],
    levels: Mapping[str, Decimal],
    orders: Mapping[Shown, int],
) -> Fraction:
    """The stock of the channel's locations, aggregated."""
    amounts: list[Fraction] = []
    for place in shown.places:
        amount = Fraction(levels[place])
        amount -= sum(units * per_unit(one) for one, units in orders.items() if one.serves == place)
        if rule.get("aggregate") == "share":
            amount = Fraction(floor(amount * rule["shares"].get(place, 100) * 1000), 100_000)
        amount = max(amount - rule.get("safety_stock", 0), min(amount, Fraction(0)))
        amounts.append(max(amount, Fraction(0)) if game.negative == "as zero" else amount)
    kind = rule.get("aggregate", "sum")
    if kind == "priority":
        return next((amount for amount in amounts if amount > 0), Fraction(0))
    return {"min": min, "max": max}.get(kind, lambda all_of: sum(all_of, Fraction(0)))(amounts)


# ---------------------------------------------------------------- one article


@dataclass
class Order:
    id: str
    shown: Shown
    units: int
    sale: str | None = None
    marked: bool = False
    cancelled: bool = False


@dataclass
class Cart:
    """A cart with `ReserveOnCart`. `holds`: its reservation still stands; without, it can be ordered all the same."""

    id: str
    shown: Shown
    units: int
    holds: bool = True


@dataclass
class Article:
    """One history: what happened, and what was taken away since the last finished sync began."""

    sku: str
    product_id: str
    orders: list[Order] = field(default_factory=list)
    carts: list[Cart] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    taken: int = 0
    taken_now: int = 0

    def in_carts(self, shown: Shown) -> int:
        return sum(cart.units for cart in self.carts if cart.shown is shown and cart.holds)

    def take(self, quantity: int) -> None:
        self.taken += quantity
        self.taken_now += quantity


class Broken(AssertionError):
    """A history in which more was offered than allowed, or something was hidden at rest."""


class Play:
    """One world of histories."""

    def __init__(
        self, world: Stocked, game: Game, articles: Sequence[Article], chance: random.Random
    ) -> None:
        self.world = world
        self.game = game
        self.articles = {article.sku: article for article in articles}
        self.chance = chance
        self.outlets = {name: world.outlet(name) for name in PLACES}
        self.channel_ids = {
            shown: world.online.get("channels", key=shown.key)["id"] if shown.key else None  # type: ignore[index]
            for shown in game.channels
        }
        self.written = 0
        self.over = False

    # --- events ---

    def moment(self, name: str) -> None:
        """Something happens to some articles."""
        for article in self.articles.values():
            if self.chance.random() < EVENT_SHARE:
                self.event(article, name)
        if self.game.late and self.chance.random() < 0.5:
            self.world.online.settle_order_stock()
        self.check_bounds(name)

    def event(self, article: Article, moment: str) -> None:
        kinds: list[Callable[[Article], str | None]] = [
            self._sale, self._sale, self._order, self._order, self._receive, self._transfer, self._export,
            self._export, self._mark, self._cancel, self._return, self._count, self._edit,
        ]  # fmt: skip
        if self.game.carts:
            kinds += [self._cart, self._cart, self._drop_cart, self._expire_carts, self._order_cart]
        told = self.chance.choice(kinds)(article)
        if told is not None:
            article.told.append(f"{moment}: {told}")

    def _sale(self, article: Article) -> str:
        place, units = self.chance.choice(PLACES), self.chance.randint(1, 3)
        self.world.till.sell(self.outlets[place], [(article.product_id, units)])
        article.take(units)
        return f"the till at {place} sells {units}"

    def _receive(self, article: Article) -> str:
        place, units = self.chance.choice(PLACES), self.chance.randint(1, 6)
        self._move(article, place, units)
        return f"{place} receives {units}"

    def _count(self, article: Article) -> str:
        place = self.chance.choice(PLACES)
        level = Decimal(self.chance.randint(-2, 24)) / 2
        fewer = self._level(article, place) - level
        if fewer > 0:
            article.take(ceil(fewer))
        self.world.till.set_stock(article.product_id, self.outlets[place], level)
        return f"{place} counts {level}"

    def _transfer(self, article: Article) -> str:
        source, target = self.chance.sample(PLACES, 2)
        units = self.chance.randint(1, 3)
        article.take(units)
        self._move(article, source, -units)
        self._move(article, target, units)
        return f"{units} go from {source} to {target}"

    def _move(self, article: Article, place: str, units: int) -> None:
        from sandbox.lightspeed import stock

        with self.world.till.lock:
            stock.change_level(self.world.till, article.product_id, self.outlets[place], Decimal(units))

    def _order(self, article: Article) -> str | None:
        shown, units = self.chance.choice(self.game.channels), self.chance.randint(1, 3)
        try:
            order = self.world.online.place_order([(article.sku, units, shown.key)], mode=self.game.mode)
        except ApiError:
            return None
        article.orders.append(Order(order["id"], shown, units))
        article.take(units * per_unit(shown))
        return f"order of {units} in {shown.key}"

    def _export(self, article: Article) -> str | None:
        """The order becomes a sale at the till; the mark may come at once or only later."""
        order = next((one for one in article.orders if one.sale is None and not one.cancelled), None)
        if order is None:
            return None
        place = order.shown.serves or self.chance.choice(order.shown.places)
        units = order.units * per_unit(order.shown)
        order.sale = self.world.till.sell(self.outlets[place], [(article.product_id, units)])
        if self.chance.random() < 0.6:
            self._mark_one(order)
        return f"order of {order.units} in {order.shown.key} is sold at {place}{', marked' if order.marked else ''}"

    def _mark(self, article: Article) -> str | None:
        order = next((o for o in article.orders if o.sale and not o.marked and not o.cancelled), None)
        if order is None:
            return None
        self._mark_one(order)
        return "an exported order is marked"

    def _mark_one(self, order: Order) -> None:
        action = {"action": "updateSyncInfo", "channel": {"typeId": "channel", "key": "lightspeed"}}
        self.world.online.update("orders", [{**action, "externalId": order.sale}], id=order.id)
        order.marked = True

    def _cancel(self, article: Article) -> str | None:
        order = next((one for one in article.orders if not one.cancelled), None)
        if order is None:
            return None
        missing = max(0, -self.truth(article, order.shown))
        if order.sale is not None:
            self.world.till.void_sale(order.sale)
        action = {"action": "changeOrderState", "orderState": "Cancelled"}
        self.world.online.update("orders", [action], id=order.id)
        order.cancelled = True
        if self.game.negative == "as zero":
            article.take(order.units)  # its location may never have had it
        elif self.game.below_zero == "zero":
            # What is missing is not shown, and given back as if it were there (see the docs).
            article.take(min(order.units, missing))
        return f"order of {order.units} in {order.shown.key} is cancelled"

    def _return(self, article: Article) -> str:
        place = self.chance.choice(PLACES)
        sale = self.world.till.sell(self.outlets[place], [(article.product_id, 1)])
        article.take(1)
        self.world.till.return_sale(sale)
        return f"one is sold and brought back at {place}"

    def _edit(self, article: Article) -> str | None:
        """Somebody types a figure into an entry."""
        shown = self.chance.choice(self.game.channels)
        entry = self._entry(article, shown)
        if entry is None:
            return None
        figure = self.chance.randint(0, 30)
        more = figure - entry["quantityOnStock"]
        if more > 0:
            article.take(more * per_unit(shown))
        action = {"action": "changeQuantity", "quantity": figure}
        self.world.online.update("inventory", [action], id=entry["id"])
        return f"somebody sets {shown.key} to {figure}"

    def _cart(self, article: Article) -> str | None:
        shown, units = self.chance.choice(self.game.channels), self.chance.randint(1, 2)
        try:
            cart = self.world.online.fill_cart(article.sku, shown.key, units)
        except ApiError:
            return None
        article.carts.append(Cart(cart, shown, units))
        return f"a cart takes {units} in {shown.key}"

    def _drop_cart(self, article: Article) -> str | None:
        if not article.carts:
            return None
        cart = article.carts.pop(self.chance.randrange(len(article.carts)))
        self.world.online.drop_cart(cart.id)
        return f"a cart of {cart.units} in {cart.shown.key} is emptied"

    def _expire_carts(self, article: Article) -> str | None:
        """The time of all carts is over, some minutes late; where nothing expires, they keep what they hold."""
        gone = self.world.online.expire_carts(self.world.online.clock.now() + timedelta(days=1))
        for one in self.articles.values():
            for cart in one.carts:
                cart.holds = cart.holds and cart.id not in gone
        return "all carts expire" if gone else None

    def _order_cart(self, article: Article) -> str | None:
        """Whatever became of its reservation, and of the stock: nothing keeps a cart from being ordered."""
        if not article.carts:
            return None
        cart = article.carts.pop(0)
        order = self.world.online.order_cart(cart.id)
        article.orders.append(Order(order["id"], cart.shown, cart.units))
        article.take(cart.units * per_unit(cart.shown))
        expired = "" if cart.holds else ", which had expired,"
        return f"a cart of {cart.units} in {cart.shown.key}{expired} is ordered"

    # --- looking ---

    def _level(self, article: Article, place: str) -> Decimal:
        found: Decimal = self.world.till.stock_level(article.product_id, self.outlets[place]) or Decimal(0)
        return found

    def _entry(self, article: Article, shown: Shown) -> dict[str, Any] | None:
        project = self.world.online.project()
        wanted = self.channel_ids[shown]
        for entry_id in project.ids_with_sku("inventory", article.sku):
            row = project.collection("inventory").get(id=entry_id)
            if (row.get("supplyChannel") or {}).get("id") == wanted:
                found: dict[str, Any] = row
                return found
        return None

    def truth(self, article: Article, shown: Shown, *, limited: bool = True) -> int:
        """The intended figure of this moment: all levels, and the orders that have not become a sale."""
        levels = {place: self._level(article, place) for place in PLACES}
        orders: dict[Shown, int] = {}
        for order in article.orders:
            if order.sale is None and not order.cancelled:
                orders[order.shown] = orders.get(order.shown, 0) + order.units
        return figure_of(self.game, shown, levels, orders, limited=limited)

    def offered(self, article: Article, shown: Shown) -> int | None:
        entry = self._entry(article, shown)
        return None if entry is None else int(entry["availableQuantity"])

    # --- what must hold ---

    def check_bounds(self, moment: str) -> None:
        """What is offered too much is never more than what was taken away since the last sync began."""
        for article in self.articles.values():
            for shown in self.game.channels:
                offered = self.offered(article, shown)
                if offered is None or not shown.bounded:
                    continue
                intended = self.truth(article, shown, limited=False) - article.in_carts(shown)
                too_much = offered - max(intended, 0)
                if too_much > article.taken + shown.slack:
                    raise Broken(
                        self._story(article, shown, moment, f"{too_much} too much for {article.taken} taken")
                    )

    def check_written(self, write: EntryWrite) -> None:
        """No write offers more than the truth of the moment and what was taken away since the sync began allow."""
        article = self.articles[write.sku]
        shown = next(one for one in self.game.channels if (one.key or "") == write.channel)
        entry = self._entry(article, shown)
        reserved = 0 if entry is None else entry["quantityOnStock"] - entry["availableQuantity"]
        current = entry is None or write.entry_id is None or entry["version"] == write.seen_version
        if not current or not shown.bounded:
            return
        offers = write.on_stock - reserved
        allowed = (
            max(self.truth(article, shown) - article.in_carts(shown), 0) + article.taken_now + shown.slack
        )
        if offers > allowed:
            raise Broken(self._story(article, shown, "write", f"{offers} written, {allowed} allowed"))

    def check_rest(self) -> None:
        """At rest exactly the intended figure is offered: nothing too much, nothing hidden."""
        for article in self.articles.values():
            for shown in self.game.channels:
                intended = self.intended(article, shown)
                if self.offered(article, shown) != intended:
                    raise Broken(self._story(article, shown, "at rest", f"{intended} intended"))

    def intended(self, article: Article, shown: Shown) -> int:
        """What the entry should say is available: the figure less what carts hold, and what is missing, below zero."""
        available = self.truth(article, shown) - article.in_carts(shown)
        return max(available, 0) if self.game.below_zero == "zero" else available

    def _story(self, article: Article, shown: Shown, moment: str, what: str) -> str:
        levels = {place: str(self._level(article, place)) for place in PLACES}
        lines = "\n  ".join(article.told)
        entry = self._entry(article, shown)
        return (
            f"{self.game.name}: {article.sku} in {shown.key}, {moment}: {what}, "
            f"{self.offered(article, shown)} offered; levels {levels}, "
            f"entry {entry and (entry['quantityOnStock'], entry['availableQuantity'])}, "
            f"carts {article.in_carts(shown)}\n  {lines}"
        )

    # --- the play ---

    def run(self) -> None:
        world = self.world
        self.sync("full", 0)
        for number in range(1, SYNCS + 1):
            self.moment(f"before sync {number}")
            self.sync("full" if self.chance.random() < 0.15 else "delta", number)
        self.over = True
        world.online.settle_order_stock()
        for article in self.articles.values():
            for order in article.orders:
                if order.sale and not order.marked and not order.cancelled:
                    self._mark_one(order)
        world.clock_ahead += timedelta(seconds=SETTLES + 1)
        for _ in range(AT_REST):
            world.world.forget_requests()
            world.run("delta")
            if not world.stock_writes("commercetools"):
                break
        else:
            raise Broken(f"{self.game.name}: still writing after {AT_REST} deltas at rest")
        self.check_rest()
        world.world.forget_requests()
        world.run("full")
        if world.stock_writes():
            raise Broken(f"{self.game.name}: a full run after rest wrote {len(world.stock_writes())} entries")

    def sync(self, mode: str, number: int) -> None:
        for article in self.articles.values():
            article.taken_now = 0

        def happens(where: str) -> Callable[[], None] | None:
            return None if number == 0 else lambda: self.moment(f"sync {number}, {where}")

        run = self.world.run(
            mode,
            meanwhile=Meanwhiles(
                after_entries=happens("after entries were read"),
                after_orders=happens("after orders were read"),
                after_levels=happens("after levels were read"),
                after_plan=happens("after the plan was made"),
            ),
        )
        assert run.accounts.add_up and run.accounts.failed == 0, run.audited.summary
        self.written += run.accounts.applied
        for article in self.articles.values():
            article.taken = article.taken_now
            article.told.append(f"sync {number} ({mode})")


class Watched(CommercetoolsStock):
    """The real adapter; something may happen right before a write, and every write is looked at."""

    play: Play | None = None

    async def write(self, write: EntryWrite) -> EntryWritten:
        play = self.play
        if play is not None:
            if not play.over and play.chance.random() < 0.05:
                play.event(play.articles[write.sku], "right before a write")
            play.check_written(write)
        return await super().write(write)


class InProcess(httpx.AsyncBaseTransport):
    """Speaks to the stand-ins in this process: whole HTTP requests, without the sockets between."""

    def __init__(self, *apps: Any) -> None:
        """`apps`: by the port of their address, from 1."""
        self._apps = [httpx.ASGITransport(app=app) for app in apps]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url.port
        return await self._apps[request.url.port - 1].handle_async_request(request)


class HistoryWorld(Stocked):
    """Its writes of entries are watched."""

    play: Play | None = None

    def watch(self, storefront: CommercetoolsConnector) -> None:
        stock = Watched(storefront.client, storefront.settings)
        stock.play = self.play
        vars(storefront)["inventory"] = stock

    def stock_writes(self, system: str | None = None) -> list[Any]:
        return [
            request
            for request in super().stock_writes(system)
            if request.status is not None and request.status < 300
        ]


@contextmanager
def history_world(game: Game, histories: int, ledger_url: str, staging: Path, seed: int) -> Iterator[Play]:
    """A world with as many articles, linked on both sides, three locations and the game's channels."""
    chance = random.Random(seed)
    online, till = CommercetoolsStore("histories", seed=seed), LightspeedStore(seed=seed)
    till.options.rate_limit = False
    for name in PLACES:
        till.add_register(f"Till {name}", till.add_outlet(name))
    for key in {shown.key for shown in game.channels if shown.key}:
        online.create("channels", {"key": key, "roles": ["InventorySupply"]})
    online.create("channels", {"key": "lightspeed", "roles": ["OrderExport"]})
    online.reserved_orders = game.reserved_orders  # type: ignore[assignment]
    online.order_stock_late = game.late
    online.cancel_gives_back = game.gives_back
    if game.carts:
        reserving = {"reservationExpirationInMinutes": 30, "releaseExpiredReservations": game.carts_expire}
        online.set_project(inventory=reserving)
    settings = SyncSettings.model_validate(
        {
            "locations": [{"name": name, "outlet": name} for name in PLACES],
            "inventory": {
                "channels": [shown.setting() for shown in game.channels],
                "negative_levels": game.negative,
                "negative_quantity": game.below_zero,
                "order_settles_seconds": game.settles,
                "most_lost_percent": 100,
            },
            "limits": {"commercetools": {"trail_seconds": 0}, "body_bytes": 0},
        }
    )
    articles = [
        Article(f"SKU-{n}", till.add_product_family(f"Article {n}", sku=f"SKU-{n}", price="1.00")[0])
        for n in range(histories)
    ]
    for article in articles:
        for row in till.stock_of(article.product_id):
            till.set_stock(article.product_id, row.outlet_id, chance.randint(0, 12))
    faults = {"commercetools": Faults(seed), "lightspeed": Faults(seed)}
    with Ledger.open(ledger_url) as ledger:
        link_articles(ledger, articles)
        world = World(
            shop=None,  # type: ignore[arg-type]
            settings=settings,
            online=online,
            till=till,
            online_url="http://127.0.0.1:1",
            till_url="http://127.0.0.1:2",
            faults=faults,
            ledger=ledger,
            staging=staging,
            till_token=till.tokens.add_personal(),
            network=InProcess(
                online_app(online, faults["commercetools"]), till_app(till, faults["lightspeed"])
            ),
        )
        found = HistoryWorld(world)
        world.watch = found.watch
        found.play = Play(found, game, articles, chance)
        yield found.play


def link_articles(ledger: Ledger, articles: Sequence[Article]) -> None:
    """What a run of products leaves behind: both sides mirrored, and linked."""

    def row(record: str, parent: str | None, fields: dict[str, Any]) -> MirrorRow:
        return MirrorRow(
            id=record, parent_id=parent, version=1, label=fields.get("sku"), digest=record, fields=fields
        )

    aligned(ledger, "products")
    sides = {"lightspeed": "{}", "commercetools": "online-{}"}
    for system, name in sides.items():
        ids = [name.format(article.product_id) for article in articles]
        ledger.mirror.see(
            "products", "product", system, "products", [row(i, None, {"tracked": True}) for i in ids]
        )
        variants = [row(f"{i}", i, {"sku": a.sku}) for i, a in zip(ids, articles, strict=True)]
        ledger.mirror.see("products", "variant", system, "products", variants)
    ledger.links.add(
        [pair(f"online-{article.product_id}", article.product_id, run_id="products") for article in articles]
    )
    ledger.runs.settle("products", "products", cursors={}, holds=[], baseline=True)


def play(seed: int, histories: int, ledger_url: str, staging: Path) -> Play:
    """Plays one world to its end. Raises Broken with the history of the article that broke a rule."""
    game = GAMES[seed % len(GAMES)]
    with history_world(game, histories, ledger_url, staging, seed) as found:
        found.run()
        return found


def main(wanted: int, first_seed: int = 0, world_size: int = 500) -> int:
    from demo.postgres import temporary_postgres
    from retail_sync.ledger.migrate import upgrade

    began, done, written, seed = time.monotonic(), 0, 0, first_seed
    with temporary_postgres() as server:
        while done < wanted:
            name = f"histories_{seed}"
            server.create_database(name)
            upgrade(server.url(name))
            with tempfile.TemporaryDirectory() as folder:
                written += play(seed, world_size, server.url(name), Path(folder)).written
            server.drop_database(name)
            done, seed = done + world_size, seed + 1
            print(f"{done} histories, {written} writes, {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *(int(one) for one in sys.argv[2:])))
