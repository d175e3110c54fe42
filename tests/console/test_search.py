"""Search over HTTP: what is found, a record's whole life, and the requests behind it; nothing that is private."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.console import forgery
from retail_sync.console.pages.search import ROWS
from retail_sync.console.views.search import moment, place_of
from retail_sync.console.views.timeline import discreet
from retail_sync.console.views.wire import pretty
from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, HoldDraft, MirrorRow, new_id
from retail_sync.records.events import Hint
from retail_sync.transport.faces import Exchange
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.support.builders.orders import Ordered, ordered_from
from tests.support.console_app import ROOT, SECRET, House, house_of, next_of, within, words
from tests.support.exchanges import kept_exchanges
from tests.support.links import pair

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>' OR 1=1 --"
AT = datetime(2026, 11, 1, tzinfo=UTC)


def happenings(page: str) -> list[str]:
    """The text of each row of the timeline."""
    return [words(one) for one in re.findall(r"<li class=\"[a-z]+\">(.*?)</li>", page, flags=re.S)]


def path_to(page: str, called: str) -> str:
    """Where the first link with this text leads, within the console."""
    found = re.search(rf'<a href="([^"]+)">{re.escape(called)}</a>', page)
    assert found, f"nothing leads on as {called}"
    return unescape(found[1]).removeprefix("/retail-sync/console")


# --- a shop that has synced ---


@dataclass
class Lived:
    house: House
    shop: Ordered


@pytest.fixture(scope="module")
def lived(module_ledger_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """The sample shop after a first alignment of everything, with its requests."""
    folder: Path = tmp_path_factory.mktemp("lived")
    with ordered_from(load_shop(SAMPLE_SHOP), module_ledger_url, folder) as shop:
        shop.align()
        shop.stock.run("full")
        shop.world.forget_requests()
        run = shop.run("orders", "full")
        shop.run("sales", "full")
        with shop.ledger.exchange_sink(run.run_id, "load") as sink:
            for one in shop.world.sink.exchanges:
                sink.record(one)
        with (
            Ledger.open(module_ledger_url) as ledger,
            house_of(ledger, shop.settings, folder) as house,
        ):
            yield Lived(house, shop)


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("NK-FLEECE-BLK-M", "As a SKU: 2 records"),
        ("nk-fleece-blk-m", "As a SKU: 2 records"),
        ("  NK-FLEECE-BLK-M ", "As a SKU: 2 records"),
        ("4099871000222", "As a barcode: 2 records"),
        ("0085009100982", "As a barcode: 2 records"),
        ("NK-FLEECE-BLK", "Beginning of a SKU: 8 records"),
        ("Wandersocke Trittsicher", "As a product name: 2 records"),
        ("zip-off-hose-seenplatte", "As a product key: 1 record"),
        ("FB-W-0021", "As an order number: 1 record"),
        ("FB-W-0021", "As a sale or receipt number: 1 record"),
        ("ambiguous", "As a reason's code: 6 open holds, 6 holds in all, no refused changes"),
        ("orders/", "Nothing that you may see is called, or begins with, orders/"),
    ],
)
def test_a_text_is_understood_and_says_how(lived: Lived, typed: str, understood: str) -> None:
    answer = lived.house.send("/search", q=typed)
    assert answer.status_code == 303
    page = lived.house.page(within(answer.headers["location"]))
    assert understood in words(page)
    assert f'value="{typed.strip()}"' in page


def test_ids_of_every_kind_are_found(lived: Lived) -> None:
    [link] = lived.house.ledger.links.read("orders", "sale")[:1]
    change = lived.house.ledger.changes.read(run := lived.house.ledger.runs.last("orders", 1)[0].id)[0]
    request = kept_exchanges(lived.house.ledger, change=change.id)[0]
    for typed, understood in (
        # Both stand-ins draw their ids from one seed: another record of the other system may have the same one.
        (link.commercetools_id, "As an id: "),
        # The till's sale is a record of orders, and of what was sold in stores.
        (link.lightspeed_id.upper(), "As an id: "),
        (f"commercetools:{link.commercetools_id}", "As an id: "),
        (link.id, "As an id of a link, or of a linked record that was never read: 2 records"),
        (run, f"As a run: {run} , Orders, full run, succeeded"),
        (change.id, f"As a change: {change.label}"),
        (request.id, f"As a request: {request.method} {request.url}"),
    ):
        assert understood in words(lived.house.page("/search", q=typed)), typed


def test_a_variant_shows_both_sides_what_was_agreed_on_and_its_stock(lived: Lived) -> None:
    found = lived.house.page("/search", q="NK-FLEECE-BLK-M")
    page = lived.house.page(path_to(found, "NK-FLEECE-BLK-M"))
    told = words(page)
    [link] = [
        one for one in lived.house.ledger.links.read("products", "variant") if one.id in link_ids(lived)
    ]
    assert link.commercetools_id in told and link.lightspeed_id in told
    assert "linked Matched by sku." in told
    assert "price 8900 8900 8900" in told
    assert "differs" not in told
    assert 'href="/retail-sync/console/stock?sku=NK-FLEECE-BLK-M"' in page
    assert "muenchen 3 3" in told
    assert happenings(page)[0].startswith("linked Linked Products")
    assert "applied Updated in Lightspeed Products" in happenings(page)[1]
    assert "price 8490 8900 first alignment; commercetools owns the field" in happenings(page)[1]
    # The same life, whichever side it is looked at from.
    other = lived.house.page(f"/records/products/variant/lightspeed/{link.lightspeed_id}")
    assert [one.partition(" ago")[2] for one in happenings(other)] == [
        one.partition(" ago")[2] for one in happenings(page)
    ]


def link_ids(lived: Lived) -> set[str]:
    with lived.house.ledger.engine.connect() as connection:
        return set(
            connection.execute(
                text(
                    "SELECT links.id::text FROM links JOIN mirror ON mirror.id = links.commercetools_id "
                    "WHERE mirror.label = 'NK-FLEECE-BLK-M' AND links.kind = 'variant'"
                )
            ).scalars()
        )


def test_an_order_shows_its_document_its_sale_and_the_requests_behind_each_step(lived: Lived) -> None:
    found = lived.house.page("/search", q="FB-W-0021")
    page = lived.house.page(path_to(found, "FB-W-0021"))
    told = words(page)
    assert "Order in commercetools Number FB-W-0021" in told
    assert "NK-FLEECE-BLK-XL 2 89.00 EUR 178.00 EUR" in told
    assert "Sale in Lightspeed Number FB-W-0021" in told
    assert "NK-FLEECE-BLK-XL 2 89.00 178.00" in told, "the till's id of an article says nothing to anybody"
    assert "Online bezahlt 178.00" in told
    steps = [one.split(" Orders")[0] for one in happenings(page)]
    assert {"applied Sold in Lightspeed", "applied Marked in commercetools", "linked Linked"} <= set(steps)
    change = lived.house.page(path_to(page, "Requests of this change"))
    assert "Requests made for this change" in change
    [request] = re.findall(r'href="/retail-sync/console(/exchanges/[0-9a-f]+)"', change)[:1]
    exchange = lived.house.page(request)
    assert re.search(r'<span class="badge good">20[01]</span>', exchange)
    assert "&#34;data&#34;: {\n" in exchange or "&#34;version&#34;:" in exchange
    assert lived.shop.world.till_token not in exchange
    assert "task load" in exchange


def test_who_bears_an_address_is_found_and_the_address_is_kept_nowhere(lived: Lived) -> None:
    for typed in ("mara.beispiel@example.com", "  MARA.Beispiel@Example.com "):
        answer = lived.house.send("/search", q=typed)
        place = answer.headers["location"]
        assert answer.status_code == 303
        assert place.startswith("/retail-sync/console/records/customers/customer/")
        page = lived.house.page(within(place))
        assert "This is who bears the e-mail address." in page
        for kept in (place, page):
            assert "beispiel" not in kept.casefold()
            assert "mara" not in kept.casefold()
    assert "Values of customers are not shown" in page
    assert "~" not in page, "no digest of anything is shown"
    assert "@" not in words(page)


def test_an_address_nobody_bears_is_told_without_repeating_it(lived: Lived) -> None:
    answer = lived.house.send("/search", q="nobody.at.all@example.com")
    assert "nobody" not in answer.headers["location"].partition("?")[2]
    page = lived.house.page(within(answer.headers["location"]))
    assert "The ledger knows nobody with this e-mail address." in page
    assert "nobody.at.all" not in page


def test_several_who_bear_one_address_are_listed_by_id(lived: Lived) -> None:
    with lived.house.ledger.engine.connect() as connection:
        digests = connection.execute(
            text(
                "SELECT identity #>> '{tokens,email,0}' FROM mirror "
                "WHERE entity = 'customers' AND system = 'lightspeed' "
                "AND identity #>> '{tokens,email,0}' IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
            )
        ).scalars()
        shared = set(digests)
    seal = lived.shop.seal()
    till = {str(one.get("email") or "") for one in lived.shop.till.all_customers()}
    address = min(one for one in till if one and shared & set(seal.tokens({"email": one}).get("email", ())))
    place = lived.house.send("/search", q=address).headers["location"]
    assert address not in place and "%40" not in place
    page = lived.house.page(within(place))
    assert re.search(r"As an e-mail address: [234] records", words(page))
    assert address not in page


def test_an_address_in_the_address_line_is_taken_out_of_it(lived: Lived) -> None:
    with lived.house.client() as client:
        answer = client.get("/search", params={"q": "mara.beispiel@example.com"})
    assert answer.status_code == 303
    assert "beispiel" not in answer.headers["location"]
    page = lived.house.page(within(answer.headers["location"]))
    assert "not taken from an address line" in page


def test_whoever_may_look_may_search_and_sees_their_entities_alone(lived: Lived) -> None:
    found = lived.house.page("/search", q="NK-FLEECE-BLK-M", who="viewer")
    assert "As a SKU: 2 records" in words(found)
    assert (
        lived.house.send("/search", q="mara.beispiel@example.com", who="viewer")
        .headers["location"]
        .startswith("/retail-sync/console/records/customers/")
    )
    record = path_to(found, "NK-FLEECE-BLK-M")
    change = lived.house.ledger.changes.read(lived.house.ledger.runs.last("orders", 1)[0].id)[0]
    request = kept_exchanges(lived.house.ledger, change=change.id)[0]
    for path in (record, f"/changes/{change.id}", f"/exchanges/{request.id}"):
        assert lived.house.page(path, who="viewer")
        assert "NK-FLEECE" not in lived.house.page(path, who="pricer", status=404)
    for typed in ("NK-FLEECE-BLK-M", "FB-W-0021", "ambiguous", change.id, request.id, change.run_id):
        page = lived.house.page("/search", q=typed, who="pricer")
        assert "Nothing that you may see" in page, typed
        assert happenings(page) == []
    assert happenings(lived.house.page("/search", who="pricer", what="exchange")) == []
    refused = lived.house.send("/search", q="mara.beispiel@example.com", who="pricer").headers["location"]
    assert "/records/" not in refused
    assert "may not look up customers" in lived.house.page(within(refused), who="pricer")
    [customer] = lived.house.ledger.mirror.read("customers", "customer", "lightspeed")[:1]
    page = lived.house.page("/search", person=f"lightspeed:{customer.id}", who="pricer")
    assert f'/records/customers/customer/lightspeed/{customer.id}"' not in page


@pytest.mark.parametrize(
    "token",
    ["", "nonsense", forgery.token(SECRET, "viewer")],
    ids=["no token", "nonsense", "another person's token"],
)
def test_a_search_that_is_not_sent_from_our_own_page_is_refused(lived: Lived, token: str) -> None:
    answer = lived.house.send("/search", q="mara.beispiel@example.com", token=token)
    assert answer.status_code == 403
    assert "location" not in answer.headers


# --- a ledger made by hand ---


@dataclass
class Made:
    """A record with a life, from a minute to the next."""

    ours: str = "p-1:1"
    theirs: str = "t-1"

    def fill(self, ledger: Ledger) -> None:
        ledger.runs.open(
            "products/1", "products", dag_id="products", airflow_run_id="manual__1", mode="full", params={}
        )
        for system, record in (("commercetools", self.ours), ("lightspeed", self.theirs)):
            row = MirrorRow(
                id=record, label="MUG", parent_id="p-1" if system == "commercetools" else None, version=3,
                digest="d", modified_at=AT,
                fields={"sku": "MUG", "price": {"lightspeed": 900}.get(system, 1000), "name": HOSTILE},
            )  # fmt: skip
            ledger.mirror.see("products", "variant", system, "products/1", [row])
        old = pair(self.ours, "t-0", matched_by="barcode")
        ledger.links.add([old])
        ledger.links.retire([old.id])
        ledger.links.add(
            [replace(old, id=new_id(), lightspeed_id=self.theirs, matched_by="sku", base={"price": 950})]
        )
        change = ChangeRow(
            run_id="products/1", entity="products", kind="variant", subject=f"commercetools:{self.ours}", label="MUG",
            system="lightspeed", action="update", unit="u", source_id=self.ours, target_id=self.theirs,
            before={"price": 900}, after={"price": 1000, "name": HOSTILE}, reasons={"price": HOSTILE},
        )  # fmt: skip
        ledger.changes.store([change])
        ledger.changes.begin([change.id])
        ledger.changes.settle(
            [
                ChangeOutcome(
                    change_id=change.id,
                    outcome="failed",
                    error_code="InvalidField",
                    error=HOSTILE,
                    remedy="Look at it.",
                )
            ]
        )
        hold = HoldDraft(
            kind="variant", subject=f"lightspeed:{self.theirs}", code="conflict", field="price", message=HOSTILE,
            system="lightspeed", label="MUG", release="Settle it.",
        )  # fmt: skip
        ledger.runs.settle("products/1", "products", cursors={}, holds=[hold])
        [kept] = ledger.holds.open_holds("products")
        ledger.decisions.add(
            "products",
            [
                Decision(
                    subject=hold.subject, code="conflict", field="price", verdict="left", about="x", by="Kim <b>",
                    note=HOSTILE,
                )
            ],
        )  # fmt: skip
        ledger.holds.release(kept.id, "Kim <b>", HOSTILE)
        hint = Hint("commercetools", f"Product{HOSTILE}", "e-1", ("products",), "p-1", 7)
        ledger.inbox.keep([hint], ("products",))
        with ledger.exchange_sink("products/1", "load") as sink:
            sink.record(
                Exchange(
                    id="e" * 32, system="lightspeed", method="PUT", url=f"https://till.example/{HOSTILE}", status=422,
                    started_at=AT, elapsed=0.25, attempt=1, request_headers={"x": HOSTILE},
                    request_body='{"price": 18.60000, "name": "<b>"}', response_headers={}, response_body=HOSTILE,
                    correlation_id="c-1", error=None, context={"change": change.id},
                )
            )  # fmt: skip
        self.change = change.id
        self.path = f"/records/products/variant/commercetools/{self.ours}"


@pytest.fixture
def made(house: House) -> Made:
    found = Made()
    found.fill(house.ledger)
    return found


def test_a_life_is_told_in_order_with_everything_that_belongs_to_it(house: House, made: Made) -> None:
    told = happenings(house.page(made.path))
    firsts = [re.split(r" (?:Products|\d+ )", one)[0] for one in told]
    assert firsts == [
        firsts[0],
        "released Released: conflict (price)",
        "the value of commercetools counts Kim <b> decided on conflict (price)",
        "released Held: conflict (price)",
        "failed To be updated in Lightspeed",
        "linked Linked",
        "unlinked The link was retired",
        "linked Linked",
    ]
    assert firsts[0].startswith("waiting commercetools told: Product")
    assert "Matched by sku." in told[5]
    assert "Matched by barcode." in told[7]
    assert "By Kim <b>." in told[1]
    assert "Refused with InvalidField." in told[4] and "What to do: Look at it." in told[4]
    page = words(house.page(made.path))
    assert "price differs 1000 900 950" in page
    assert "1 change, 1 hold, 1 decision, 1 event" in page


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({"what": "change"}, ["change"]),
        ({"what": "hold"}, ["release", "hold"]),
        ({"what": "decision"}, ["decision"]),
        ({"what": "event"}, ["event"]),
        ({"what": "exchange"}, ["exchange"]),
        ({"outcome": "failed"}, ["change"]),
        ({"outcome": "applied"}, []),
        ({"outcome": "released"}, ["release", "hold"]),
        ({"outcome": "refused"}, ["exchange"]),
        ({"outcome": "answered"}, []),
        ({"since": "2999-01-01"}, []),
        ({"until": "2026-01-01T10:00"}, []),
        ({"what": "nonsense", "outcome": "'", "entity": "prices"}, []),
    ],
)
def test_a_life_is_narrowed_down(house: House, made: Made, query: dict[str, str], kinds: list[str]) -> None:
    page = house.page(made.path, **query)
    assert re.findall(r"<li class=\"([a-z]+)\">", page) == kinds
    assert kinds or "Nothing is like that. Choose less." in page
    found = house.page("/search", q="MUG", **query)
    assert re.findall(r"<li class=\"([a-z]+)\">", found) == kinds


def test_what_people_and_systems_wrote_is_escaped_everywhere(house: House, made: Made) -> None:
    paths = (
        made.path, "/search", "/search?q=MUG", "/search?q=conflict", "/search?what=exchange", f"/changes/{made.change}",
        f"/exchanges/{'e' * 32}",
    )  # fmt: skip
    for path in paths:
        page = house.page(path)
        assert "&lt;script&gt;" in page, path
        assert "<script>alert" not in page and "<img src=x" not in page and "Kim <b>" not in page, path
    asked = house.page("/search", q=HOSTILE)
    assert "<script>alert" not in asked and "<img src=x" not in asked
    assert "Nothing that you may see is called" in asked


def test_a_request_is_shown_as_it_was_kept(house: House, made: Made) -> None:
    page = house.page(f"/exchanges/{'e' * 32}")
    assert "&#34;price&#34;: 18.60000,\n" in page, "numbers stay as they were sent"
    assert "250 ms, attempt 1" in words(page)
    assert f'href="/retail-sync/console/changes/{made.change}"' in page
    assert '<span class="badge bad">422</span>' in page
    change = house.page(f"/changes/{made.change}")
    assert f'href="/retail-sync/console/exchanges/{"e" * 32}"' in change


def test_requests_of_no_entity_are_for_those_who_see_all(house: House) -> None:
    with house.ledger.exchange_sink(None, None) as sink:
        sink.record(
            Exchange(
                id="f" * 32, system="commercetools", method="GET", url="https://shop.example/token", status=200,
                started_at=AT, elapsed=0.1, attempt=1, request_headers={}, request_body=None, response_headers={},
                response_body=None, correlation_id=None, error=None, context={"change": "no uuid"},
            )
        )  # fmt: skip
    assert "https://shop.example/token" in house.page(f"/exchanges/{'f' * 32}")
    assert "https://shop.example/token" in house.page("/search", what="exchange")
    house.page(f"/exchanges/{'f' * 32}", who="pricer", status=404)
    assert "https://shop.example/token" not in house.page("/search", what="exchange", who="pricer")


@pytest.mark.parametrize(
    "path", ["/changes/x", "/changes/01a21de1-82b8-7fc5-a5c4-335cc80c8330", "/exchanges/x", "/exchanges/%00"]
)
def test_what_is_not_there_is_not_found(house: House, path: str) -> None:
    assert "There is no such page" in house.page(path, status=404)


@pytest.mark.parametrize(
    "path",
    [
        "products/variant/commercetools/nobody",
        "products/variant/elsewhere/p-1:1",
        "nothing/variant/commercetools/p-1:1",
        "products/variant/commercetools/%00",
        "products/variant/commercetools/'%20OR%201=1%20--",
    ],
)
def test_records_nobody_knows_are_not_found(house: House, made: Made, path: str) -> None:
    house.page(f"/records/{path}", status=404)


@pytest.mark.parametrize("typed", ["%", "_", "'", "\\", "MUG%", "MU_", '"; DROP TABLE holds; --', "𝕊" * 300])
def test_signs_of_the_database_mean_themselves(house: House, made: Made, typed: str) -> None:
    place = house.send("/search", q=typed).headers["location"].removeprefix(ROOT)
    page = house.page(place)
    assert "As a" not in words(page) and "Beginning of" not in words(page)
    assert len(house.ledger.links.read("products", "variant")) == 1


def test_what_is_typed_by_its_beginning_is_found_in_any_case(house: House, made: Made) -> None:
    page = house.page("/search", q="mu")
    assert "Beginning of a SKU: 2 records" in words(page)
    assert len(happenings(page)) == 8, (
        "what happened to those that begin so, and what was told of their product"
    )


# --- pages ---


def test_everything_is_met_once_page_by_page_newest_first(house: House) -> None:
    ledger = house.ledger
    for entity in ("products", "prices"):
        ledger.runs.open(f"{entity}/1", entity, dag_id=entity, airflow_run_id="1", mode="full", params={})
        changes = [
            ChangeRow(
                run_id=f"{entity}/1", entity=entity, kind="variant", subject=f"commercetools:{n}", label=f"L-{n}",
                system=("lightspeed", "commercetools")[n % 2], action="update", unit=str(n),
                outcome=("applied", "failed", "planned")[n % 3],
            )
            for n in range(ROWS)
        ]  # fmt: skip
        # One transaction, and so one time: the id decides.
        ledger.changes.store(changes)
        holds = [
            HoldDraft(kind="variant", subject=f"commercetools:{n}", code="waiting", message="m")
            for n in range(30)
        ]
        ledger.runs.settle(f"{entity}/1", entity, cursors={}, holds=holds)
    hints = [Hint("commercetools", "T", f"e-{n}", ("products", "prices"), str(n), n) for n in range(20)]
    ledger.inbox.keep(hints, ("products", "prices"))
    for who, per in (("admin", 2), ("pricer", 1)):
        met: list[str] = []
        times: list[str] = []
        path, pages = "/search", 0
        while path:
            page = house.page(path, who=who)
            rows = re.findall(r"<li class=\"([a-z]+)\">(.*?)</li>", page, flags=re.S)
            assert 0 < len(rows) <= ROWS
            met += [
                f"{kind} {words(re.sub(r'<time.*?</time>', '', row))} {row.count('changes/')}"
                for kind, row in rows
            ]
            times += [re.findall(r'datetime="([^"]+)"', row)[0] for _, row in rows]
            path, pages = next_of(page), pages + 1
        assert len(met) == per * (ROWS + 30 + 20)
        assert times == sorted(times, reverse=True)
        assert pages == -(-len(met) // ROWS)
        names = [one for one in met if one.startswith("change")]
        assert len(set(names)) == len(names) == per * ROWS


def test_requests_of_some_entities_are_met_once_across_many_runs(house: House) -> None:
    """Who may see one entity is shown its requests by way of its runs, more of them than one page looks through."""
    runs, each = 70, 2
    for entity in ("prices", "products"):
        for n in range(runs):
            run_id = f"{entity}/{n:03}"
            house.ledger.runs.open(
                run_id, entity, dag_id=entity, airflow_run_id=str(n), mode="delta", params={}
            )
            with house.ledger.engine.begin() as connection:
                connection.execute(
                    text("UPDATE runs SET started_at = :at WHERE id = :id"),
                    {"at": AT + timedelta(minutes=n), "id": run_id},
                )
                for k in range(each if n % 10 else 0):
                    connection.execute(
                        text(
                            "INSERT INTO exchanges "
                            "(id, run_id, system, method, url, status, started_at, elapsed_ms, attempt) "
                            "VALUES (:id, :run, 'lightspeed', 'GET', :url, 200, :at, 1, 1)"
                        ),
                        {
                            "id": f"{entity}{n}{k}", "run": run_id, "url": f"https://t.example/{entity}/{n}/{k}",
                            "at": AT + timedelta(minutes=n, seconds=k + 1),
                        },
                    )  # fmt: skip
    met: list[str] = []
    path = "/search?what=exchange"
    while path:
        page = house.page(path, who="pricer")
        met += re.findall(r"https://t.example/(\w+/\d+/\d)</strong>", page)
        path = next_of(page)
    assert met == [f"prices/{n}/{k}" for n in reversed(range(runs)) if n % 10 for k in reversed(range(each))]


@pytest.mark.parametrize(
    "told",
    [
        "nonsense", "|", "||", "2026-11-27|change|x", "2026-11-27T10:00:00+00:00|change|x",
        "2026-11-27T10:00:00|hold|1", "2026-11-27T10:00:00+00:00|hold|x", "2026-11-27T10:00:00+00:00|other|1",
    ],
)  # fmt: skip
def test_a_place_that_makes_no_sense_is_the_beginning(house: House, made: Made, told: str) -> None:
    assert place_of(told) is None
    assert len(happenings(house.page("/search", after=told))) == 4


def test_a_place_that_no_text_can_hold_is_refused(house: House, made: Made) -> None:
    place = "2026-11-27T10:00:00+00:00|exchange|\0"
    assert place_of(place) is None
    assert "This can&#39;t be read" in house.page("/search", status=400, after=place)


def test_times_that_can_not_be_read_are_told_and_left_out(house: House, made: Made) -> None:
    page = house.page("/search", since="<b>yesterday</b>", until="2026-13-01")
    assert "Give times as 2026-01-31" in page
    assert "<b>yesterday" not in page
    assert len(happenings(page)) == 4
    assert moment("2026-01-31", end=True) == datetime(2026, 2, 1, tzinfo=UTC)
    assert moment("2026-01-31T14:30") == datetime(2026, 1, 31, 14, 30, tzinfo=UTC)
    assert moment("0001-01-01") is None


def test_where_nothing_happened_the_page_says_what_to_do(house: House) -> None:
    assert "Unpause a DAG in Airflow" in house.page("/search")
    assert "Nothing that you may see is called" in house.page("/search", q="anything")
    assert "Nothing is like that" in house.page("/search", outcome="failed")


# --- what is private ---


def test_values_of_customers_are_never_shown_sealed_or_not(house: House) -> None:
    ledger = house.ledger
    ledger.runs.open(
        "customers/1", "customers", dag_id="customers", airflow_run_id="1", mode="full", params={}
    )
    row = MirrorRow(
        id="c-1", label="10001", digest="d", modified_at=AT, version=1,
        fields={"email": "~ab12", "first_name": "Mara", "group": "vip"}, carry={"document": {"name": "Mara"}},
    )  # fmt: skip
    ledger.mirror.see("customers", "customer", "commercetools", "customers/1", [row])
    change = ChangeRow(
        run_id="customers/1", entity="customers", kind="customer", subject="commercetools:c-1", label="10001",
        system="lightspeed", action="update", unit="u", before={"first_name": "Mara", "group": ""},
        after={"first_name": "Maria", "group": "vip", "email": "~ab12", "custom.shoe": "38", "phone": ""},
    )  # fmt: skip
    ledger.changes.store([change])
    ledger.links.add(
        [
            pair("c-1", "t-1", "customers", "customer", matched_by="email", base={"first_name": ["Mara", "Mara"]})
        ]
    )  # fmt: skip
    for path in (
        "/records/customers/customer/commercetools/c-1",
        "/search",
        "/search?q=10001",
        f"/changes/{change.id}",
    ):
        page = house.page(path)
        assert "10001" in page
        for private in ("Mara", "Maria", "~ab12", "38<"):
            assert private not in page, (path, private)
    assert "group empty vip" in words(page)
    assert discreet(replace(change, entity="products")).after["first_name"] == "Maria"


# --- bodies ---


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"a":1.50,"b":[],"c":{},"d":[1,{"e":"x,{}\\"y"}]}',
         '{\n  "a": 1.50,\n  "b": [],\n  "c": {},\n  "d": [\n    1,\n    {\n      "e": "x,{}\\"y"\n    }\n  ]\n}'),
        ('[ 1 , 2 ]', "[\n  1,\n  2\n]"),
        ('{"a":"cut of', '{\n  "a": "cut of'),
        ("a=1&b={2}", "a=1&b={2}"),
        ("", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_only_room_is_added_to_a_body(body: str | None, shown: str) -> None:
    assert pretty(body) == shown
    assert re.sub(r"\s", "", pretty(body)) == re.sub(r"\s", "", body or "")


def test_a_body_that_nests_without_end_stays_small() -> None:
    assert len(pretty("[" * 16_000)) < 2_000_000


# --- in a browser ---


def test_a_browser_searches_by_keyboard_follows_a_life_and_fits_a_phone(
    house: House, made: Made, browser: Any
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    context.add_cookies([{"name": "who", "value": "admin", "url": house.url}])
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)
    page.on("dialog", lambda dialog: refused.append(dialog.message))
    page.goto(f"{house.url}/search")
    page.get_by_label("What are you looking for?").fill("mug")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=mug")
    page.get_by_role("region", name="Records that were found").get_by_role("link").first.click()
    page.wait_for_url("**/records/**")
    assert page.get_by_role("heading", level=1).inner_text() == "MUG"
    assert page.locator("ol.life > li").count() == 8
    page.get_by_label("Show").select_option("change")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**what=change**")
    page.get_by_role("link", name="Requests of this change").click()
    page.get_by_role("link", name="PUT https://till.example").click()
    page.wait_for_url("**/exchanges/**")
    for path in (made.path, "/search?q=mug", f"/changes/{made.change}", f"/exchanges/{'e' * 32}"):
        page.goto(f"{house.url}{path}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, path
    assert refused == []
