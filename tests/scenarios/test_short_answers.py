"""Random lives of products, in which either system now and then answers its lists short, empty, twice or stale.

A product is one history, with events of its own between runs; some dozens are played in one world, once as they are and
once with lists that are wrong. Both have to end alike. What an answer from the past hides, or a delta that came short,
nobody can notice: so both end with one full run over healthy lists, and a second one writes nothing.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from include.local.postgres import EmbeddedPostgres
from include.records.errors import SyncError
from include.sandbox.shop import Shop
from tests.scenarios.test_absence import LISTS, draft_of, small, take_off
from tests.scenarios.world import World, world_of

CHUNKS, HISTORIES = 10, 20
"""Worlds, and histories in each."""
SHOP = 40
"""Products of a world; of some the sample shop knows that they are held."""
ROUNDS = 4
UNGUARDED = {"products": {"most_removed_percent": 100}}
"""People delete more in these worlds than a guard would let go over without a word."""
KINDS = ("short_list", "empty_list", "twice_list", "stale_list")
EVENT_SHARE = 0.25
"""Share of the histories to which something happens between two runs."""
STRIKES = 0.5
"""Share of the lists that are wrong, in a run in which they are."""


@dataclass
class Life:
    """One product: where it is, and what should be seen of it. `gone`: it was deleted on one side, `off`: somebody
    took it out of sale, `anew`: it was deleted and made anew, which a list may not have shown yet."""

    sku: str
    online_id: str
    gone: bool = False
    off: bool = False
    anew: bool = False


@dataclass
class Player:
    """Plays the histories of one world. `wrong`: lists are wrong now and then."""

    world: World
    seed: int
    wrong: bool
    lives: list[Life] = field(default_factory=list)
    failed: int = 0

    def play(self) -> None:
        self.world.run("full")
        at_the_till = {row["sku"] for row in self.world.till.all_products()}
        held = {hold.subject.partition(":")[2].partition(":")[0] for hold in self.world.holds()}
        for product in self.world.online_products():
            sku = product["masterData"]["current"]["masterVariant"]["sku"]
            if sku in at_the_till and product["id"] not in held:
                self.lives.append(Life(sku, product["id"]))
        self.lives = self.lives[:HISTORIES]
        assert len(self.lives) == HISTORIES
        events, faults = random.Random(self.seed), random.Random(self.seed + 1)
        for number in range(ROUNDS):
            for life in self.lives:
                if events.random() < EVENT_SHARE:
                    self._happen(life, events, number)
            self._run(events.choice(["full", "full", "delta"]), faults)
            self._nothing_is_off_that_should_be_on()
        self.world.run("full")
        assert self.world.run("full").accounts.changes == 0

    def _run(self, mode: str, faults: random.Random) -> None:
        for system in LISTS:
            kind = faults.choice([*KINDS, ""])
            if self.wrong and kind:
                rule = {"match": LISTS[system], "method": "GET", "times": None, "kind": kind}
                self.world.faults[system].add({**rule, "probability": STRIKES, "share": 0.4})
        try:
            self.world.run(mode)
        except SyncError:
            self.failed += 1
            assert self.wrong
        finally:
            for one in self.world.faults.values():
                one.clear()

    # --- events ---

    def _happen(self, life: Life, events: random.Random, number: int) -> None:
        what: Callable[[Life, str], None] = events.choice(
            [self._rename, self._rename, self._cost, self._cost, self._off, self._delete_online, self._anew]
        )
        if not life.gone:
            what(life, f"{number}")

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

    # --- looking ---

    def _nothing_is_off_that_should_be_on(self) -> None:
        till = {row["sku"]: row for row in self.world.till.all_products()}
        for life in self.lives:
            if not (life.gone or life.off or life.anew):
                assert self._online(life)["masterData"]["published"], life
                assert till[life.sku]["active"], life

    def end(self) -> dict[str, Any]:
        """What both systems show in the end, by SKU: doubles show."""
        online: dict[str, list[Any]] = defaultdict(list)
        for product in self.world.online_products():
            data = product["masterData"]["current"]
            for variant in [data["masterVariant"], *data["variants"]]:
                online[variant.get("sku", "")].append([product["masterData"]["published"], data["name"]])
        till: dict[str, list[Any]] = defaultdict(list)
        for row in self.world.till.all_products():
            till[row["sku"] or ""].append([row["active"], row["name"], str(row["supply_price"])])
        return {"online": dict(online), "till": {sku: sorted(rows) for sku, rows in till.items()}}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_products_end_as_with_true_answers_whatever_the_lists_say(
    chunk: int, sample_shop: Shop, postgres: EmbeddedPostgres, ledger_template: str, tmp_path: Path
) -> None:
    ends = []
    shop = small(sample_shop, SHOP, variants=3)
    for wrong in (False, True):
        name = f"short_{chunk}_{int(wrong)}"
        postgres.create_database(name, template=ledger_template)
        staging = tmp_path / name
        with world_of(shop, postgres.url(name), staging, UNGUARDED, seed=chunk) as world:
            player = Player(world, seed=1000 * chunk, wrong=wrong)
            player.play()
            ends.append(player.end())
        postgres.drop_database(name)
    assert _differences(*ends) == []


def _differences(true: dict[str, Any], wrong: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    return [
        (side, sku, true[side].get(sku), wrong[side].get(sku))
        for side in true
        for sku in sorted({*true[side], *wrong[side]})
        if true[side].get(sku) != wrong[side].get(sku)
    ]
