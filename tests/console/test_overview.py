"""The overview: one sentence that is right, and figures that are the ledger's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.console.plots import HEIGHT, TOP, WIDTH, nice, plot
from include.console.verdict import Facts, verdict_of
from include.records.hints import Hint
from include.sandbox.shop import SAMPLE_SHOP, load_shop
from tests.console.house import House, house_of
from tests.scenarios.world import world_of

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
FRESH = NOW - timedelta(minutes=12)
OLD_AFTER = timedelta(hours=3)


def sentence(*facts: Facts, **more: Any) -> Any:
    return verdict_of(facts, NOW, old_after=OLD_AFTER, holds_above=25, **more)


def test_all_well_tells_how_old_the_oldest_data_is() -> None:
    found = sentence(Facts("products", FRESH), Facts("prices", NOW - timedelta(minutes=70)))
    assert (found.tone, found.reasons) == ("good", ())
    assert "70 minutes old" in found.sentence


def test_nothing_has_run_yet_is_no_alarm() -> None:
    assert sentence(Facts("products"), Facts("prices")).tone == "warn"


@pytest.mark.parametrize(
    ("facts", "tone", "told"),
    [
        (
            Facts("products", FRESH, failed="The host is unknown", failed_run="r"),
            "bad",
            "The host is unknown",
        ),
        (Facts("products", NOW - timedelta(hours=5)), "bad", "no successful run for 5 hours"),
        (Facts("products", FRESH, held={"conflict": 2}), "warn", "both systems changed the same field (2)"),
        (Facts("products", FRESH, held={"waiting": 30}), "warn", "30 records are held"),
    ],
)
def test_what_needs_a_person_is_named(facts: Facts, tone: str, told: str) -> None:
    found = sentence(facts, Facts("prices", FRESH))
    assert found.tone == tone
    assert [told in one.sentence for one in found.reasons] == [True]


def test_what_mends_itself_needs_nobody() -> None:
    found = sentence(Facts("products", FRESH, held={"waiting": 3, "price_missing": 2}))
    assert found.tone == "good"
    assert "5 records are held and tried again" in found.sentence


def test_old_data_is_no_alarm_while_a_run_is_under_way() -> None:
    assert sentence(Facts("products", NOW - timedelta(hours=5), running=True)).tone == "good"


def test_events_that_nobody_takes_are_an_alarm() -> None:
    found = sentence(Facts("products", FRESH), waiting_since=NOW - timedelta(hours=4))
    assert found.tone == "bad"
    assert "events have waited for 4 hours" in found.reasons[0].sentence


@given(st.integers(0, 10**9))
def test_a_scale_holds_its_figures_and_wastes_little(most: int) -> None:
    top = nice(most)
    assert top >= most
    assert top >= 2
    assert most < 3 or top <= 2.5 * most


@given(st.dictionaries(st.integers(0, 23), st.dictionaries(st.sampled_from("abc"), st.integers(0, 10**6))))
def test_bars_stay_within_the_picture_and_are_as_high_as_they_count(
    counts: dict[int, dict[str, int]],
) -> None:
    hour = timedelta(hours=1)
    points = {FRESH.replace(minute=0) + hour * place: values for place, values in counts.items()}
    drawn = plot("t", points, FRESH.replace(minute=0), hour, 24)
    assert drawn.total == sum(sum(values.values()) for values in counts.values())
    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert TOP - 0.2 <= bar.y <= bar.y + bar.height <= HEIGHT


def test_a_shop_that_never_synced_is_told_what_to_press(house: House) -> None:
    page = house.client().get("/").text
    assert "Nothing has run yet" in page
    assert 'href="/dags/preflight"' in page
    assert 'href="/dags/backfill"' in page


def test_figures_of_a_shop_that_synced_are_the_ledgers(ledger_url: str, tmp_path: Path) -> None:
    with (
        world_of(load_shop(SAMPLE_SHOP), ledger_url, tmp_path / "world") as world,
        house_of(world.ledger, world.settings, tmp_path) as house,
    ):
        ran = world.run("full")
        world.ledger.inbox.keep([Hint("lightspeed", "sale.update", "e1", ("inventory",))], ("inventory",))
        page = house.client("viewer").get("/").text
        variants = len(world.ledger.links.read("products", "variant"))
        assert re.search(rf"{variants}\W+variants", page)
        for code, count in world.ledger.holds.counts("products").items():
            assert f"{count} {code}" in page
        written = {one.system: 0 for one in world.ledger.changes.breakdown(ran.run_id)}
        for one in world.ledger.changes.breakdown(ran.run_id):
            written[one.system] += one.count if one.outcome == "applied" else 0
        for system, title in (("commercetools", "commercetools"), ("lightspeed", "Lightspeed")):
            assert f"{written[system]} written to {title}" in page
        assert "1 wait, the oldest since" in page
        assert "<rect" in page
        assert "wait for a person" not in page
        prices = house.client("pricer").get("/").text
        assert "Products" not in prices
        assert "variants" not in prices


def test_a_failed_run_is_told_with_its_error_and_never_as_markup(house: House) -> None:
    house.ledger.open_run("r", "products", dag_id="products", airflow_run_id="r", mode="full", params={})
    house.ledger.finish_run("r", "failed", {}, None, "<img src=x onerror=alert(1)> can't be reached")
    page = house.client().get("/").text
    assert "One thing needs a person." in page or "things need a person." in page
    assert "can&#39;t be reached" in page
    assert "<img" not in page


@pytest.mark.parametrize("span", ["day", "fortnight", "<script>"])
def test_any_span_gives_a_page(house: House, span: str) -> None:
    answer = house.client().get("/", params={"span": span})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
