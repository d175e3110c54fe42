"""The page that explains stock: its figures are the engine's and the storefront's, and looking changes nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from sqlalchemy import text

from retail_sync.console.views.figures import built_up
from retail_sync.console.views.waterfall import LEFT, RIGHT, picture, steps
from retail_sync.settings.loader import parse_settings
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.inventory import StockRule
from retail_sync.sync.inventory.explanation import Explainer, Explanation
from retail_sync.sync.queries.what_if import Wanted, setting_of, suppose, told, yaml_of
from tests.support.builders.inventory import OUTLETS, Stocked, stocked
from tests.support.console_app import WHO, House, house_of
from tests.support.histories import PLACES, Game
from tests.sync.inventory.test_figures import shops, worked

Make = Callable[..., Stocked]
WEB: dict[str, Any] = {"key": "web", "locations": ["Nord", "Süd", "Lager"], "fulfilled_by": "Lager"}
CORNER: dict[str, Any] = {"key": "corner", "locations": ["Süd"]}
BOTH: dict[str, Any] = {"channels": [WEB, CORNER]}
NASTY = ('"><img src=x onerror=alert(1)>', "<script>alert(1)</script>", "' OR 1=1 --", "50%_\\")


@pytest.fixture
def make(ledger_url: str, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(inventory: dict[str, Any] | None = None, **more: Any) -> Stocked:
            return stack.enter_context(stocked(ledger_url, tmp_path, inventory or BOTH, **more))

        yield made


@contextmanager
def console(shop: Stocked, who: str = "admin") -> Iterator[httpx.Client]:
    """The console of this shop, with its settings as they are now."""
    with house_of(shop.ledger, shop.settings, shop.world.staging) as house, house.client(who) as client:
        yield client


# ---------------------------------------------------------------- reading pages


def shelves(page: str) -> dict[str, str]:
    """The part of a page about each channel."""
    found = re.findall(r'<section class="card shelf".*?</section>', page, re.S)
    return {plain(re.search(r"<h3[^>]*>(.*?)<span", part, re.S).group(1)): part for part in found}  # type: ignore[union-attr]


def table(part: str) -> list[tuple[str, str, str]]:
    """The steps of a figure as their table says them."""
    rows = re.findall(r'<th scope="row">(.*?)</th><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td></tr>', part)
    return [(plain(label), plain(change), plain(leaves)) for label, change, leaves in rows]


def sentence(part: str) -> str:
    return plain(re.search(r'<p class="sentence[^"]*">(.*?)</p>', part, re.S).group(1))  # type: ignore[union-attr]


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def figure_of_page(part: str) -> int:
    label, _, leaves = table(part)[-1]
    assert label == "figure"
    return int(leaves)


def dl(part: str) -> dict[str, str]:
    return {
        plain(name): plain(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", part, re.S)
    }


def everything(shop: Stocked) -> tuple[Any, ...]:
    """All rows of the ledger, and all that both stand-ins hold of stock."""
    tables = ("runs", "cursors", "mirror", "links", "changes", "holds", "stock_levels", "stock_entries",
              "stock_orders", "stock_buckets", "decisions", "checkpoints", "inbox")  # fmt: skip
    with shop.ledger.engine.begin() as connection:
        rows = [
            sorted(str(row) for row in connection.execute(text(f"SELECT * FROM {name}"))) for name in tables
        ]
    files = sorted(str(path) for path in shop.world.staging.rglob("*"))
    levels = {
        (sku, outlet): shop.level(product, outlet)
        for sku, product in shop.products.items()
        for outlet in OUTLETS
    }
    return rows, files, shop.online_state(), [dict(row) for row in shop.online.all("inventory")], levels


# ---------------------------------------------------------------- figures are the storefront's


def test_each_step_is_told_and_ends_in_the_figure_that_the_run_wrote(make: Make) -> None:
    shop = make(
        {
            "channels": [
                {**WEB, "fulfilled_by": None},
                {**CORNER, "offer": {"exclude_skus": ["OUT"]}},
            ],
            "overrides": [
                {"skus": ["MIN"], "aggregate": "min"},
                {"skus": ["MAX"], "aggregate": "max"},
                {"skus": ["FIRST"], "aggregate": "priority"},
                {"skus": ["SHARE"], "aggregate": "share", "shares": {"Nord": 50, "Süd": 50, "Lager": 10}},
                {"skus": ["SAFE"], "safety_stock": 1, "safety_stock_at": {"Nord": 2}},
                {"skus": ["CAP"], "cap": 7},
                {"skus": ["BUFFER"], "buffer_units": 1, "buffer_percent": 10},
                {"skus": ["UP"], "rounding": "up"},
                {"skus": ["PACK"], "pack_size": 6},
                {"skus": ["PACKS"], "pack_size": 2, "pack_shows": "packs"},
                {"skus": ["FLOOR"], "floor": 20},
                {"skus": ["MOST"], "show_at_most": 4},
                {"skus": ["ALL"], "safety_stock": 1, "cap": 9, "buffer_units": 1, "pack_size": 3, "show_at_most": 3},
            ],
        }
    )  # fmt: skip
    skus = ["SUM", "MIN", "MAX", "FIRST", "SHARE", "SAFE", "CAP", "BUFFER", "UP", "PACK", "PACKS", "FLOOR", "MOST",
            "ALL", "OUT", "MINUS", "ORDERED"]  # fmt: skip
    for sku in skus:
        shop.add_article(sku, {"Nord": -3 if sku == "MINUS" else 3, "Süd": "4.5", "Lager": 5})
    shop.run("full")
    shop.order("ORDERED", 2, "web")
    shop.run()
    told: dict[str, set[str]] = {}
    with console(shop, "viewer") as client:
        for sku in skus:
            page = client.get("/stock", params={"sku": sku})
            assert page.status_code == 200
            parts = shelves(page.text)
            assert list(parts) == ["web", "corner"]
            for channel, part in parts.items():
                entry = shop.entry(sku, channel)
                available = 0 if entry is None else entry["availableQuantity"]
                assert figure_of_page(part) == available, (sku, channel)
                told.setdefault(sku, set()).update(label for label, _, _ in table(part))
                if entry is None:
                    assert "There is no entry." in part and "no entry" in sentence(part)
                    continue
                assert dl(part)["Available"] == str(available)
                assert dl(part)["On stock"] == str(entry["quantityOnStock"])
                assert entry["id"] in dl(part)["Entry"] and "shows its figure" in part
                assert f"The storefront shows {available} in {channel}" in sentence(part)
    wanted = {
        "SUM": "sum of locations",
        "MIN": "min of locations",
        "MAX": "max of locations",
        "FIRST": "priority of locations",
        "SHARE": "share: 10 %",
        "SAFE": "safety stock",
        "CAP": "cap: at most 7",
        "BUFFER": "buffer",
        "UP": "rounding: up",
        "PACK": "packs: whole packs of 6",
        "PACKS": "packs: packs of 2",
        "FLOOR": "floor: less than 20",
        "MOST": "show at most: 4",
        "ORDERED": "open web orders",
        "OUT": "not in this channel's offer",
    }
    assert {sku for sku, step in wanted.items() if step not in told[sku]} == set()


def test_a_sentence_says_what_is_shown_and_why(make: Make) -> None:
    shop = make({"channels": [{**CORNER, "buffer_units": 2}, {**WEB, "aggregate": "min"}]})
    shop.add_article("A", {"Nord": 3, "Süd": 9, "Lager": "4.5"})
    shop.run("full")
    with console(shop) as client:
        parts = shelves(client.get("/stock", params={"sku": "A"}).text)
    assert (
        sentence(parts["corner"])
        == "The storefront shows 7 in corner: 9 at the till in Süd, less 2 kept back."
    )
    assert (
        sentence(parts["web"])
        == "The storefront shows 3 in web: the least of 3 at the till in Nord, 9 at the till in Süd and 4.5 at "
        "the till in Lager."
    )


def test_who_wrote_the_entry_and_what_was_seen_at_the_till_is_told_and_linked(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    run = shop.run("full")
    shop.sell("A", "Nord", 1)
    second = shop.run()
    with console(shop) as client:
        parts = shelves(client.get("/stock", params={"sku": "A"}).text)
    assert f"/runs/{second.run_id}" in parts["web"] and f"/runs/{run.run_id}" in parts["corner"]
    levels = shop.ledger.stock.levels().set_index("outlet_id")
    version = int(levels.loc[shop.outlet("Nord"), "version"])
    assert f"version {version}, seen" in plain(parts["web"])


@pytest.mark.parametrize("level", [None, "closed"])
def test_a_location_whose_level_is_unknown_or_that_is_closed_says_so(make: Make, level: str | None) -> None:
    closed = {"closed": [{"first": "2020-01-01", "last": "2099-01-01"}]} if level else {}
    locations = [{"name": name, "outlet": name} for name in OUTLETS]
    shop = make(locations=[{**locations[0], "opening": closed}, *locations[1:]])
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.run("full")
    if level is None:
        with shop.ledger.engine.begin() as connection:
            connection.execute(
                text("UPDATE stock_levels SET level = NULL WHERE outlet_id = :id"),
                {"id": shop.outlet("Nord")},
            )
    with console(shop) as client:
        web = shelves(client.get("/stock", params={"sku": "A"}).text)["web"]
    assert figure_of_page(web) == 9
    if level is None:
        assert ("Nord", "unknown", "?") in table(web) and "no level is known" in web
        assert "an unknown level in Nord" in sentence(web)
    else:
        assert ("closed today", "−3", "0") in table(web) and "closed today" in sentence(web)
        assert shop.available("A", "web") == 9


def test_an_article_deleted_at_the_till_shows_nothing_and_says_why(make: Make) -> None:
    shop = make()
    product = shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.run("full")
    shop.see_product(
        "lightspeed", product, {"tracked": True}, "A", {"parts": []}, version=2, deleted_at=datetime.now(UTC)
    )
    shop.run()
    with console(shop) as client:
        page = client.get("/stock", params={"sku": "A"})
    web = shelves(page.text)["web"]
    assert figure_of_page(web) == 0 == shop.available("A", "web")
    assert ("deleted at the till", "−12", "0") in table(web)


def test_locations_that_the_till_does_not_count_are_told_apart(make: Make) -> None:
    locations: list[dict[str, Any]] = [{"name": name, "outlet": name} for name in OUTLETS[:2]]
    locations.append({"name": "Lager", "outlet": "Lager", "owner": "external", "channel": "web"})
    shop = make({"channels": [CORNER]}, locations=locations)
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.add_entry("A", "web", 8)
    shop.run("full", dry_run=True)
    with console(shop) as client:
        page = plain(client.get("/stock", params={"sku": "A"}).text)
    assert "Lager web 8 5 sets the till to 8" in page


def test_goods_held_by_open_sales_and_goods_on_their_way_are_steps(make: Make) -> None:
    shop = make({**BOTH, "held_by_open_sales": ["layby"], "count_incoming": ["Lager"]})
    product = shop.add_article("A", {"Nord": 5, "Süd": 5, "Lager": 1})
    shop.run("full")
    shop.sell("A", "Süd", 2, state="pending", attributes=["layby"])
    shop.till.order_from_supplier(shop.outlet("Lager"), [(product, 10)])
    shop.run()
    with console(shop) as client:
        web = shelves(client.get("/stock", params={"sku": "A"}).text)["web"]
    assert figure_of_page(web) == 19 == shop.available("A", "web")
    assert ("held by open sales", "−2", "8") in table(web) and ("on the way", "+10", "19") in table(web)
    assert "5 at the till in Süd (less 2 held by open sales)" in sentence(web)
    assert "1 at the till in Lager (and 10 on the way)" in sentence(web)


def test_a_composite_says_that_its_level_is_that_of_its_parts(make: Make) -> None:
    shop = make()
    shop.add_article("CUP", {"Nord": 9, "Süd": 4})
    shop.add_article("SET", linked=False, parts={"CUP": 2})
    shop.run("full")
    with console(shop) as client:
        page = client.get("/stock", params={"sku": "SET"}).text
    assert figure_of_page(shelves(page)["web"]) == 6 == shop.available("SET", "web")
    assert "what the scarcest of them allows" in page


def test_members_of_a_selection_come_from_the_last_run_and_where_they_are_gone_the_page_says_so(
    make: Make,
) -> None:
    shop = make({"channels": [{**CORNER, "offer": {"product_selections": ["small"]}}, WEB]})
    shop.online.create("product-selections", {"key": "small", "name": {"en": "Small"}})
    shop.add_article("A", {"Süd": 4})
    shop.add_entry("A", "corner", 9)
    shop.run("full")
    with console(shop) as client:
        before = client.get("/stock", params={"sku": "A"}).text
        for folder in shop.world.staging.iterdir():
            shutil.rmtree(folder)
        after = client.get("/stock", params={"sku": "A"}).text
    assert figure_of_page(shelves(before)["corner"]) == 0 == shop.available("A", "corner")
    assert "not in this channel&#39;s offer" in before and "not at hand" not in before
    assert "Members of selections and stores are not at hand" in after
    assert list(shop.world.staging.iterdir()) == [], "looking leaves nothing behind"


# ---------------------------------------------------------------- where entry and figure differ


def test_what_a_dry_run_saw_differs_until_a_run_writes_it(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)
    dry = shop.run(dry_run=True)
    with console(shop) as client:
        parts = shelves(client.get("/stock", params={"sku": "A"}).text)
        assert "The storefront shows 12 in web, and should show 11" in sentence(parts["web"])
        assert f"/runs/{dry.run_id}" in parts["web"] and "A dry run planned this" in parts["web"]
        assert dl(parts["web"])["Available"] == "12 → 11 with the next run"
        assert "shows its figure" in parts["corner"]
        shop.run()
        parts = shelves(client.get("/stock", params={"sku": "A"}).text)
    assert "shows its figure" in parts["web"] and shop.available("A", "web") == 11


def test_other_rules_than_those_of_the_last_run_are_the_reason(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.run("full")
    shop.set(defaults={"buffer_units": 1})
    with console(shop) as client:
        web = shelves(client.get("/stock", params={"sku": "A"}).text)["web"]
    assert "should show 11" in sentence(web) and "changed after the last run" in web


def test_a_refused_write_is_told_with_what_to_do_and_its_run(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.run("full")
    shop.sell("A", "Nord", 1)
    run = shop.run(dry_run=True)
    with shop.ledger.engine.begin() as connection:
        # As a run leaves it that was refused: a stand-in refuses nothing that is right.
        connection.execute(
            text(
                "UPDATE changes SET outcome = 'failed', error = 'It is <locked>.', remedy = 'Unlock it.' "
                "WHERE run_id = :id"
            ),
            {"id": run.run_id},
        )
        connection.execute(
            text("UPDATE runs SET params = params || '{\"dry_run\": false}' WHERE id = :id"),
            {"id": run.run_id},
        )
    with console(shop) as client:
        web = shelves(client.get("/stock", params={"sku": "A"}).text)["web"]
    assert "somebody has to look" in web
    assert "The last write was refused: It is &lt;locked&gt;. Unlock it." in web


def test_an_article_held_back_shows_its_hold_and_where_to_go(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.run("full")
    with shop.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE stock_levels SET level = NULL"))
    shop.set(defaults={"buffer_units": 1})
    shop.run()
    (hold, *_) = shop.holds()
    with console(shop) as client:
        page = client.get("/stock", params={"sku": "A"}).text
        landing = client.get("/stock").text
    web = shelves(page)["web"]
    assert "held back" in web and "No level is known that web could show" in plain(web)
    assert "what it should show is not known" in sentence(web) and "/holds?" in web
    assert table(web)[-1] == ("figure", "not known", "?")
    assert "stock?sku=A" in landing and hold.message in plain(landing)


def test_what_the_settings_leave_alone_is_not_called_wrong(make: Make) -> None:
    shop = make(
        {
            "channels": [{**CORNER, "offer": {"exclude_skus": ["A"]}, "outside_offer": "leave"}],
            "create_entries": "never",
        }
    )
    shop.add_article("A", {"Süd": 4})
    shop.add_article("B", {"Süd": 4})
    shop.add_entry("A", "corner", 9)
    shop.run("full")
    with console(shop) as client:
        left = shelves(client.get("/stock", params={"sku": "A"}).text)["corner"]
        none = shelves(client.get("/stock", params={"sku": "B"}).text)["corner"]
    assert "left alone" in left and "outside_offer: leave" in left and shop.available("A", "corner") == 9
    assert "create_entries: never" in none and "There is no entry." in none


# ---------------------------------------------------------------- choosing


def test_how_a_sku_begins_is_enough_to_find_it_in_any_case(make: Make) -> None:
    shop = make()
    for sku in ("NK-S", "NK-M", "OTHER", "NK%S"):
        shop.add_article(sku, {"Nord": 1})
    shop.run("full")
    with console(shop) as client:
        page = client.get("/stock", params={"sku": "nk-"}).text
        assert "stock?sku=NK-S" in page and "stock?sku=NK-M" in page
        assert "OTHER" not in page and "NK%25S" not in page
        assert "NK%25S" in client.get("/stock", params={"sku": "nk%"}).text
        # No wildcard of the database is one here.
        assert "begins with <strong>%</strong>" in client.get("/stock", params={"sku": "%"}).text
        assert "begins with <strong>NK_</strong>" in client.get("/stock", params={"sku": "NK_"}).text


def test_several_skus_are_a_list_that_leads_to_each(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 1})
    shop.add_article("B", {"Nord": 2})
    shop.add_article("C", {"Nord": 2}, linked=False)
    shop.run("full")
    with console(shop) as client:
        page = client.get("/stock", params={"sku": "A, B,C,nope"}).text
    assert all(f"stock?sku={sku}" in page for sku in ("A", "B", "C", "nope"))
    assert "no such SKU" in page and "not linked on both sides" in page
    assert "1 at the till in Nord" in page and 'class="card shelf"' not in page


def test_a_sku_with_a_comma_in_it_is_one_sku(make: Make) -> None:
    shop = make()
    shop.add_article("A,5", {"Nord": 1})
    shop.run("full")
    with console(shop) as client:
        assert "web" in shelves(client.get("/stock", params={"sku": "A,5"}).text)


def test_what_nobody_knows_or_nothing_is_linked_to_says_what_to_do(make: Make) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 1})
    shop.add_article("TILL", {"Nord": 1}, linked=False)
    shop.run("full")
    with console(shop) as client:
        unknown = client.get("/stock", params={"sku": "zzz"})
        assert unknown.status_code == 200 and "Check the spelling" in unknown.text
        assert "no article of the till is linked" in client.get("/stock", params={"sku": "TILL"}).text


def test_before_the_first_run_the_page_says_which_dag_to_run(house: House) -> None:
    for address in ("/stock", "/stock?sku=A", "/stock/what-if", "/stock/what-if?sku=A&channel=web"):
        page = house.client("viewer").get(address)
        assert page.status_code == 200 and "Run the DAG <code>inventory</code>" in page.text


# ---------------------------------------------------------------- who may look


def test_who_may_not_see_inventory_is_refused(house: House) -> None:
    for address in ("/stock", "/stock?sku=A", "/stock/what-if?sku=A&channel=web"):
        assert house.client("pricer").get(address).status_code == 403
        assert house.client(None).get(address).status_code == 401


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_that_is_typed_or_synced_becomes_markup(make: Make, nasty: str) -> None:
    shop = make()
    shop.add_article(nasty, {"Nord": 3})
    shop.run("full")
    with console(shop) as client:
        pages = [
            client.get("/stock", params={"sku": nasty}),
            client.get("/stock", params={"sku": f"{nasty},x"}),
            client.get("/stock", params={"sku": nasty[:-1]}),
            client.get("/stock", params={"sku": f"{nasty}{nasty}"}),
            client.get("/stock/what-if", params={"sku": nasty, "channel": "web"}),
            client.get("/stock/what-if", params={"sku": "x", "channel": nasty}),
            client.get("/stock/what-if", params=query("web", sku=nasty, cap=nasty, aggregate=nasty)),
        ]
    assert [page.status_code for page in pages] == [200, 200, 200, 200, 200, 404, 422]
    assert "shows its figure" in pages[0].text
    for page in pages:
        assert "<img" not in page.text and "<script>" not in page.text


# ---------------------------------------------------------------- what if


def query(channel: str, sku: str = "A", locations: tuple[str, ...] = OUTLETS, **rules: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    empty = dict.fromkeys(
        (name for name in StockRule.model_fields if name not in ("shares", "safety_stock_at")), ""
    )
    return {
        "sku": sku,
        "channel": channel,
        "asked": "1",
        "location": list(locations),
        **empty,
        "aggregate": "sum",
        "rounding": "down",
        "pack_shows": "units",
        **rules,
    }


def lines_of(page: str) -> dict[str, Any]:
    """The YAML that would make it so, as data."""
    found = re.search(r"<pre>(.*?)</pre>", page, re.S)
    assert found is not None
    data: dict[str, Any] = YAML(typ="safe", pure=True).load(unescape(found.group(1)))
    return data


@pytest.mark.parametrize(
    ("locations", "rules"),
    [
        (OUTLETS, {"buffer_units": "2.5", "show_at_most": "6"}),
        (("Süd", "Lager"), {"aggregate": "min"}),
        (OUTLETS, {"aggregate": "share", "shares.Nord": "50", "safety_stock_at.Süd": "1"}),
        (OUTLETS, {"aggregate": "priority", "turn.Lager": "1", "turn.Nord": "2", "turn.Süd": "3"}),
        (OUTLETS, {"pack_size": "2", "pack_shows": "packs", "cap": "7", "rounding": "up"}),
        (OUTLETS, {"floor": "100"}),
        (OUTLETS, {"fulfilled_by": "Lager", "buffer_percent": "10"}),
    ],
)
def test_other_rules_show_what_a_run_with_them_then_writes_and_write_nothing(
    make: Make, locations: tuple[str, ...], rules: dict[str, str]
) -> None:
    shop = make({"channels": [WEB, CORNER]})
    for sku, levels in {"A": (3, "4.5", 5), "B": (0, 0, 1), "C": (0, 2, 0), "D": (30, 1, 30)}.items():
        shop.add_article(sku, dict(zip(OUTLETS, levels, strict=True)))
    shop.run("full")
    shop.order("A", 1, "web")
    shop.run()
    before = everything(shop)
    shown = shop.shown("web")
    with console(shop, "viewer") as client:
        page = client.get("/stock/what-if", params=query("web", locations=locations, count="1", **rules))
        assert page.status_code == 200, page.text
    assert everything(shop) == before
    (now, then) = re.findall(
        r'<section class="card" aria-label="(?:Now|With)[^"]*web">(.*?)</section>', page.text, re.S
    )
    assert figure_of_page(now) == shown["A"]
    data = lines_of(page.text)
    shop.set(channels=[*data["inventory"]["channels"], {**CORNER}])
    shop.run()
    after = shop.shown("web")
    assert figure_of_page(then) == after["A"]
    row = re.search(r'<th scope="row">web</th>(.*?)</tr>', page.text, re.S)
    assert row is not None
    counts = [int(cell) for cell in re.findall(r">(\d+)</td>", row.group(1))]
    assert counts == [
        len(after),
        sum(after[sku] != shown[sku] for sku in after),
        sum(shown[sku] > 0 >= after[sku] for sku in after),
        sum(shown[sku] <= 0 < after[sku] for sku in after),
    ]


def test_the_form_begins_with_what_counts_now_and_changes_nothing_then(make: Make) -> None:
    rules = {"aggregate": "share", "shares": {"Nord": 50}, "buffer_units": 2}
    shop = make({"channels": [{**WEB, **rules}], "defaults": {"floor": 2, "safety_stock": "0.5"}})
    shop.add_article("A", {"Nord": 9, "Süd": 9, "Lager": 9})
    shop.run("full")
    with console(shop) as client:
        form = client.get("/stock/what-if", params={"sku": "A", "channel": "web"}).text
        sent = fields(form)
        assert sent["shares.Nord"] == "50" and sent["buffer_units"] == "2" and sent["floor"] == "2"
        assert sent["safety_stock"] == "0.5" and sent["fulfilled_by"] == "Lager" and sent["turn.Nord"] == "1"
        page = client.get("/stock/what-if", params=sent)
    assert "These are the rules that count now" in page.text and "<pre>" not in page.text


def fields(page: str) -> dict[str, Any]:
    """What the browser would send of the form of rules."""
    form = re.search(r'<form[^>]*class="rules">(.*?)</form>', page, re.S)
    assert form is not None
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form.group(1)):
        given = {name: unescape(value) for name, value in re.findall(r'(\w+)="([^"]*)"', tag)}
        if given.get("type") == "checkbox":
            if " checked" in tag:
                sent.setdefault(given["name"], []).append(given["value"])
        else:
            sent[given["name"]] = given["value"]
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', form.group(1), re.S):
        chosen = re.search(r"<option([^>]*) selected>(.*?)</option>", options) or re.search(
            r"<option([^>]*)>(.*?)</option>", options
        )
        assert chosen is not None
        value = re.search(r'value="([^"]*)"', chosen.group(1))
        sent[name] = unescape(value.group(1) if value else chosen.group(2))
    return sent


@pytest.mark.parametrize(
    ("rules", "field", "said"),
    [
        ({"buffer_units": "-1"}, "buffer_units", "greater than or equal to 0"),
        ({"buffer_percent": "120"}, "buffer_percent", "less than or equal to 100"),
        ({"cap": "many"}, "cap", "valid decimal"),
        ({"cap": "1e30"}, "cap", "less than or equal to"),
        ({"cap": "NaN"}, "cap", "finite number"),
        ({"pack_size": "0"}, "pack_size", "greater than or equal to 1"),
        ({"floor": "1.5"}, "floor", "valid integer"),
        ({"floor": "9", "show_at_most": "5"}, "floor", "nothing would be left"),
        ({"pack_shows": "packs"}, "pack_shows", "Packs need a size"),
        ({"shares.Nord": "50"}, "shares", "Shares mean nothing"),
        ({"aggregate": "share", "shares.Nord": "101"}, "shares", "less than or equal to 100"),
        ({"aggregate": "best"}, "aggregate", "not one of the possible values"),
        ({"fulfilled_by": "Nord", "location": ["Süd"]}, "fulfilled_by", "does not feed"),
        ({"location": []}, "locations", "at least 1"),
        ({"show_at_most": ""}, "show_at_most", "a channel can&#39;t take that back"),
    ],
)
def test_rules_that_the_settings_refuse_are_told_beside_their_field(
    make: Make, rules: dict[str, Any], field: str, said: str
) -> None:
    shop = make({"channels": [WEB], "defaults": {"show_at_most": 40}})
    shop.add_article("A", {"Nord": 9})
    shop.run("full")
    with console(shop) as client:
        page = client.get("/stock/what-if", params={**query("web", show_at_most="40"), **rules})
    assert page.status_code == 422
    wrong = re.search(rf'<p class="bad problem" id="wrong-{field}" role="alert">(.*?)</p>', page.text, re.S)
    assert wrong is not None and said in wrong.group(1)
    assert "instead of" not in page.text


def test_an_override_that_stays_is_told_where_rules_are_tried(make: Make) -> None:
    shop = make({"channels": [CORNER], "overrides": [{"skus": ["A"], "pack_size": 5}]})
    shop.add_article("A", {"Süd": 9})
    shop.run("full")
    with console(shop) as client:
        page = client.get("/stock/what-if", params={"sku": "A", "channel": "corner"}).text
    assert "pack_size: 5" in page


def test_a_run_that_would_refuse_is_foretold(make: Make) -> None:
    shop = make({"channels": [CORNER], "most_lost_percent": 50})
    for number in range(60):
        shop.add_article(f"S{number}", {"Süd": 2})
    shop.run("full")
    with console(shop) as client:
        page = client.get(
            "/stock/what-if", params=query("corner", sku="S1", locations=("Süd",), floor="5", count="1")
        ).text
    assert (
        "A run with these rules would wait for your approval: 60 of 60 of the figures that offer something"
        in page
    )


def test_a_location_feeding_another_channel_moves_that_channel_too(make: Make) -> None:
    shop = make({"channels": [{**WEB, "fulfilled_by": None}, CORNER]})
    shop.add_article("A", {"Nord": 3, "Süd": 4, "Lager": 5})
    shop.run("full")
    shop.order("A", 2, "web", "None")
    shop.run()
    assert shop.shown("corner") == {"A": 2}
    with console(shop) as client:
        page = client.get("/stock/what-if", params=query("web", locations=("Nord", "Lager"))).text
    assert "A would show 6 instead of 10 in web" in plain(page)
    assert "corner would show 4 instead of 2" in plain(page)


# ---------------------------------------------------------------- properties


def explanations(
    game: Game, levels: list[Mapping[str, Decimal | None]], orders: Any
) -> Iterator[tuple[Explanation, int]]:
    figures = worked(game, levels, orders)
    explainer = Explainer(figures)
    for own in figures.shelves:
        for position in range(len(levels)):
            yield explainer.of(own, position), int(own.figure[position])


@settings(max_examples=200)
@given(shops())
def test_steps_go_on_where_the_one_before_ended_and_end_in_the_engines_figure(shop: Any) -> None:
    game, levels, orders = shop
    for one, figure in explanations(game, levels, orders):
        rows = list(steps(one))
        assert rows[-1].end == figure == one.figure
        assert rows[-1].label == "figure"
        after = [row for row in rows[:-1] if row.kind in ("less", "more")]
        assert all(row.start != row.end for row in after)
        moved = rows[-2] if len(rows) > 1 else rows[-1]
        assert moved.end == figure, "the last step leads to the figure"
        for place in one.places:
            left = Decimal(place.level) - Decimal(place.ordered)
            assert Decimal(place.steps[-1].left if place.steps else left) == Decimal(place.contributes)
        drawn = picture(one)
        assert all(bar.x >= LEFT and bar.x + bar.width <= RIGHT + 1.6 for bar in drawn.bars)
        assert built_up(one)


@settings(max_examples=150)
@given(st.data())
def test_rules_that_are_wanted_count_afterwards_and_their_lines_say_the_same(data: st.DataObject) -> None:
    """Whatever counts now, by the channel or by the defaults: what is wanted counts, and the lines, put into the file,
    are the settings that were tried."""
    numbers = st.sampled_from(["", "1", "2.5", "7"])
    whole = st.sampled_from(["", "1", "3", "12"])

    def rule() -> dict[str, Any]:
        made = {
            "buffer_units": data.draw(numbers),
            "buffer_percent": data.draw(numbers),
            "safety_stock": data.draw(numbers),
            "floor": data.draw(st.sampled_from(["", "1"])),
            "pack_size": data.draw(whole),
            "rounding": data.draw(st.sampled_from(["down", "up", "nearest"])),
        }
        return {name: value for name, value in made.items() if value != ""}

    base = SyncSettings.model_validate(
        {
            "locations": [{"name": name, "outlet": name} for name in PLACES],
            "inventory": {
                "defaults": rule(),
                "channels": [{"key": None, "locations": list(PLACES), **rule()}],
            },
        }
    )
    setting = setting_of(base, "")
    assert setting is not None
    now = told(base, setting)
    wanted = replace(now, rules={**now.rules, **dict.fromkeys(rule(), ""), **rule()})
    wanted = Wanted(wanted.locations, "", {**wanted.rules, "rounding": wanted.rules["rounding"] or "down"})
    changed = suppose(base, setting, wanted)
    own = setting_of(changed, "")
    assert own is not None
    neutral = {
        "buffer_units": "0",
        "buffer_percent": "0",
        "safety_stock": "0",
        "floor": "0",
        "pack_size": "1",
    }
    counting = told(changed, own)
    for name in (*neutral, "rounding"):
        assert (counting.rules[name] or neutral.get(name)) == (wanted.rules[name] or neutral.get(name)), name
    lines = YAML(typ="safe", pure=True).load(yaml_of(changed, ""))
    again = SyncSettings.model_validate(
        {
            **base.model_dump(mode="json"),
            "inventory": {**base.inventory.model_dump(mode="json"), **lines["inventory"]},
        }
    )
    assert again.inventory == changed.inventory
    assert parse_settings(
        yaml_of(changed, "")
        + "locations: ["
        + ", ".join(f"{{name: {n}, outlet: {n}}}" for n in PLACES)
        + "]\n"
    )


# ---------------------------------------------------------------- in a browser


def test_the_picture_fits_a_phone_and_the_keyboard_reaches_everything(make: Make, browser: Any) -> None:
    shop = make()
    shop.add_article("A", {"Nord": 3, "Süd": "4.5", "Lager": 5})
    with ThreadPoolExecutor(1) as beside:
        # The browser keeps an event loop in this thread.
        beside.submit(shop.run, "full").result()
    with house_of(shop.ledger, shop.settings, shop.world.staging) as house:
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
            context.add_cookies([{"name": WHO, "value": "viewer", "url": house.url}])
            page = context.new_page()
            blocked: list[str] = []
            page.on("console", lambda said, to=blocked: to.append(said.text))
            page.goto(f"{house.url}/stock?sku=A")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            drawing = page.get_by_role("img").first
            assert drawing.bounding_box()["width"] <= 390
            assert page.get_by_role("img", name="How A comes to 12 in web").count() == 1
            page.get_by_text("The same as a table").first.click()
            assert page.get_by_role("region", name="Steps of A in web").is_visible()
            page.get_by_role("link", name="What if the rules were others?").first.click()
            page.get_by_label("Buffer, units").fill("3")
            page.get_by_label("Buffer, units").press("Enter")
            assert "A would show 9 instead of 12 in web" in page.locator("p.sentence").first.inner_text()
            assert [said for said in blocked if "Policy" in said] == []
            context.close()
