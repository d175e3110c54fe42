"""The overview: one sentence that is right, and figures that are the ledger's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from retail_sync.console import forgery
from retail_sync.console.pages.overview import lag
from retail_sync.console.views.plots import HEIGHT, TOP, WIDTH, nice, plot
from retail_sync.console.views.verdict import Facts, verdict_of
from retail_sync.console.vocabulary import linked
from retail_sync.ledger.engine import transaction
from retail_sync.ledger.queries.health import CursorAt, Health
from retail_sync.ledger.rows import HoldDraft
from retail_sync.records.events import Hint
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.support.console_app import SECRET, House, form_token, house_of
from tests.support.worlds import world_of

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
FRESH = NOW - timedelta(minutes=12)
OLD_AFTER = timedelta(hours=3)


def sentence(*facts: Facts, **more: Any) -> Any:
    return verdict_of(facts, NOW, old_after=OLD_AFTER, holds_above=25, **more)


def test_all_well_tells_how_old_the_oldest_data_is() -> None:
    found = sentence(Facts("products", FRESH), Facts("prices", NOW - timedelta(minutes=70)))
    assert (found.tone, found.reasons) == ("good", ())
    assert found.sentence == "All two entities are in sync; the oldest data is 70 minutes old."


def test_nothing_has_run_yet_is_no_alarm() -> None:
    assert sentence(Facts("products"), Facts("prices")).tone == "warn"


@pytest.mark.parametrize(
    ("facts", "tone", "told"),
    [
        (Facts("products", FRESH, failed="No host", run_id="r"), "bad", "the last run of products failed"),
        (Facts("products", FRESH, aligned=False), "bad", "products have never been aligned in full"),
        (Facts("products"), "bad", "products have never been synced"),
        (Facts("products", FRESH, running_since=NOW - timedelta(hours=4)), "bad", "under way for 4 hours"),
        (Facts("products", FRESH, refused=2), "warn", "2 records of products failed"),
        (Facts("products", FRESH, held={"price_jump": 1}), "warn", "1 price waits for approval"),
        (Facts("products", FRESH, held={"price_jump": 4}), "warn", "4 prices wait for approval"),
        (Facts("products", FRESH, held={"name_differs": 1}), "warn", "1 customer waits"),
        (Facts("products", NOW - timedelta(hours=5)), "bad", "no successful run for 5 hours"),
        (Facts("products", FRESH, held={"conflict": 2}), "warn", "2 conflicts wait to be settled"),
        (
            Facts("products", FRESH, held={"waiting": 30}),
            "warn",
            "30 records of products are held, more than 25",
        ),
    ],
)
def test_what_needs_a_person_is_named(facts: Facts, tone: str, told: str) -> None:
    found = sentence(facts, Facts("prices", FRESH))
    assert found.tone == tone
    assert [told in one.sentence for one in found.reasons] == [True]


def test_what_mends_itself_needs_nobody() -> None:
    found = sentence(Facts("products", FRESH, held={"waiting": 3, "price_rejected": 2}))
    assert found.tone == "good"
    assert "5 records are held and tried again" in found.sentence


def test_old_data_is_no_alarm_while_a_run_is_under_way() -> None:
    facts = Facts("products", NOW - timedelta(hours=5), running_since=FRESH)
    assert sentence(facts).tone == "good"


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


@pytest.mark.parametrize(
    ("kind", "count", "told"),
    [
        ("variant", 1, "1 variant"),
        ("variant", 4, "4 variants"),
        ("stock", 2, "2 stock entries"),
        ("Outlet Hamburg", 4, "4 in Outlet Hamburg"),
        ("Regal", 187, "187 in Regal"),
        ("Stammkunden", 1, "1 in Stammkunden"),
    ],
)
def test_names_of_price_lists_are_not_put_into_the_plural(kind: str, count: int, told: str) -> None:
    assert linked(kind, count) == told


def test_events_before_a_first_alignment_are_told_of_and_no_alarm(house: House) -> None:
    house.ledger.inbox.keep([Hint("lightspeed", "sale.update", "e1", ("inventory",))], ("inventory",))
    page = house.client().get("/").text
    assert "1 of Inventory start no run before its first alignment" in page
    assert "None waits." in page and "events have waited" not in page


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
        ran = world.run("products", "full")
        world.ledger.inbox.keep([Hint("lightspeed", "product.update", "e1", ("products",))], ("products",))
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
    house.ledger.runs.open("r", "products", dag_id="products", airflow_run_id="r", mode="full", params={})
    house.ledger.runs.finish("r", "failed", {}, None, "<img src=x onerror=alert(1)> can't be reached")
    page = house.client().get("/").text
    assert re.search(
        r"\d+ things need a person: <a href=\"[^\"]*/runs/r\">the last run of products failed</a>", page
    )
    assert "can&#39;t be reached" in page
    assert "<img" not in page


@pytest.mark.parametrize("span", ["day", "fortnight", "<script>"])
def test_any_span_gives_a_page(house: House, span: str) -> None:
    answer = house.client().get("/", params={"span": span})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


HOUR = timedelta(hours=1)


def run(
    house: House, run_id: str, *, dag_id: str = "prices", state: Any = "succeeded", **params: Any
) -> None:
    """A run of prices that ended well, unless told otherwise."""
    entity = "prices"
    house.ledger.runs.open(
        run_id,
        entity,
        purpose="reconcile" if dag_id == "reconcile" else "sync",
        dag_id=dag_id,
        airflow_run_id=run_id,
        mode="full",
        params=params,
    )
    if state != "running":
        house.ledger.runs.finish(run_id, state, {"changes": 3})


def aged(house: House, run_id: str, hours: int) -> None:
    with transaction(house.ledger.engine) as connection:
        connection.execute(
            text(
                "UPDATE runs SET started_at = started_at - make_interval(hours => :hours), "
                "finished_at = finished_at - make_interval(hours => :hours) WHERE id = :id"
            ),
            {"id": run_id, "hours": hours},
        )


@pytest.mark.parametrize(
    "more", [{"dry_run": True}, {"keys": ["A-1"]}, {"direction": "to_lightspeed"}, {"dag_id": "reconcile"}]
)
def test_a_run_that_did_not_bring_all_up_to_date_makes_no_data_younger(
    house: House, more: dict[str, Any]
) -> None:
    run(house, "first")
    aged(house, "first", 5)
    run(house, "partial", **more)
    found = Health(house.ledger.engine).settled(("prices",))["prices"]
    assert found.run_id == "first"
    assert "prices have had no successful run for 5 hours" in house.client("pricer").get("/").text


def test_drift_is_told_however_many_runs_there_were_since(house: House) -> None:
    run(house, "look", dag_id="reconcile", dry_run=True)
    aged(house, "look", 100)
    for number in range(40):
        run(house, f"r{number}")
    assert Health(house.ledger.engine).reconciled(("prices",))["prices"].run_id == "look"
    assert "3 differences" in house.client("pricer").get("/").text


def test_a_failed_dry_run_is_nobodys_business(house: House) -> None:
    run(house, "first")
    run(house, "trial", state="failed", dry_run=True)
    assert "the last run of prices failed" not in house.client("pricer").get("/").text


def test_whoever_sees_prices_only_sees_figures_of_prices_only(house: House) -> None:
    ledger = house.ledger
    ledger.runs.open("p", "products", dag_id="products", airflow_run_id="p", mode="full", params={})
    held = HoldDraft(kind="product", subject="commercetools:p", code="price_missing", message="No price")
    ledger.runs.settle("p", "products", cursors={}, holds=[held])
    ledger.inbox.keep([Hint("lightspeed", "product.update", "e1", ("products",))], ("products",))
    ledger.inbox.claim("products", "p")
    ledger.inbox.done("p")
    health = Health(ledger.engine)
    since = datetime.now(UTC) - HOUR
    assert health.held(("products",), since, "hour")
    assert not health.held(("prices",), since, "hour")
    assert health.answered_in(("products",), since) is not None
    assert health.answered_in(("prices",), since) is None
    assert "half of them had their effect" in house.client().get("/").text
    page = house.client("pricer").get("/").text
    assert "half of them had their effect" not in page
    assert "Holds opened and released: 0" in page


def test_a_request_is_counted_once_whether_it_went_well_or_not(house: House) -> None:
    with transaction(house.ledger.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO exchanges (id, system, method, url, status, started_at, elapsed_ms, attempt) "
                "SELECT n::text, 'lightspeed', 'GET', '/', CASE n WHEN 1 THEN 500 WHEN 2 THEN NULL ELSE 200 END, "
                "now(), 7, 1 FROM generate_series(1, 10) AS n"
            )
        )
    [point] = Health(house.ledger.engine).requests(datetime.now(UTC) - HOUR, "hour")
    assert point.values == {"lightspeed": 8, "lightspeed: errors": 2}
    assert "Requests, by system: 10" in house.client().get("/").text


@pytest.mark.parametrize(
    ("cursor", "told"),
    [
        ("2026-11-27T11:58:00Z", "2 minutes behind"),
        ("20261127", "last moved 12 minutes ago"),
        ("58211", "last moved 12 minutes ago"),
        ("2026-11-27T12:00:05+00:00", "0 seconds behind"),
    ],
)
def test_a_cursor_that_is_a_time_tells_how_far_it_is_behind(cursor: str, told: str) -> None:
    assert lag(CursorAt("lightspeed", cursor, FRESH), NOW) == told


def test_a_plot_of_nothing_and_of_one_point() -> None:
    start = FRESH.replace(minute=0)
    nothing = plot("t", {}, start, HOUR, 24)
    assert (nothing.bars, nothing.rows, nothing.told) == ([], [], "Nothing in this time.")
    one = plot("t", {start: {"a": 4}}, start, HOUR, 24)
    assert len(one.bars) == 1
    assert one.told == "4 in all; most at 11:00 UTC: 4."


def test_a_paused_system_is_shown_though_nothing_was_asked_of_it(house: House) -> None:
    with transaction(house.ledger.engine) as connection:
        connection.execute(
            text(
                'INSERT INTO budgets (system, "limit", remaining, paused_until) '
                "VALUES ('lightspeed', 300, 0, now() + interval '2 minutes')"
            )
        )
    page = house.client().get("/").text
    assert "0 of 300" in page
    assert "paused until" in page


def _pause(house: House) -> None:
    with transaction(house.ledger.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO budgets (system, paused_until) "
                "VALUES ('commercetools', clock_timestamp() + interval '20 minutes')"
            )
        )


def _paused(house: House) -> bool:
    found = Health(house.ledger.engine).budgets()["commercetools"].paused_until
    return found is not None and found > datetime.now(UTC)


def test_a_pause_is_lifted_by_one_press_and_said_by_whom(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    _pause(house)
    with house.client("admin") as client:
        page = client.get("/").text
        assert "Go on now" in page
        sent = {"form_token": form_token(page)}
        answer = client.post("/pauses/commercetools", data=sent, follow_redirects=True)
        assert "Requests to commercetools go on" in answer.text and "Go on now" not in answer.text
        assert not _paused(house)
        again = client.post("/pauses/commercetools", data=sent, follow_redirects=True)
        assert "is not paused any more" in again.text
        assert client.post("/pauses/elsewhere", data=sent).status_code == 404
    assert "admin lifted the pause that commercetools had asked for" in caplog.text


def test_who_may_only_look_sees_the_pause_and_no_button(house: House) -> None:
    _pause(house)
    with house.client("viewer") as client:
        page = client.get("/").text
        assert "paused until" in page and "Go on now" not in page
        answer = client.post("/pauses/commercetools", data={"form_token": forgery.token(SECRET, "viewer")})
    assert answer.status_code == 403 and _paused(house)
