"""Figures as columns against plain arithmetic, article by article, for any rules, levels and orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_sync.records.inventory import BUCKET_COLUMNS, LEVEL_COLUMNS, parts, stock_table
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.inventory.availability import Figures, Given, work_out
from retail_sync.sync.inventory.explanation import Explainer
from retail_sync.sync.inventory.layout import layout_of
from tests.support.histories import PLACES, Game, Shown, figure_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LEVEL = st.integers(-40, 400).map(lambda tenths: Decimal(tenths) / 10)


@st.composite
def rules(draw: st.DrawFn, places: tuple[str, ...]) -> dict[str, Any]:
    """Any rule, each setting there or not."""
    rule: dict[str, Any] = {"aggregate": draw(st.sampled_from(["sum", "min", "max", "priority", "share"]))}
    if rule["aggregate"] == "share":
        rule["shares"] = {place: draw(st.integers(0, 100)) for place in places}
    optional = {
        "safety_stock": st.integers(0, 4),
        "cap": st.integers(0, 30),
        "buffer_units": st.integers(0, 4),
        "buffer_percent": st.integers(0, 100),
        "pack_size": st.integers(1, 7),
        "floor": st.integers(0, 5),
        "show_at_most": st.integers(5, 30),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            rule[name] = draw(values)
    if "pack_size" in rule and draw(st.booleans()):
        rule["pack_shows"] = "packs"
    return rule


@st.composite
def shops(draw: st.DrawFn) -> tuple[Game, list[dict[str, Decimal]], list[list[tuple[int, int]]]]:
    """Channels over three locations; levels of some articles; web orders as (channel, units) for each article."""
    channels = []
    for key in ("web", "market"):
        places = tuple(draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True)))
        served = draw(st.sampled_from([None, *places]))
        channels.append(Shown(key, places, draw(rules(places)), fulfilled_by=served))
    game = Game("any", tuple(channels), negative=draw(st.sampled_from(["as zero", "subtract"])))
    levels = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(PLACES, LEVEL)), min_size=1, max_size=6))
    order = st.tuples(st.integers(0, 1), st.integers(1, 5))
    return game, levels, [draw(st.lists(order, max_size=3)) for _ in levels]


def worked(
    game: Game,
    levels: list[Mapping[str, Decimal | None]],
    orders: list[list[tuple[int, int]]],
    **inventory: Any,
) -> Figures:
    """These articles worked out by the package."""
    config = SyncSettings.model_validate(
        {
            "locations": [{"name": name, "outlet": name} for name in PLACES],
            "inventory": {
                "channels": [shown.setting() for shown in game.channels],
                "negative_levels": game.negative,
                **inventory,
            },
        }
    )
    names = [f"p{n}" for n in range(len(levels))]
    articles = pd.DataFrame(
        {
            "product_id": pd.Series(names, dtype="string"),
            "sku": pd.Series([f"S{n}" for n in range(len(levels))], dtype="string"),
            "deleted": False,
            **{
                name: pd.Series([pd.NA] * len(levels), dtype="string")
                for name in ("parts", "brand", "category", "tags")
            },
        }
    )
    rows = [
        (name, f"outlet-{place}", None if level is None else parts(level), 1, None)
        for name, own in zip(names, levels, strict=True)
        for place, level in own.items()
    ]
    lines = [
        (f"S{n}", game.channels[channel].key or "", units)
        for n, own in enumerate(orders)
        for channel, units in own
    ]
    layout = layout_of(config, {name: f"outlet-{name}" for name in PLACES}, NOW, reserved="orders")
    return work_out(
        Given(
            layout=layout,
            inventory=config.inventory,
            articles=articles,
            levels=stock_table(LEVEL_COLUMNS, rows),
            orders=pd.DataFrame(lines, columns=["sku", "channel", "units"]).astype(
                {"sku": "string", "channel": "string", "units": "int64"}
            ),
            buckets=stock_table(BUCKET_COLUMNS, []),
        )
    )


@settings(max_examples=300)
@given(shops())
def test_columns_give_what_plain_arithmetic_gives(
    shop: tuple[Game, list[dict[str, Decimal]], list[list[tuple[int, int]]]],
) -> None:
    game, levels, orders = shop
    figures = worked(game, list(levels), orders)
    for own, shown in zip(figures.shelves, game.channels, strict=True):
        for n, level in enumerate(levels):
            open_units: dict[Shown, int] = {}
            for channel, units in orders[n]:
                one = game.channels[channel]
                open_units[one] = open_units.get(one, 0) + units
            assert own.net[n] == figure_of(game, shown, level, open_units), (shown.rule, level, orders[n])


@settings(max_examples=200)
@given(shops(), st.integers(0, 1), st.integers(1, 5))
def test_another_order_never_raises_a_figure_and_a_served_export_changes_none(
    shop: tuple[Game, list[dict[str, Decimal]], list[list[tuple[int, int]]]], channel: int, units: int
) -> None:
    game, levels, orders = shop
    if any(shown.rule["aggregate"] == "priority" for shown in game.channels):
        return  # an emptied first location makes room for a fuller second one
    before = worked(game, list(levels), orders)
    ordered = worked(game, list(levels), [[*own, (channel, units)] for own in orders])
    for one, other in zip(before.shelves, ordered.shelves, strict=True):
        assert (other.net <= one.net).all()
    shown = game.channels[channel]
    if shown.serves is None:
        return
    size = shown.rule.get("pack_size", 1) if shown.rule.get("pack_shows") == "packs" else 1
    taken = [{**own, shown.serves: own[shown.serves] - units * size} for own in levels]
    exported = worked(game, list(taken), orders)
    for one, other in zip(ordered.shelves, exported.shelves, strict=True):
        assert (one.net == other.net).all(), "the till's level says what the order said before"


@settings(max_examples=100)
@given(shops())
def test_the_steps_of_an_explanation_lead_to_its_figure(
    shop: tuple[Game, list[dict[str, Decimal]], list[list[tuple[int, int]]]],
) -> None:
    game, levels, orders = shop
    figures = worked(game, list(levels), orders)
    explainer = Explainer(figures)
    for own in figures.shelves:
        for n in range(len(levels)):
            explained = explainer.of(own, n)
            last = Decimal(explained.steps[-1].left)
            assert explained.figure == last or (explained.figure == 0 and last < 1), explained


def test_an_unknown_level_takes_no_part_and_min_needs_every_one() -> None:
    game = Game(
        "unknown",
        (Shown("web", PLACES), Shown("least", PLACES, {"aggregate": "min"}), Shown("corner", ("C",))),
    )
    levels: list[Mapping[str, Decimal | None]] = [
        {"A": Decimal(3), "B": Decimal(4), "C": None},
        {"A": None, "B": None, "C": None},
        {"A": Decimal(3), "B": Decimal(4), "C": Decimal(5)},
    ]
    web, least, corner = worked(game, levels, [[], [], []]).shelves
    assert list(web.known) == [True, False, True] and list(web.figure[[0, 2]]) == [7, 12]
    assert list(least.known) == [False, False, True] and least.figure[2] == 3
    assert list(corner.known) == [False, False, True]


def test_the_closest_override_counts_and_of_one_kind_the_later_one() -> None:
    game = Game("overrides", (Shown("web", ("A",)),))
    overrides = [
        {"skus": ["S0"], "show_at_most": 1},
        {"brands": ["b"], "show_at_most": 2},
        {"tags": ["t"], "show_at_most": 3},
        {"categories": ["k"], "show_at_most": 4, "buffer_units": 1},
        {"tags": ["t2"], "show_at_most": 5},
    ]
    config = {"overrides": overrides}
    figures = worked(game, [{"A": Decimal(50)}] * 6, [[]] * 6, **config)
    given_ = figures.given
    articles = given_.articles.assign(
        category=pd.Series(["K", "K", "K", pd.NA, pd.NA, pd.NA], dtype="string"),
        tags=pd.Series(['["T"]', '["t"]', '["T2", "t"]', "[]", pd.NA, '["t", "t2"]'], dtype="string"),
        brand=pd.Series(["B", "b", pd.NA, "B", "x", pd.NA], dtype="string"),
    )
    again = work_out(
        Given(given_.layout, given_.inventory, articles, given_.levels, given_.orders, given_.buckets)
    )
    (web,) = again.shelves
    assert list(web.figure) == [1, 2, 5, 2, 50, 5]
    assert list(web.buffered // 100_000) == [49, 49, 49, 50, 50, 50], (
        "what the closer one leaves open is kept"
    )
    assert isinstance(web.figure, np.ndarray)
