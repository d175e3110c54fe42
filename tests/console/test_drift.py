"""The drift page: real differences made by people, found by the engine, shown with both values, and mended."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk import ObjectStoragePath

from retail_sync.console import forgery
from retail_sync.console.pages.drift import MOST, PAGE
from retail_sync.ledger.rows import ChangeRow, HoldDraft, MirrorRow
from retail_sync.sync.engine.staging import Staging
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.dags.test_inventory import miscount
from tests.dags.test_products import linked_sku
from tests.support.builders.inventory import Stocked
from tests.support.builders.prices import Priced, priced
from tests.support.console_app import (
    ACCOUNT,
    HOSTILE,
    SECRET,
    WHO,
    House,
    add_run,
    change,
    house_of,
    next_of,
    words,
)
from tests.support.worlds import World, world_of

AT = "manual__2026-11-27T15:20:50.288366+00:00"
LATER = "manual__2026-11-28T15:20:50.288366+00:00"
SQL = "' OR 1=1 --"


def reconciled(house: House, entity: str = "products", at: str = AT, **more: Any) -> str:
    """A reconciliation as the DAG leaves it."""
    changes = more.pop("changes", [])
    account = {**ACCOUNT, "changes": len(changes), "holds": len(more.get("holds", ()))}
    return add_run(house, entity, at, dag_id="reconcile", changes=changes, **{"accounts": account, **more})


def rows_of(answer: str, label: str = "Differences") -> list[list[str]]:
    """The cells of each body row of a table, without tags."""
    found = re.findall(rf'aria-label="{label}">(.*?)</table>', answer, flags=re.S)
    if not found:
        return []
    rows = re.findall(r"<tr>(.*?)</tr>", found[0].partition("</thead>")[2], flags=re.S)
    return [
        [words(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.S)] for row in rows
    ]


def boxes(answer: str) -> list[str]:
    return re.findall(r'name="change" value="([^"]+)"', answer)


# --- what people really did, found and mended ---


@dataclass
class Stage:
    """Both systems aligned, and their console."""

    world: World
    stock: Stocked
    house: House
    sku: str

    def reconcile(self, number: int) -> None:
        """What the DAG does: a dry run of each entity in full, under ids of its own."""
        for entity in ("products", "inventory"):
            at = f"scheduled__2026-11-{number:02d}"
            run_id = f"reconcile/{entity}/{at}"
            self.world.ledger.runs.open(
                run_id,
                entity,
                purpose="reconcile",
                dag_id="reconcile",
                airflow_run_id=at,
                mode="full",
                params={"mode": "full", "dry_run": True},
            )
            self.world.run(entity, "full", dry_run=True, run_id=run_id)


@pytest.fixture
def stage(ledger_url: str, tmp_path: Path) -> Iterator[Stage]:
    with world_of(load_shop(SAMPLE_SHOP), ledger_url, tmp_path) as world:
        stock = Stocked(world)
        world.run("products", "full")
        stock.run("full")
        with house_of(world.ledger, world.settings, tmp_path) as house:
            yield Stage(world, stock, house, linked_sku(world))


def test_what_people_changed_is_shown_with_both_values_and_mended(stage: Stage) -> None:
    world, stock, house, sku = stage.world, stage.stock, stage.house, stage.sku
    shows, price = stock.available(sku, "berlin"), world.till_product(sku)["price_including_tax"]
    world.till.edit_product(world.till_product(sku)["id"], price="1234.50")
    miscount(stock, sku, "berlin", 70)
    stage.reconcile(1)

    answer = house.page("/drift")
    assert "2 changes would bring both sides together" in answer
    by_price, by_stock = rows_of(answer)
    assert by_price[1:6] == [f"{sku} Products, variant", "price", "–", by_price[4], f"123450 → {by_price[4]}"]
    assert by_price[6:8] == ["commercetools", "Lightspeed differs from what was agreed"]
    assert by_stock[1:3] == [f"{sku} Inventory, stock", "berlin"]
    assert by_stock[3:6] == [f"Berlin {shows}", f"70 → {shows}", f"{shows} (worked out)"]
    assert by_stock[6] == "Lightspeed"
    assert by_stock[7].startswith("commercetools seen to change")
    variant = next(
        link.commercetools_id
        for link in world.ledger.links.read("products", "variant")
        if link.lightspeed_id == world.till_product(sku)["id"]
    )
    assert f'href="/retail-sync/console/records/products/variant/commercetools/{variant}"' in answer
    assert f'href="/retail-sync/console/records/inventory/stock/lightspeed/{stock.product_id(sku)}"' in answer

    # Links of the counts filter.
    for query, entities in (
        ({"field": "berlin"}, ["Inventory"]),
        ({"field": "price", "system": "lightspeed"}, ["Products"]),
        ({"system": "commercetools"}, ["Inventory"]),
        ({"location": "Berlin"}, ["Inventory"]),
        ({"entity": "products"}, ["Products"]),
        ({"text": sku.lower()}, ["Products", "Inventory"]),
        ({"text": "%"}, []),
        ({"run": "reconcile/inventory/scheduled__2026-11-01"}, ["Inventory"]),
    ):
        found = [row[1].split()[1].rstrip(",") for row in rows_of(house.page("/drift", query))]
        assert found == entities, query

    # The chosen ones are started, and what the engine does with these keys mends both.
    sentence = house.said(house.send("/drift/resync", of="/drift", do="chosen", change=boxes(answer)))
    assert "Runs were started of Inventory (1), Products (1)" in sentence
    assert house.started == [
        ("inventory", {"keys": [sku]}, "admin"),
        ("products", {"keys": [sku]}, "admin"),
    ]
    world.run("products", "delta", keys=house.started[1][1]["keys"])
    stock.run("delta", keys=house.started[0][1]["keys"])
    assert world.till_product(sku)["price_including_tax"] == price
    assert stock.available(sku, "berlin") == shows

    stale = house.page("/drift")
    assert stale.count("1 run wrote: some of this may be mended, or new.") == 2
    assert stale.count("written since") == 2
    stage.reconcile(2)
    fresh = house.page("/drift")
    assert "Nothing differs: both sides showed the same" in fresh
    assert rows_of(fresh) == []
    older = house.page("/drift", {"run": "reconcile/products/scheduled__2026-11-01"})
    assert [row[2] for row in rows_of(older)] == ["price"]


LIST = {
    "name": "retail",
    "owner": "lightspeed",
    "commercetools": {"currency": "EUR"},
    "lightspeed": {"base": True},
}


@pytest.fixture
def prices(ledger_url: str, tmp_path: Path) -> Iterator[tuple[Priced, House]]:
    with (
        priced(ledger_url, tmp_path, [LIST]) as shop,
        house_of(shop.ledger, shop.settings, tmp_path) as house,
    ):
        yield shop, house


@pytest.mark.parametrize("who", ["commercetools", "lightspeed"])
def test_of_a_price_it_is_told_who_moved_since_both_agreed(prices: tuple[Priced, House], who: str) -> None:
    shop, house = prices
    shop.add_article("A", "10.00", prices=[{"value": {"currencyCode": "EUR", "centAmount": 1000}}])
    shop.run("full")
    if who == "commercetools":
        shop.price_online("A", 900)
    else:
        shop.price_at_till("A", "11.00")
    run_id = f"reconcile/prices/{AT}"
    shop.ledger.runs.open(
        run_id,
        "prices",
        purpose="reconcile",
        dag_id="reconcile",
        airflow_run_id=AT,
        mode="full",
        params={"dry_run": True},
    )
    shop.run("full", dry_run=True, run_id=run_id)
    [row] = rows_of(house.page("/drift", who="pricer"))
    online, till = ("9", "10") if who == "commercetools" else ("10", "11")
    assert row[1:3] == ["A Prices, price", "list retail"]
    assert [cell.split()[0] for cell in row[4:6]] == [online, till]
    assert row[4].endswith(f"→ {till}")
    assert row[6:8] == [
        "Lightspeed",
        f"{'commercetools' if who == 'commercetools' else 'Lightspeed'} differs from what was agreed",
    ]
    assert "Prices (1)" in house.said(
        house.send("/drift/resync", of="/drift", who="pricer", do="matching"),
        "pricer",
    )
    assert house.started == [("prices", {"keys": ["A"]}, "pricer")]
    shop.run(keys=house.started[0][1]["keys"])
    assert shop.cents("A") == [1000 if who == "commercetools" else 1100]


# --- what may be done by whom ---


def test_a_viewer_looks_and_may_not_act(house: House) -> None:
    reconciled(house, changes=[change(1, "products/x")])
    answer = house.page("/drift", who="viewer")
    assert [row[2] for row in rows_of(answer)] == ["name"]
    assert '<form method="post" action="/retail-sync/console/drift/reconcile' not in answer
    assert boxes(answer) == []
    ours = boxes(house.page("/drift"))
    token = forgery.token(SECRET, "viewer")
    for path, form in (
        ("/drift/resync", {"do": "chosen", "change": ours}),
        ("/drift/resync", {"do": "matching"}),
        ("/drift/everything", {"confirmed": "yes"}),
        ("/drift/everything", {}),
        ("/drift/reconcile", {}),
    ):
        assert house.send(path, who="viewer", token=token, **form).status_code == 403, path
    assert house.started == []


@pytest.mark.parametrize("path", ["/drift/resync", "/drift/everything", "/drift/reconcile"])
def test_a_form_that_is_not_ours_does_nothing(house: House, path: str) -> None:
    reconciled(house, changes=[change(1, "products/x")])
    form = {"do": "matching", "confirmed": "yes"}
    for token in ("", "nonsense", forgery.token(SECRET, "viewer"), forgery.token("another secret", "admin")):
        assert house.send(path, token=token, **form).status_code == 403
    with house.client(None) as client:
        own = {"form_token": forgery.token(SECRET, "admin")}
        assert client.post(path, data={**form, **own}).status_code == 401
        assert client.get("/drift").status_code == client.get("/drift.csv").status_code == 401
    assert house.started == []


def test_who_may_see_one_entity_sees_and_syncs_that_one_only(house: House) -> None:
    hidden = reconciled(house, changes=[change(1, "products/x")])
    theirs = boxes(house.page("/drift"))
    answer = house.page("/drift", who="pricer")
    assert "SKU-1" not in answer
    assert "Products" not in answer
    assert "SKU-1" not in house.page("/drift.csv", who="pricer")
    house.page("/drift", {"run": hidden}, who="pricer", status=404)
    house.page("/drift.csv", {"run": hidden}, who="pricer", status=404)
    token = forgery.token(SECRET, "pricer")
    answered = house.send("/drift/resync", who="pricer", token=token, do="chosen", change=theirs)
    assert house.said(answered, "pricer") == "Nothing was chosen, so nothing was started."
    assert house.send("/drift/everything", who="pricer", token=token, confirmed="yes").status_code == 403
    assert house.started == []


def test_everything_is_synced_after_it_was_shown_what_that_means(house: House) -> None:
    reconciled(house, changes=[change(1, "products/x"), change(2, "products/x")])
    asked = house.send("/drift/everything", of="/drift")
    assert asked.status_code == 200
    assert house.started == []
    assert "This writes: 2 changes" in asked.text
    assert ["Products", "2"] in [row[:2] for row in rows_of(asked.text, "What differed")]
    assert "manual__1" in house.said(house.send("/drift/everything", of="/drift", confirmed="yes"))
    assert "writes nothing" in house.said(house.send("/drift/reconcile", of="/drift"))
    assert house.started == [("reconcile", {"repair": True}, "admin"), ("reconcile", {}, "admin")]


def test_a_run_that_can_not_be_started_is_told(house: House) -> None:
    reconciled(house, changes=[priced_change()], entity="prices")
    house.refuses = "The DAG prices is paused."
    answer = house.send("/drift/resync", of="/drift", do="matching")
    assert answer.status_code == 409
    assert "The DAG prices is paused." in answer.text


# --- which keys ---


def priced_change(number: int = 1, **more: Any) -> ChangeRow:
    return change(
        number,
        "prices/x",
        **{
            "kind": "price",
            "subject": f"lightspeed:art-{number}",
            "system": "commercetools",
            "source_id": f"art-{number}",
            "target_id": f"var-{number}",
            "before": {"list": "retail", "price": {"amount": "9"}},
            "after": {"list": "retail", "price": {"amount": "10"}},
            "reasons": {"price": "Lightspeed owns it", "commercetools": "9", "lightspeed": "10"},
            **more,
        },
    )


def test_each_entity_is_given_the_keys_its_run_takes(house: House) -> None:
    reconciled(house, changes=[change(1, "products/x", source_id="c-1")])
    reconciled(house, "prices", changes=[priced_change(), priced_change(2, label="art-2")])
    reconciled(
        house,
        "customers",
        changes=[
            change(
                1, "customers/x", kind="customer", label="10007", source_id="person-1", target_id="profile-1",
                before={"email": "~a"}, after={"email": "~b"}, reasons={},
            )
        ],
    )  # fmt: skip
    document = {"action": "create_sale", "before": {}, "after": {"sale": {"total": "19.99"}}}
    reconciled(
        house, "orders", changes=[change(1, "orders/x", kind="order", source_id="order-1", **document)]
    )
    reconciled(house, "sales", changes=[change(1, "sales/x", kind="sale", source_id="sale-1", **document)])
    sentence = house.said(house.send("/drift/resync", of="/drift", do="matching"))
    assert house.started == [
        ("prices", {"keys": ["SKU-1"]}, "admin"),
        ("customers", {"keys": ["person-1"]}, "admin"),
        ("orders", {"keys": ["order-1"]}, "admin"),
        ("sales", {"keys": ["sale-1"]}, "admin"),
    ]
    # No mirror knows a SKU of that variant, and the label of that price is the id of its article.
    assert "Without a SKU, so only a run in full reaches them: SKU-1, art-2." in sentence


def test_too_many_at_once_are_for_a_run_in_full(house: House) -> None:
    reconciled(house, "prices", changes=[priced_change(n) for n in range(MOST + 1)])
    answer = house.page("/drift")
    assert "that match</button>" not in answer
    assert f"More than {MOST} at once are for a run in full" in answer
    assert "Nothing was started" in house.said(house.send("/drift/resync", of="/drift", do="matching"))
    assert house.started == []
    met: list[str] = []
    path = "/drift?entity=prices"
    while path:
        answer = house.page(path)
        met += boxes(answer)
        path = next_of(answer)
    assert len(met) == len(set(met)) == MOST + 1 > PAGE


@pytest.mark.parametrize("chosen", [[], ["nonsense"], [SQL], [str(UUID(int=7))]])
def test_what_is_no_difference_starts_nothing(house: House, chosen: list[str]) -> None:
    add_run(house, changes=[change(1, "products/x")])
    sentence = house.said(house.send("/drift/resync", token=forgery.token(SECRET, "admin"), change=chosen))
    assert sentence == "Nothing was chosen, so nothing was started."
    assert house.started == []


def test_changes_of_other_runs_are_not_differences(house: House) -> None:
    run_id = add_run(house, changes=[change(1, "products/x")])
    ids = [one.id for one in house.ledger.changes.read(run_id)]
    assert len(ids) == 1
    house.said(house.send("/drift/resync", token=forgery.token(SECRET, "admin"), change=ids))
    assert house.started == []
    house.page("/drift", {"run": run_id}, status=404)


# --- what is told ---


def test_nothing_was_ever_reconciled(house: House) -> None:
    answer = house.page("/drift")
    assert "No reconciliation has ended yet" in answer
    assert "Reconcile now, writing nothing" in answer
    reconciled(house, state=None)
    answer = house.page("/drift")
    assert "one is under way" in answer
    assert rows_of(answer) == []


def test_the_newest_one_that_ended_well_is_shown_beside_what_became_of_later_ones(house: House) -> None:
    reconciled(house, changes=[change(1, "products/x")])
    reconciled(house, at=LATER, state="failed", error="It broke.")
    answer = house.page("/drift")
    assert len(rows_of(answer)) == 1
    assert "the newest one failed" in answer
    reconciled(house, at="manual__3", state=None)
    assert "a new one is under way" in house.page("/drift")


def test_customers_stay_private(house: House) -> None:
    made = change(
        1, "customers/x", kind="customer", label="10007", before={"email": "~left"}, after={"email": "~right"}
    )
    reconciled(house, "customers", changes=[made])
    for answer in (house.page("/drift"), house.page("/drift.csv")):
        assert "~left" not in answer
        assert "~right" not in answer
        assert "(private)" in answer


def test_warnings_of_documents_are_told_as_long_as_their_files_are_there(house: House) -> None:
    lone = {"label": "W-1", "subject": "s", "code": "sale_missing", "message": f"No sale. {HOSTILE}"}
    drafts = [HoldDraft(kind="order", subject="commercetools:1", code="sale_missing", message="No sale.")]
    run_id = reconciled(house, "orders", holds=drafts)
    assert "The files of this reconciliation were cleared" in house.page("/drift")
    assert list(house.staging.iterdir()) == [], "looking leaves nothing behind"
    staging = Staging(ObjectStoragePath(house.staging.as_uri()), run_id, house.ledger.checkpoints)
    staging.write_document("plan", {"warnings": [lone]})
    answer = house.page("/drift")
    [row] = rows_of(answer, "Warnings of Orders")
    assert row[:2] == ["W-1", "sale_missing"]
    assert "<script>" not in answer


def test_the_export_has_a_line_a_difference_and_no_formula(house: House) -> None:
    made = change(
        1,
        "products/x",
        label="=cmd()",
        before={"name": "Mug", "brand": "A"},
        after={"name": "+Cup", "brand": "B"},
    )
    reconciled(house, changes=[made])
    head, *lines = csv.reader(io.StringIO(house.page("/drift.csv").removeprefix("\ufeff")))
    read = [dict(zip(head, line, strict=True)) for line in lines]
    assert [(one["field"], one["commercetools"], one["lightspeed"]) for one in read] == [
        ("brand", "B", "A"),
        ("name", "'+Cup", "Mug"),
    ]
    assert {one["record"] for one in read} == {"'=cmd()"}
    only = house.page("/drift.csv", {"field": "brand"})
    assert "Mug" not in only
    assert "SKU" not in house.page("/drift.csv", {"text": "nowhere"})


def test_all_that_is_shown_is_escaped(house: House) -> None:
    made = change(
        1,
        "products/x",
        label=HOSTILE,
        before={"name": HOSTILE},
        after={"name": f"2 {HOSTILE}", HOSTILE: HOSTILE},
        reasons={"name": HOSTILE},
    )
    stock = change(
        2,
        "inventory/x",
        kind="stock",
        system="commercetools",
        unit=f"commercetools:A@{HOSTILE}",
        before={"available": 1},
        after={"available": 2},
        reasons={"figure": {"places": [{"location": HOSTILE, "level": "2"}]}},
    )
    reconciled(house, changes=[made])
    reconciled(house, "inventory", changes=[stock])
    for query in ({}, *({name: HOSTILE} for name in ("field", "location", "text"))):
        answer = house.page("/drift", query)
        assert "<script>alert" not in answer
        assert "<img src=x" not in answer
    assert len(rows_of(house.page("/drift", {"location": HOSTILE}))) == 1
    assert len(rows_of(house.page("/drift", {"field": HOSTILE, "entity": "inventory"}))) == 1
    for name in ("entity", "field", "system", "location", "text", "after"):
        for value in (SQL, "%", "a|1|b|c", "products|99999999999|x|y"):
            house.page("/drift", {name: value})
    house.page("/drift", {"run": SQL}, status=404)
    house.page("/drift", {"run": "nothing"}, status=404)


def test_it_works_in_a_browser(house: House, browser: Any) -> None:
    reconciled(house, "prices", changes=[priced_change(n) for n in range(3)])
    context = browser.new_context(viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": WHO, "value": "admin", "url": house.url}])
    view = context.new_page()
    problems: list[str] = []
    view.on("pageerror", lambda problem: problems.append(str(problem)))
    view.on("console", lambda told: problems.append(told.text) if "Policy" in told.text else None)
    view.goto(f"{house.url}/drift")
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    view.get_by_label("All on this page").check()
    view.get_by_role("button", name="Re-sync the chosen ones").click()
    view.wait_for_selector(".said")
    assert house.started == [("prices", {"keys": ["SKU-0", "SKU-1", "SKU-2"]}, "admin")]
    assert problems == []


def test_a_product_is_read_again_by_the_sku_of_one_of_its_variants(house: House) -> None:
    made = change(1, "products/x", kind="product", label="Mug", source_id="p-1", target_id="t-1")
    run_id = reconciled(house, changes=[made])
    rows = [
        MirrorRow(id=f"p-1:{n}", parent_id="p-1", label=sku, digest=sku, fields={"sku": sku})
        for n, sku in enumerate(("MUG-2", "MUG-1", ""))
    ]
    house.ledger.mirror.see("products", "variant", "commercetools", run_id, rows)
    house.said(house.send("/drift/resync", of="/drift", do="matching"))
    assert house.started == [("products", {"keys": ["MUG-1"]}, "admin")]
