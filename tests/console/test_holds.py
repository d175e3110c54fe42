"""The worklist of holds: what is shown is what the engine found, and what is pressed ends on both systems."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from retail_sync.ledger.rows import Hold, HoldDraft
from retail_sync.sync.engine.settle import RunFailed
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.scenarios.test_decisions import (
    AMBIGUOUS,
    REVIEW,
    conflict_of,
    linked_sku,
    name_online,
    rename_both,
)
from tests.support.console_app import House, form_token, house_of
from tests.support.worlds import World, world_of

INJECTION = "\"><img src=x onerror=alert(1)> ' OR 1=1 --"


@pytest.fixture
def world(ledger_url: str, tmp_path: Path) -> Iterator[World]:
    """The sample shop, aligned: some of it is wrong on purpose."""
    with world_of(load_shop(SAMPLE_SHOP), ledger_url, tmp_path / "world", REVIEW) as made:
        made.run("products", "full")
        yield made


@pytest.fixture
def shown(world: World, tmp_path: Path) -> Iterator[House]:
    with house_of(world.ledger, world.settings, tmp_path) as made:
        yield made


def press(client: httpx.Client, path: str, do: str, **fields: Any) -> httpx.Response:
    """Press a button of a page, with its own token."""
    token = form_token(client.get(path).text)
    data = {"form_token": token, "do": do, **fields}
    return client.post(path.partition("?")[0], data=data, follow_redirects=True)


def ticked(*holds: Hold) -> list[str]:
    return [f"{hold.id}:{hold.fingerprint}" for hold in holds]


def of_code(world: World, code: str) -> list[Hold]:
    return [hold for hold in world.ledger.holds.open_holds("products") if hold.code == code]


def test_every_open_hold_is_listed_with_its_reason_and_what_releases_it(shown: House, world: World) -> None:
    page = shown.client("viewer").get("/holds")
    holds = world.ledger.holds.open_holds("products")
    assert len(holds) > 10
    for hold in holds:
        assert f'/holds/{hold.id}"' in page.text
        assert (
            html.escape(hold.message, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
            in page.text
        )
    for code, count in world.ledger.holds.counts("products").items():
        assert re.search(rf"code={code}\".*?{count}", page.text, re.DOTALL)


def test_a_filter_shows_one_reason_only_and_an_empty_one_says_so(shown: House, world: World) -> None:
    client = shown.client()
    page = client.get("/holds", params={"entity": "products", "code": "ambiguous"}).text
    assert set(re.findall(r"/holds/(\d+)\"", page)) == {str(one.id) for one in of_code(world, "ambiguous")}
    assert "Nothing is held that is like this" in client.get("/holds", params={"code": "nothing"}).text
    assert "Nothing is held that is like this" in client.get("/holds", params={"text": INJECTION}).text


def test_pages_follow_each_other_without_loss_or_repetition(house: House) -> None:
    drafts = [
        HoldDraft(
            kind="product", subject=f"commercetools:p{n}", code="price_missing", message=f"No price {n}"
        )
        for n in range(120)
    ]
    house.ledger.runs.open("r", "products", dag_id="products", airflow_run_id="r", mode="full", params={})
    settle_holds(house, drafts)
    client, seen, path = house.client(), [], "/holds"
    for _ in range(3):
        page = client.get(path).text
        seen += re.findall(r"/holds/(\d+)\"", page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = html.unescape(found[1]).removeprefix("/retail-sync/console") if found else ""
    assert path == ""
    assert len(seen) == len(set(seen)) == 120


def settle_holds(house: House, drafts: list[HoldDraft]) -> None:
    from datetime import UTC, datetime, timedelta

    from retail_sync.ledger.engine import transaction
    from retail_sync.ledger.holds import record_holds

    with transaction(house.ledger.engine) as connection:
        record_holds(
            connection,
            "r",
            "products",
            drafts,
            now=datetime.now(UTC),
            first_retry=timedelta(hours=1),
            longest=timedelta(days=1),
        )


def test_a_conflict_is_settled_with_one_press_and_both_systems_agree(shown: House, world: World) -> None:
    sku = linked_sku(world)
    rename_both(world, sku, "Online name", "Till name")
    world.run("products", "delta")
    hold = conflict_of(world, sku)
    client = shown.client()
    page = client.get(f"/holds/{hold.id}").text
    assert "Online name" in page
    assert "Till name" in page
    answer = press(client, f"/holds/{hold.id}", "right", seen=hold.fingerprint, note="The till is right")
    assert "1 record is settled with the value of Lightspeed" in answer.text
    assert shown.started == [("products", {"mode": "delta"}, "admin")]
    world.run("products", "delta")
    assert name_online(world, sku) == world.till_product(sku)["name"].split(" / ")[0] == "Till name"
    assert hold.id not in {one.id for one in world.ledger.holds.open_holds("products")}
    (decision,) = [one for one in world.ledger.decisions.latest("products") if one.code == "conflict"]
    assert (decision.by, decision.verdict, decision.note) == ("admin", "right", "The till is right")
    assert "Released" in client.get(f"/holds/{hold.id}").text


def test_removals_that_were_stopped_are_approved_with_one_press_exactly_these(
    shown: House, world: World
) -> None:
    gone = [row for row in world.till.all_products() if row["active"]]
    linked = {link.lightspeed_id for link in world.ledger.links.read("products", "variant")}
    for row in gone:
        if row["id"] in linked:
            world.till.delete_product(row["id"])
    with pytest.raises(RunFailed, match="products.most_removed_percent"):
        world.run("products", "delta")
    (hold,) = of_code(world, "removal")
    published = sum(bool(one["masterData"]["published"]) for one in world.online_products())
    client = shown.client()
    assert f"Approve these {hold.evidence['removed']} removals" in client.get(f"/holds/{hold.id}").text
    answer = press(client, f"/holds/{hold.id}", "approve", seen=hold.fingerprint, note="Sold the shop")
    assert "1 record is approved" in answer.text
    assert shown.started == [("products", {"mode": "delta"}, "admin")]
    assert world.run("products", "delta").accounts.failed == 0
    assert of_code(world, "removal") == []
    assert sum(bool(one["masterData"]["published"]) for one in world.online_products()) < published


def test_a_chosen_match_is_linked_by_the_run_that_follows(shown: House, world: World) -> None:
    hold = next(
        one for one in of_code(world, "ambiguous") if one.label == AMBIGUOUS and one.system == "commercetools"
    )
    client = shown.client()
    page = client.get(f"/holds/{hold.id}").text
    partner = re.search(r'name="chosen" value="([^"]+)"', page)
    assert partner is not None
    press(client, f"/holds/{hold.id}", "choose", seen=hold.fingerprint, chosen=partner[1])
    assert shown.started == [("products", {"mode": "delta"}, "admin")]
    world.run("products", "delta")
    links = world.ledger.links.read("products", "variant")
    assert partner[1] in {link.lightspeed_id for link in links if link.matched_by == "a person"}


def test_retry_makes_the_ticked_ones_due_and_starts_one_run(shown: House, world: World) -> None:
    holds = of_code(world, "ambiguous")[:2]
    press(shown.client(), "/holds", "retry", hold=ticked(*holds))
    assert shown.started == [("products", {"mode": "delta"}, "admin")]
    now = world.ledger.now()
    assert {one.id for one in world.ledger.holds.due("products", now)} >= {one.id for one in holds}
    assert {one.by for one in world.ledger.decisions.latest("products", codes=("retry",))} == {"admin"}


def test_a_dismissed_hold_leaves_the_list_until_it_says_something_else(shown: House, world: World) -> None:
    hold = of_code(world, "price_missing")[0]
    client = shown.client()
    answer = press(client, "/holds", "dismiss", hold=ticked(hold))
    assert "Say why it may stay" in answer.text
    assert f'/holds/{hold.id}"' in answer.text
    answer = press(client, "/holds", "dismiss", hold=ticked(hold), note="sold out for good")
    assert f'/holds/{hold.id}"' not in answer.text
    assert shown.started == []
    assert f'/holds/{hold.id}"' in client.get("/holds", params={"dismissed": "yes"}).text
    assert "sold out for good" in client.get(f"/holds/{hold.id}").text
    press(client, f"/holds/{hold.id}", "show", seen=hold.fingerprint)
    assert f'/holds/{hold.id}"' in client.get("/holds").text


def test_many_at_once_are_shown_before_anything_is_done(house: House) -> None:
    house.ledger.runs.open("r", "products", dag_id="products", airflow_run_id="r", mode="full", params={})
    settle_holds(
        house,
        [
            HoldDraft(kind="product", subject=f"commercetools:p{n}", code="price_missing", message="No price")
            for n in range(30)
        ],
    )
    holds = ticked(*house.ledger.holds.open_holds("products"))
    answer = press(house.client(), "/holds", "retry", hold=holds)
    assert "30 records will be tried again now" in answer.text
    assert house.started == []
    press(house.client(), "/holds", "retry", hold=holds, confirmed="yes")
    assert house.started == [("products", {"mode": "delta"}, "admin")]


def test_a_price_is_approved_by_the_run_of_prices(house: House) -> None:
    house.ledger.runs.open("r", "prices", dag_id="prices", airflow_run_id="r", mode="full", params={})
    evidence = {"list": "retail", "before": {"amount": "10.00"}, "after": {"amount": "15.00"}, "about": "x"}
    hold = hold_of(house, "prices", HoldDraft(
        kind="price", subject="lightspeed:a", label="SKU-1", code="price_jump", field="retail",
        message="Up by half", evidence=evidence,
    ))  # fmt: skip
    client = house.client("pricer")
    page = client.get(f"/holds/{hold.id}").text
    assert "+50.0 %" in page
    press(client, "/holds", "approve", hold=ticked(hold))
    press(client, f"/holds/{hold.id}", "reject", seen=hold.fingerprint)
    assert house.started == [
        ("prices", {"approve": ["SKU-1"]}, "pricer"),
        ("prices", {"reject": ["SKU-1"]}, "pricer"),
    ]
    answer = press(client, f"/holds/{hold.id}", "left", seen=hold.fingerprint)
    assert "no conflict" in answer.text


def hold_of(house: House, entity: str, draft: HoldDraft) -> Hold:
    from datetime import UTC, datetime, timedelta

    from retail_sync.ledger.engine import transaction
    from retail_sync.ledger.holds import record_holds

    hour = timedelta(hours=1)
    with transaction(house.ledger.engine) as connection:
        record_holds(connection, "r", entity, [draft], now=datetime.now(UTC), first_retry=hour, longest=hour)
    (found,) = house.ledger.holds.open_holds(entity)
    return found


def test_a_decision_is_kept_where_its_run_can_not_be_started(shown: House, world: World) -> None:
    hold = of_code(world, "ambiguous")[0]
    shown.refuses = "The DAG products is paused. Unpause it in Airflow, then press again."
    answer = press(shown.client(), "/holds", "retry", hold=ticked(hold))
    assert answer.status_code == 409
    assert "is paused" in answer.text
    assert "What was decided is kept" in answer.text


def test_what_is_shown_no_more_is_not_decided(shown: House, world: World) -> None:
    hold = of_code(world, "ambiguous")[0]
    answer = press(shown.client(), "/holds", "retry", hold=[f"{hold.id}:another"])
    assert answer.status_code == 200
    assert "retry" in {one.code for one in world.ledger.decisions.latest("products")} or shown.started == []


def test_a_viewer_may_look_and_not_act(shown: House, world: World) -> None:
    hold = of_code(world, "ambiguous")[0]
    client = shown.client("viewer")
    assert 'name="do"' not in client.get(f"/holds/{hold.id}").text
    token = form_token(shown.client("admin").get("/holds").text)
    for path in ("/holds", f"/holds/{hold.id}"):
        for given in (token, ""):
            data = {"form_token": given, "do": "retry", "hold": ticked(hold)}
            assert client.post(path, data=data).status_code == 403
    own = form_token(client.get("/holds").text)
    assert (
        client.post("/holds", data={"form_token": own, "do": "retry", "hold": ticked(hold)}).status_code
        == 403
    )
    assert shown.started == []
    assert world.ledger.decisions.latest("products") == []


def test_a_form_without_our_token_or_from_elsewhere_does_nothing(shown: House, world: World) -> None:
    hold = of_code(world, "ambiguous")[0]
    client = shown.client()
    data = {"do": "retry", "hold": ticked(hold)}
    assert client.post("/holds", data=data).status_code == 403
    token = form_token(client.get("/holds").text)
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/holds", data={**data, "form_token": token}, headers=elsewhere).status_code == 403
    assert shown.started == []


def test_who_may_see_only_prices_finds_no_hold_of_products(shown: House, world: World) -> None:
    hold = of_code(world, "ambiguous")[0]
    client = shown.client("pricer")
    assert f'/holds/{hold.id}"' not in client.get("/holds").text
    assert client.get(f"/holds/{hold.id}").status_code == 404


def test_what_a_record_holds_never_becomes_markup(house: House) -> None:
    house.ledger.runs.open("r", "products", dag_id="products", airflow_run_id="r", mode="full", params={})
    hold = hold_of(house, "products", HoldDraft(
        kind="product", subject=f"commercetools:{INJECTION}", label=INJECTION, code="conflict", field=INJECTION,
        message=INJECTION, release=INJECTION,
        evidence={"commercetools": INJECTION, "lightspeed": INJECTION, INJECTION: INJECTION},
    ))  # fmt: skip
    for path in ("/holds", f"/holds/{hold.id}", f"/holds?text={INJECTION}&code={INJECTION}"):
        text = house.client().get(path).text
        assert "<img" not in text


def test_customers_are_said_to_be_one_person_by_a_line_of_ids(house: House) -> None:
    house.ledger.runs.open("r", "customers", dag_id="customers", airflow_run_id="r", mode="full", params={})
    profile = {"system": "commercetools", "id": "ct-1", "label": "no 7"}
    other = {"system": "lightspeed", "id": "ls-1", "label": "no 8", "compared": {"same": ["e-mail"]}}
    hold = hold_of(house, "customers", HoldDraft(
        kind="customer", subject="commercetools:ct-1", label="no 7", code="ambiguous", message="Two look alike",
        evidence={"identifier": "e-mail", "profile": profile, "candidates": [other]},
    ))  # fmt: skip
    client = house.client()
    assert "no 8" in client.get(f"/holds/{hold.id}").text
    press(client, f"/holds/{hold.id}", "same", seen=hold.fingerprint, chosen="ct-1 = ls-1")
    assert house.started == [("customers", {"approve": ["ct-1 = ls-1"]}, "admin")]
    answer = press(client, f"/holds/{hold.id}", "apart", seen=hold.fingerprint, chosen="ct-9 = ls-9")
    assert "says nothing about" in answer.text
    assert len(house.started) == 1
