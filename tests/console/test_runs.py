"""The runs page over HTTP: accounts, plans, their export, and the button that applies exactly one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from retail_sync.console import forgery
from retail_sync.console.pages.runs import CHANGES, RUNS
from retail_sync.console.spreadsheet import MARK, csv_of, harmless
from retail_sync.console.views.plans import HEAD, lines_of
from retail_sync.ledger.rows import HoldDraft
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.support.console_app import (
    ACCOUNT,
    AT,
    HOSTILE,
    SECRET,
    House,
    add_run,
    change,
    form_token,
    house_of,
    next_of,
    within,
    words,
)
from tests.support.worlds import world_of


def rows_of(answer: str, label: str) -> list[str]:
    """The text of each body row of a table, without tags."""
    [table] = re.findall(rf'aria-label="{label}">(.*?)</table>', answer, flags=re.S)
    found = re.findall(r"<tr[ >].*?</tr>|<tr>.*?</tr>", table.partition("<tbody>")[2], flags=re.S)
    return [words(row) for row in found]


# --- the list ---


def test_the_list_tells_of_each_run_who_asked_and_what_came_of_it(house: House) -> None:
    run_id = add_run(house)
    answer = house.page("/runs")
    [row] = rows_of(answer, "Runs, newest first")
    assert row.startswith("Products full dry run succeeded dry run")
    assert "Kim" in row
    assert "12 records, 3 changes: 3 not applied; 1 holds" in row
    assert f'href="/retail-sync/console/runs/{run_id}"' in answer
    assert f'href="/dags/products/runs/{quote(AT, safe="")}"' in answer


def test_the_list_is_filtered_and_says_so_where_nothing_is_left(house: House) -> None:
    add_run(house)
    add_run(house, "prices", state="failed", error="It broke.", dry_run=False)
    for query, names in (
        ({}, {"Products", "Prices"}),
        ({"entity": "prices"}, {"Prices"}),
        ({"state": "failed"}, {"Prices"}),
        ({"kind": "dry"}, {"Products"}),
        ({"kind": "real"}, {"Prices"}),
        ({"since": "2020-01-01"}, {"Products", "Prices"}),
        ({"state": "' OR 1=1 --", "kind": "?"}, {"Products", "Prices"}),
    ):
        rows = rows_of(house.page("/runs", query), "Runs, newest first")
        assert {row.split()[0] for row in rows} == names, query
    assert "No run is like that" in house.page("/runs", {"until": "2020-01-01"})
    assert "Give days as 2026-01-31" in house.page("/runs", {"since": "<b>yesterday</b>"})


def test_every_run_is_met_once_page_by_page(house: House) -> None:
    made = {add_run(house, "products", f"manual__{n}") for n in range(RUNS * 2 + 3)}
    met: list[str] = []
    path = "/runs?kind=dry"
    while path:
        answer = house.page(path)
        met += re.findall(r'href="/retail-sync/console/runs/(products/[^"]+)"', answer)
        path = next_of(answer)
    assert len(met) == len(made)
    assert set(met) == made


@pytest.mark.parametrize("place", ["nonsense", "2026-11-27|x", "|", "2026-11-27T10:00:00+00:00"])
def test_a_place_that_makes_no_sense_is_the_beginning(house: House, place: str) -> None:
    run_id = add_run(house, changes=[change(1, "products/x")])
    assert "Products" in house.page("/runs", {"after": place})
    assert "SKU-1" in house.page(f"/runs/{run_id}", {"after": place, "holds_after": place})


def test_who_may_see_an_entity_sees_its_runs_only(house: House) -> None:
    hidden = add_run(house, changes=[change(1, "products/x")])
    add_run(house, "prices")
    assert [row.split()[0] for row in rows_of(house.page("/runs", who="pricer"), "Runs, newest first")] == [
        "Prices"
    ]
    assert "Nothing has run yet" not in house.page("/runs", {"entity": "products"}, who="pricer")
    for path in (f"/runs/{hidden}", f"/runs/{hidden}/plan.csv"):
        assert "SKU-1" not in house.page(path, who="pricer", status=404)
    assert "SKU-1" not in house.page(f"/runs/of/products/{AT}", who="pricer")
    own = forgery.token(SECRET, "pricer")
    assert house.send(f"/runs/{hidden}/apply", token=own, who="pricer").status_code == 404
    assert house.started == []


# --- one run ---


def test_the_account_adds_up_before_the_readers_eyes(house: House) -> None:
    answer = house.page(f"/runs/{add_run(house)}")
    assert rows_of(answer, "Account of records") == [
        "Read 10",
        "Due again or changed since 2",
        "Together 12",
        "Unchanged 7",
        "Planned 3",
        "Held 1",
        "Ignored 1",
        "Accounted for adds up 12",
    ]
    assert rows_of(answer, "Account of changes")[-1] == "Accounted for adds up 3"
    assert rows_of(answer, "What was read") == ["commercetools the beginning 2026-11-27T15:19:00Z"]
    assert "a digest" not in answer


def test_an_account_that_does_not_add_up_says_so_and_what_to_do(house: House) -> None:
    run_id = add_run(
        house,
        state="failed",
        accounts={**ACCOUNT, "unchanged": 6},
        error="The accounts do not add up: 12 and 11.",
    )
    answer = house.page(f"/runs/{run_id}")
    assert "Accounted for does not add up 11" in rows_of(answer, "Account of records")
    assert "The accounts do not add up: 12 and 11." in answer
    assert "Clear the first task of the run that did not succeed" in answer
    assert "does not add up" in house.page("/runs")


def test_a_run_under_way_and_one_without_a_plan_say_so(house: House) -> None:
    assert "The run is under way" in house.page(f"/runs/{add_run(house, state=None)}")
    broken = add_run(house, "prices", state="failed", accounts={}, error="No token.", remedy="Ask.")
    answer = house.page(f"/runs/{broken}")
    assert "the run ended before there was a plan" in answer
    assert answer.count("What to do:") == 1


def test_the_plan_shows_every_field_before_and_after_and_why(house: House) -> None:
    run_id = add_run(
        house,
        changes=[
            change(1, "products/x"),
            change(
                2, "products/x", before={}, after={"price": 1999, "brand": None}, reasons={"": "only online"}
            ),
            change(
                3,
                "products/x",
                outcome="failed",
                error="The till refused it.",
                remedy="Shorten the name.",
                dropped=[["name", "too long"]],
            ),
            change(4, "products/x", action="create", after={f"f{n}": n for n in range(9)}, before={}),
        ],
    )
    rows = rows_of(house.page(f"/runs/{run_id}"), "Changes of this run")
    text_ = "\n".join(rows)
    assert "SKU-1 variant update Lightspeed not applied name Mug Cup 1 commercetools owns the field" in rows
    assert "brand – nothing only online" in text_
    assert "price – 1999" in text_
    assert "The till refused it. What to do: Shorten the name." in text_
    assert "left out: too long" in text_
    assert "9 fields" in text_


def test_a_plan_is_filtered_and_met_once_page_by_page(house: House) -> None:
    plan = [
        change(n, "products/x", system="commercetools" if n % 2 else "lightspeed")
        for n in range(CHANGES * 2 + 5)
    ]
    run_id = add_run(house, changes=plan)
    met: list[str] = []
    path = f"/runs/{run_id}?system=lightspeed"
    while path:
        answer = house.page(path)
        assert f"{CHANGES + 3} of {len(plan)} changes match" in answer
        met += [row.split()[0] for row in rows_of(answer, "Changes of this run")]
        path = next_of(answer)
    assert len(met) == len(set(met)) == CHANGES + 3
    assert "1 of 105 changes match" in house.page(f"/runs/{run_id}", {"text": "Cup 104"})
    assert "No change is like that" in house.page(f"/runs/{run_id}", {"field": "price"})


def test_a_run_tells_what_it_held(house: House) -> None:
    hold = HoldDraft(
        kind="variant",
        subject="lightspeed:1",
        code="conflict",
        label="SKU-1",
        message="Both sides changed.",
        release="Make them equal.",
    )
    answer = house.page(f"/runs/{add_run(house, holds=[hold])}")
    [row] = rows_of(answer, "Holds this run found")
    assert row.startswith("SKU-1 variant conflict Both sides changed. Make them equal.")
    later = add_run(house, airflow_run_id="later", holds=[hold])
    assert "found again by later runs" in house.page(f"/runs/products/{AT}")
    assert "SKU-1" in house.page(f"/runs/{later}")


def test_private_values_are_shown_as_private_in_page_and_file(house: House) -> None:
    sealed = "~0123456789abcdef01234567"
    run_id = add_run(
        house,
        "customers",
        changes=[
            change(
                1,
                "customers/x",
                kind="customer",
                before={"email": sealed},
                after={"email": sealed[:-1] + "9"},
            ),
            change(
                2, "customers/x", kind="customer", after={"phones": [sealed], "more": {"a": {"b": sealed}}}
            ),
        ],
    )
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/plan.csv"):
        answer = house.page(path)
        assert "(private)" in answer
        assert "~0123" not in answer


# --- the file ---


def test_the_file_holds_what_the_page_would_show_a_line_a_field(house: House) -> None:
    long = "long " * 200
    plan = [
        change(1, "products/x", after={"name": 'He said "Hi", twice\nover', "text": long}),
        change(2, "products/x", system="commercetools", after={}, before={}),
    ]
    run_id = add_run(house, changes=plan)
    with house.client("viewer") as client:
        answer = client.get(f"/runs/{run_id}/plan.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r'attachment; filename="[\w.-]+\.csv"', answer.headers["content-disposition"])
    raw = answer.content.decode()
    assert raw.startswith(MARK)
    assert "\r\n" in raw
    head, *lines = csv.reader(io.StringIO(raw.removeprefix(MARK), newline=""), strict=True)
    assert tuple(head) == HEAD
    found = [dict(zip(head, line, strict=True)) for line in lines]
    assert {(one["record"], one["field"], one["before"], one["after"]) for one in found} == {
        ("SKU-1", "name", "Mug", 'He said "Hi", twice\nover'),
        ("SKU-1", "text", "", long),
        ("SKU-2", "", "", ""),
    }
    assert {one["run"] for one in found} == {run_id}
    some = house.page(f"/runs/{run_id}/plan.csv", {"system": "commercetools"})
    assert "SKU-2" in some and "SKU-1" not in some


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 123", "'+49 30 123"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("＝1+1", "'＝1+1"),
        ("-5", "-5"),
        ("+19.99", "+19.99"),
        ("Mug = Cup", "Mug = Cup"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(cell: str, kept: str) -> None:
    assert harmless(cell) == kept
    [_, line] = csv.reader(
        io.StringIO(
            "".join(csv_of(HEAD, lines_of([change(1, "r", label=cell, after={}, before={})]))), newline=""
        )
    )
    assert line[HEAD.index("record")] == kept


# --- the button ---


@contextmanager
def planned(ledger_url: str, settings: Any, folder: Path) -> Iterator[tuple[House, str]]:
    """The console of the sample shop after a dry run of the real engine."""
    with world_of(load_shop(SAMPLE_SHOP), ledger_url, folder) as world:
        run_id = f"products/{AT}"
        world.ledger.runs.open(
            run_id,
            "products",
            dag_id="products",
            airflow_run_id=AT,
            mode="full",
            params={"mode": "full", "dry_run": True, "asked_by": "Kim"},
        )
        # In a thread of its own: where a browser is open, this one has a loop that runs already.
        with ThreadPoolExecutor(1) as beside:
            beside.submit(world.run, "products", "full", dry_run=True, run_id=run_id).result()
        with house_of(world.ledger, settings, folder) as house:
            yield house, run_id


def test_the_plan_of_a_whole_dry_run_is_read_exported_and_applied(
    ledger_url: str, sample_settings: Any, tmp_path: Path
) -> None:
    with planned(ledger_url, sample_settings, tmp_path) as (house, run_id):
        stored = house.ledger.changes.read(run_id)
        assert len(stored) > CHANGES
        lines = csv.DictReader(
            io.StringIO(house.page(f"/runs/{run_id}/plan.csv").removeprefix(MARK), newline="")
        )
        assert {line["change id"] for line in lines} == {one.id for one in stored}

        answer = house.page(f"/runs/{run_id}")
        counts: dict[tuple[str, str], int] = {}
        for one in stored:
            counts[(one.system, one.action)] = counts.get((one.system, one.action), 0) + 1
        for (_, action), count in counts.items():
            assert f"<strong>{action} {count}</strong>" in answer

        before = [(one.id, one.outcome) for one in stored]
        pressed = house.send(f"/runs/{run_id}/apply", token=form_token(answer))
        assert pressed.status_code == 303
        assert house.started == [("products", {"plan": run_id}, "admin")]
        assert [(one.id, one.outcome) for one in house.ledger.changes.read(run_id)] == before
        told = house.page(within(pressed.headers["location"]))
        assert "was started: it makes the plan of" in told
        assert "There is no account of this run yet" in told


def test_a_plan_is_offered_once(house: House) -> None:
    seen = add_run(house, changes=[change(1, "products/x")])
    add_run(house, airflow_run_id="a2", dry_run=False, plan=seen, state="failed", error="Stale.")
    assert "<button" in house.page(f"/runs/{seen}").partition('id="apply"')[2].partition("</section>")[0]
    done = add_run(house, airflow_run_id="a3", dry_run=False, plan=seen)
    answer = house.page(f"/runs/{seen}").partition('id="apply"')[2].partition("</section>")[0]
    assert "<button" not in answer
    assert "It was applied by" in answer and done in answer
    assert seen in house.page(f"/runs/{done}")


def test_a_plan_of_one_direction_names_what_of_it_is_written(house: House) -> None:
    plan = [change(1, "products/x"), change(2, "products/x", system="commercetools", action="create")]
    run_id = add_run(house, changes=plan, direction="to_lightspeed")
    answer = house.page(f"/runs/{run_id}")
    assert "<strong>update 1</strong> in Lightspeed" in answer
    assert "<strong>create 1</strong>" not in answer


def test_who_may_look_only_can_not_apply(house: House) -> None:
    run_id = add_run(house, changes=[change(1, "products/x")])
    answer = house.page(f"/runs/{run_id}", who="viewer")
    assert "disabled" in answer and "Only who may trigger the DAG products" in answer
    assert f"/runs/{run_id}/apply" not in answer
    # No page gives a viewer a token; with one they are refused, too.
    own = forgery.token(SECRET, "viewer")
    assert house.send(f"/runs/{run_id}/apply", token=own, who="viewer").status_code == 403
    assert house.send(f"/runs/{run_id}/apply", token=own, who=None).status_code == 401
    assert house.started == []


def test_a_form_of_somebody_else_or_of_nobody_applies_nothing(house: House) -> None:
    run_id = add_run(house, changes=[change(1, "products/x")])
    token = form_token(house.page(f"/runs/{run_id}"))
    assert token
    for given in (
        "",
        "made up",
        forgery.token(SECRET, "viewer"),
        forgery.token("other", "admin"),
    ):
        answer = house.send(f"/runs/{run_id}/apply", token=given)
        assert answer.status_code == 403
    strange = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    answer = house.send(f"/runs/{run_id}/apply", token=token, headers=strange)
    assert answer.status_code == 403
    assert house.started == []


@pytest.mark.parametrize(
    "run",
    [
        {"dry_run": False},
        {"state": "failed", "error": "It broke."},
        {"state": None},
        {"accounts": {**ACCOUNT, "changes": 0, "not_applied": 0}},
    ],
)
def test_only_the_plan_of_a_finished_dry_run_can_be_applied(house: House, run: dict[str, Any]) -> None:
    run_id = add_run(house, changes=[change(1, "products/x")], **run)
    assert f"/runs/{run_id}/apply" not in house.page(f"/runs/{run_id}")
    other = add_run(house, "prices", changes=[change(1, "prices/x")])
    token = form_token(house.page(f"/runs/{other}"))
    answer = house.send(f"/runs/{run_id}/apply", token=token, follow=True)
    assert "can be applied" in answer.text
    assert house.started == []


def test_a_run_that_can_not_be_started_says_why(house: House) -> None:
    run_id = add_run(house, changes=[change(1, "products/x")])
    house.refuses = "The DAG products is paused."
    token = form_token(house.page(f"/runs/{run_id}"))
    answer = house.send(f"/runs/{run_id}/apply", token=token)
    assert answer.status_code == 409
    assert "The DAG products is paused." in answer.text


# --- the tab of a run in Airflow ---


@pytest.mark.parametrize("encode", [str, quote, lambda run: quote(run, safe="")])
def test_the_tab_of_a_dag_run_shows_its_run(house: House, encode: Any) -> None:
    add_run(house, changes=[change(1, "products/x")])
    add_run(house, airflow_run_id="another")
    answer = httpx.get(
        f"{house.url}/runs/of/products/{encode(AT)}", cookies={"who": "admin"}, trust_env=False
    )
    assert answer.status_code == 200
    assert "SKU-1" in answer.text
    assert f"products/{AT}</code>" in answer.text


def test_the_tab_of_a_reconciliation_shows_a_run_an_entity(house: House) -> None:
    first, second = (add_run(house, entity, dag_id="reconcile") for entity in ("products", "prices"))
    answer = house.page(f"/runs/of/reconcile/{AT}")
    assert first in answer and second in answer
    assert [row.split()[0] for row in rows_of(answer, "Runs of this DAG run, one an entity")] == [
        "Products",
        "Prices",
    ]
    assert second in house.page(f"/runs/of/reconcile/{AT}", who="pricer")


@pytest.mark.parametrize(
    ("dag_id", "says"),
    [
        ("preflight", "This run has no account and no plan"),
        ("subscribe", "This run has no account and no plan"),
        ("backfill", "starts the runs of the entities"),
        ("products", "There is no account of this run yet"),
    ],
)
def test_the_tab_of_any_other_run_says_what_it_is(house: House, dag_id: str, says: str) -> None:
    assert says in house.page(f"/runs/of/{dag_id}/{AT}")


# --- what strangers write ---


def test_nothing_a_record_holds_is_markup(house: House) -> None:
    nasty = change(
        1,
        "products/x",
        label=HOSTILE,
        subject=HOSTILE,
        before={HOSTILE: HOSTILE},
        after={HOSTILE: [HOSTILE], "long": HOSTILE * 20},
        reasons={"": HOSTILE},
        error=HOSTILE,
        remedy=HOSTILE,
        dropped=[[HOSTILE, HOSTILE]],
    )
    hold = HoldDraft(
        kind="variant", subject="s", code=HOSTILE, label=HOSTILE, message=HOSTILE, release=HOSTILE
    )
    run_id = add_run(
        house,
        changes=[nasty],
        holds=[hold],
        state="failed",
        error=HOSTILE,
        asked_by=HOSTILE,
        keys=[HOSTILE],
        since=HOSTILE,
        plan=HOSTILE,
    )
    for answer in (
        house.page(f"/runs/{run_id}"),
        house.page("/runs"),
        house.page(f"/runs/{run_id}", {"text": HOSTILE, "field": HOSTILE, "system": HOSTILE}),
        house.page(f"/runs/of/{quote(HOSTILE, safe='')}/{quote(HOSTILE, safe='')}"),
    ):
        assert "<script>alert" not in answer
        assert "<img" not in answer
    assert "&lt;script&gt;alert" in house.page(f"/runs/{run_id}")


def test_what_is_typed_is_a_value_and_never_part_of_a_query(house: House) -> None:
    run_id = add_run(house, changes=[change(1, "products/x")])
    for typed in ("' OR '1'='1", "'; DROP TABLE changes; --", "%", "_", "\\", ":run_id", "{}"):
        for name in ("system", "action", "kind", "outcome", "field", "text"):
            assert "SKU-1 " not in " ".join(rows_or_none(house.page(f"/runs/{run_id}", {name: typed}))), typed
    house.page("/runs/" + quote("products/' OR '1'='1", safe="/"), status=404)
    house.page("/runs/%00", status=404)
    assert len(house.ledger.changes.read(run_id)) == 1


def rows_or_none(answer: str) -> list[str]:
    return rows_of(answer, "Changes of this run") if 'class="changes"' in answer else []


# --- in a browser ---


def test_a_plan_is_read_and_applied_by_keyboard_and_on_a_phone(
    browser: Any, ledger_url: str, sample_settings: Any, tmp_path: Path
) -> None:
    with planned(ledger_url, sample_settings, tmp_path) as (house, run_id):
        context = browser.new_context(viewport={"width": 390, "height": 800})
        host = house.url.split("/")[2].split(":")[0]
        context.add_cookies([{"name": "who", "value": "admin", "domain": host, "path": "/"}])
        tab = context.new_page()
        complaints: list[str] = []
        tab.on("console", lambda said: complaints.append(f"{said.text} {said.location['url']}"))
        tab.goto(f"{house.url}/runs/{run_id}")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, "only tables scroll sideways"
        tab.get_by_label("Action").select_option("update")
        tab.get_by_label("Action").press("Tab")
        tab.get_by_role("button", name="Filter").press("Enter")
        tab.wait_for_url("**action=update**")
        assert "changes match" in tab.content()
        tab.goto(f"{house.url}/runs/{run_id}")
        button = tab.get_by_role("button", name="Apply exactly this plan")
        button.focus()
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/runs/of/products/**")
        assert house.started == [("products", {"plan": run_id}, "admin")]
        assert "was started" in tab.get_by_role("status").inner_text()
        with tab.expect_download() as download:
            tab.goto(f"{house.url}/runs/{run_id}")
            tab.get_by_role("link", name="Download all as CSV").click()
        assert Path(download.value.path()).read_text(encoding="utf-8-sig").startswith("run,system,action")
        # Airflow's own server has the icon that a browser asks every server for.
        assert [one for one in complaints if not one.endswith("/favicon.ico")] == []
        context.close()
