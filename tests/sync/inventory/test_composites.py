"""Composites and their parts: what is ordered of one takes from all that share its parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_sync.records.inventory import BUCKET_COLUMNS, LEVEL_COLUMNS, parts, stock_table
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.availability import Figures, Given, work_out
from retail_sync.sync.inventory.composites import Kinship, _flattened
from retail_sync.sync.inventory.explanation import Explainer
from retail_sync.sync.inventory.layout import layout_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PLACES = ("A", "B", "C")
Recipe = Mapping[str, int]
Levels = Mapping[str, Mapping[str, int]]
Order = tuple[str, int]


def worked(
    levels: Levels,
    recipes: Mapping[str, Recipe],
    orders: Sequence[Order],
    *,
    served: str | None = "A",
    places: Sequence[str] = PLACES,
    shown: Sequence[str] | None = None,
    held: Sequence[tuple[str, str, str, int]] = (),
    **rule: Any,
) -> Figures:
    """Parts with these levels by place, and composites of them, all in the channel `web`. `shown`: only these articles
    are looked at. `held`: product, place, bucket, units."""
    config = SyncSettings.model_validate(
        {
            "locations": [{"name": name, "outlet": name} for name in PLACES],
            "inventory": {
                "channels": [{"key": "web", "locations": list(places), "fulfilled_by": served, **rule}]
            },
        }
    )
    everybody = _articles([*levels, *recipes], recipes)
    looked_at = everybody["sku"].isin(list(shown if shown is not None else everybody["sku"]))
    named = {sku for sku, _ in orders}
    sets = everybody[~looked_at & everybody["parts"].notna() & everybody["sku"].isin(named)]
    made = {*everybody.loc[looked_at, "sku"], *sets["sku"]} & recipes.keys()
    rows = [
        (part, f"outlet-{place}", parts(Decimal(level)), 1, None)
        for part, own in levels.items()
        for place, level in own.items()
    ]
    return work_out(
        Given(
            layout=layout_of(config, {name: f"outlet-{name}" for name in PLACES}, NOW, reserved="orders"),
            inventory=config.inventory,
            articles=everybody[looked_at].reset_index(drop=True),
            levels=stock_table(LEVEL_COLUMNS, rows),
            orders=pd.DataFrame(
                [(f"o{n}", f"N{n}", sku, "web", units) for n, (sku, units) in enumerate(orders)],
                columns=["id", "number", "sku", "channel", "units"],
            ).astype({"sku": "string", "channel": "string", "units": "int64"}),
            buckets=stock_table(
                BUCKET_COLUMNS,
                [(one, f"outlet-{place}", name, parts(units), None) for one, place, name, units in held],
            ),
            sets=sets.reset_index(drop=True),
            recipes={one: {part: parts(needed) for part, needed in recipes[one].items()} for one in made},
        )
    )


def _articles(skus: Sequence[str], recipes: Mapping[str, Recipe]) -> pd.DataFrame:
    listed = [json.dumps(list(recipes[sku].items())) if sku in recipes else None for sku in skus]
    return pd.DataFrame(
        {
            "product_id": pd.Series(list(skus), dtype="string"),
            "sku": pd.Series(list(skus), dtype="string"),
            "deleted": False,
            "parts": pd.Series(listed, dtype="string"),
            **{
                name: pd.Series([pd.NA] * len(skus), dtype="string") for name in ("brand", "category", "tags")
            },
        }
    )


def shows(figures: Figures) -> dict[str, int]:
    (web,) = figures.shelves
    return dict(zip(figures.given.articles["sku"], web.net.tolist(), strict=True))


BOXES: dict[str, Recipe] = {"SET-A": {"PART": 2}, "SET-B": {"PART": 3}}


@pytest.mark.parametrize("served", ["A", None])
@pytest.mark.parametrize(
    "order, left",
    [
        (("SET-A", 3), {"PART": 0, "SET-A": 0, "SET-B": 0}),
        (("PART", 6), {"PART": 0, "SET-A": 0, "SET-B": 0}),
        (("PART", 1), {"PART": 5, "SET-A": 2, "SET-B": 1}),
        (("SET-B", 1), {"PART": 3, "SET-A": 1, "SET-B": 1}),
    ],
)
def test_an_order_of_a_composite_takes_its_parts_and_the_other_way_round(
    served: str | None, order: Order, left: dict[str, int]
) -> None:
    """6 of PART in stock, SET-A takes 2 of it and SET-B 3."""
    figures = worked({"PART": {"A": 6, "B": 0, "C": 0}}, BOXES, [order], served=served)
    assert shows(figures) == left


@pytest.mark.parametrize("looked_at", [["PART"], ["SET-B"], ["SET-A"], ["PART", "SET-A"]])
def test_it_counts_whichever_of_them_a_run_looks_at(looked_at: list[str]) -> None:
    figures = worked({"PART": {"A": 6, "B": 0, "C": 0}}, BOXES, [("SET-A", 2)], shown=looked_at)
    left = {"PART": 2, "SET-A": 1, "SET-B": 0}
    assert shows(figures) == {sku: left[sku] for sku in looked_at}


def test_open_sales_and_goods_on_their_way_reach_composites_through_their_parts() -> None:
    held = [("SET-A", "A", "held", 1), ("PART", "A", "held", 1), ("PART", "A", "incoming", 9)]
    figures = worked({"PART": {"A": 6, "B": 0, "C": 0}}, BOXES, [], held=held)
    assert shows(figures) == {"PART": 12, "SET-A": 6, "SET-B": 4}


def test_a_composite_is_unknown_while_a_part_is() -> None:
    recipes = {"SET": {"PART": 1, "LID": 1}}
    figures = worked({"PART": {"A": 6}, "LID": {"B": 6}}, recipes, [], places=["A"])
    (web,) = figures.shelves
    assert web.known.tolist() == [True, False, False]


# ---------------------------------------------------------------- any shop


@st.composite
def shops(draw: st.DrawFn) -> tuple[Levels, dict[str, Recipe], list[Order]]:
    names = ["P", "Q", "R"]
    levels = {name: {place: draw(st.integers(-2, 12)) for place in PLACES} for name in names}
    recipes: dict[str, Recipe] = {
        f"S{n}": draw(st.dictionaries(st.sampled_from(names), st.integers(1, 4), min_size=1))
        for n in range(draw(st.integers(1, 3)))
    }
    order = st.tuples(st.sampled_from([*names, *recipes]), st.integers(1, 3))
    return levels, recipes, draw(st.lists(order, min_size=1, max_size=4))


def _sold(levels: Levels, recipes: Mapping[str, Recipe], order: Order, place: str) -> Levels:
    """The levels after an order became a sale at a location."""
    sku, units = order
    taken = recipes.get(sku, {sku: 1})
    return {
        part: {at: level - (taken.get(part, 0) * units if at == place else 0) for at, level in own.items()}
        for part, own in levels.items()
    }


@settings(max_examples=150)
@given(shops())
def test_exporting_an_order_that_a_location_serves_changes_no_figure(
    shop: tuple[Levels, dict[str, Recipe], list[Order]],
) -> None:
    levels, recipes, orders = shop
    before = shows(worked(levels, recipes, orders))
    after = shows(worked(_sold(levels, recipes, orders[0], "A"), recipes, orders[1:]))
    assert before == after


@settings(max_examples=150)
@given(shops(), st.permutations(PLACES), st.sampled_from(["sum", "max", "min"]))
def test_wherever_an_order_is_served_from_its_export_lowers_no_figure(
    shop: tuple[Levels, dict[str, Recipe], list[Order]], places: list[str], aggregate: str
) -> None:
    levels, recipes, orders = shop
    rule = {"served": None, "aggregate": aggregate}
    offered = shows(worked(levels, recipes, orders, **rule))
    left = list(orders)
    for place in [*places, *places]:
        if not left:
            break
        levels = _sold(levels, recipes, left.pop(0), place)
        now = shows(worked(levels, recipes, left, **rule))
        lowered = {sku: (offered[sku], now[sku]) for sku in now if now[sku] < offered[sku]}
        assert not lowered, lowered


@settings(max_examples=100)
@given(shops(), st.sampled_from(["A", None]))
def test_another_order_raises_no_figure_and_the_steps_told_lead_to_what_is_left(
    shop: tuple[Levels, dict[str, Recipe], list[Order]], served: str | None
) -> None:
    levels, recipes, orders = shop
    figures = worked(levels, recipes, orders, served=served)
    fewer = shows(worked(levels, recipes, orders[:-1], served=served))
    assert all(figure <= fewer[sku] for sku, figure in shows(figures).items())
    (web,) = figures.shelves
    for position in range(len(figures.given.articles)):
        told = Explainer(figures).of(web, position)
        assert told.figure == max(int(web.net[position]), 0)
        for place in told.places:
            left = (
                Decimal(place.level) - Decimal(place.held) + Decimal(place.incoming) - Decimal(place.ordered)
            )
            assert left == Decimal(place.contributes)


# ---------------------------------------------------------------- sets of sets


def test_what_a_set_of_sets_takes_is_what_its_sets_take_and_what_is_not_counted_takes_nothing() -> None:
    direct = {
        "BIG": {"SET": "2", "PART": "1", "CARD": "1"},
        "SET": {"PART": "3", "LID": "0.5"},
    }
    found = _flattened("BIG", direct, {"CARD": False, "PART": True})
    assert found == {"PART": parts(7), "LID": parts(1)}


def test_a_set_of_nothing_that_is_counted_takes_nothing_and_one_that_contains_itself_is_not_known() -> None:
    assert _flattened("KIT", {"KIT": {"CARD": "1"}}, {"CARD": False}) == {}
    direct = {"EGG": {"HEN": "1"}, "HEN": {"EGG": "1", "FOOD": "1"}}
    assert _flattened("EGG", direct, {}) is None


def test_all_that_share_parts_are_looked_at_together() -> None:
    kin = Kinship(
        {"BIG": frozenset({"SET"}), "SET": frozenset({"PART"}), "OTHER": frozenset({"PART", "LID"})},
        {"SET": frozenset({"BIG"}), "PART": frozenset({"SET", "OTHER"}), "LID": frozenset({"OTHER"})},
    )
    everybody = {"BIG", "SET", "PART", "OTHER"}
    assert kin.touched({"BIG"}) == everybody and kin.touched({"PART"}) == everybody
    assert kin.touched({"LID"}) == {"LID", "OTHER"} and kin.touched({"X"}) == {"X"}
