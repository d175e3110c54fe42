"""The console on a ledger with a million changes and a million requests, 200,000 holds and 200,000 mirrored records.

Every kind of search, timelines and the first pages of the others over HTTP, one after the other, each time with another
record, after three that warm up. Times are printed, and held below what a person would notice.
`RETAIL_SYNC_BENCH_CONSOLE` makes the ledger smaller (a share, such as 0.1).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from sqlalchemy import text

from demo.postgres import EmbeddedPostgres
from demo.sandbox import settings_of_shop
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.migrate import upgrade
from retail_sync.records.sealing import Seal
from retail_sync.settings.models import SyncSettings
from sandbox.shop import SAMPLE_SHOP, load_shop
from sandbox.shop.config import default_config
from tests.benchmarks.consoleledger import BIG, ENTITIES, count, fill, one_of, read_through
from tests.benchmarks.reporting import tell
from tests.ledger.test_console_plans import id_of
from tests.support.console_app import House, form_token, house_of
from tests.support.runs import KEY

pytestmark = pytest.mark.benchmark

SIZES = one_of(float(os.environ.get("RETAIL_SYNC_BENCH_CONSOLE", "1")))
ROUNDS = 40
NOTICED_MS = 1_000
EMAIL = "mara.beispiel@example.com"


@pytest.fixture(scope="module")
def crowded(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    postgres.create_database("crowded")
    url = postgres.url("crowded")
    upgrade(url)
    found = settings_of_shop(default_config(load_shop(SAMPLE_SHOP)), with_orders=True)
    settings = SyncSettings.model_validate(found)
    with Ledger.open(url) as ledger:
        began = time.monotonic()
        fill(ledger.engine, SIZES)
        seal = Seal(ledger.secret(KEY, "customers"), settings.customers.hash)
        [digest] = seal.tokens({"email": EMAIL})["email"]
        with ledger.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE mirror SET identity = jsonb_build_object('tokens', jsonb_build_object('email', "
                    "jsonb_build_array(CAST(:digest AS text)))) WHERE entity = 'customers' AND id = ANY(:ids)"
                ),
                {"digest": digest, "ids": [id_of("c", 7), id_of("l", 7)]},
            )
        sizes = ", ".join(f"{count(ledger.engine, table):,} {table}" for table in BIG)
        tell([f"the ledger: {sizes}; filled in {time.monotonic() - began:.0f} s"])
        with house_of(ledger, settings, tmp_path_factory.mktemp("crowded")) as house:
            yield house
    postgres.drop_database("crowded")


def _pair(chance: random.Random, ending: int) -> int:
    """A pair of a kind: up to 4 a variant, 5 and 6 a product, 7 a customer, 8 an order, 9 a sale."""
    return chance.randrange(SIZES.pairs // 10) * 10 + ending


def _run(chance: random.Random) -> str:
    n = chance.randrange(SIZES.runs)
    return f"{ENTITIES[n % len(ENTITIES)]}/{n}"


Ask = Callable[[random.Random], str]
SEARCHES: dict[str, Ask] = {
    "by SKU": lambda chance: f"/search?q=SKU-{_pair(chance, 3):07}",
    "by the beginning of a SKU": lambda chance: f"/search?q=sku-{_pair(chance, 3) // 100:05}",
    "by barcode": lambda chance: f"/search?q=40063{_pair(chance, 3):08}",
    "by product key": lambda chance: f"/search?q=product-{_pair(chance, 5)}",
    "by product name": lambda chance: f"/search?q=product+number+{_pair(chance, 5)}",
    "by order number": lambda chance: f"/search?q=FB-{_pair(chance, 8)}",
    "by receipt number": lambda chance: f"/search?q=POS-{_pair(chance, 9)}",
    "by an id of commercetools": lambda chance: f"/search?q={id_of('c', _pair(chance, 3))}",
    "by an id of Lightspeed": lambda chance: f"/search?q={id_of('l', _pair(chance, 5))}",
    "by run": lambda chance: f"/search?q={_run(chance)}",
    "by Airflow's run": lambda chance: f"/search?q=scheduled__{chance.randrange(SIZES.runs)}",
    "by change": lambda chance: f"/search?q=01a21dba-0000-7000-8000-{chance.randrange(SIZES.changes):012x}",
    "by code of holds": lambda chance: f"/search?q={chance.choice(['conflict', 'ambiguous', 'waiting'])}",
    "by code of refusals": lambda chance: f"/search?q={chance.choice(['InvalidField', 'DuplicateField'])}",
    "by nothing there is": lambda chance: f"/search?q=nothing-{chance.random()}",
    "what happened last": lambda chance: "/search",
    "failed changes of one entity and system": lambda chance: (
        f"/search?outcome=failed&system=lightspeed&entity={chance.choice(ENTITIES[:2])}"
    ),
    "open holds": lambda chance: "/search?outcome=open",
    "requests": lambda chance: "/search?what=exchange",
    "refused requests": lambda chance: "/search?outcome=refused",
    "requests of one entity": lambda chance: f"/search?what=exchange&entity={chance.choice(ENTITIES)}",
    "an hour of one day": lambda chance: (
        f"/search?since=2026-10-{chance.randrange(1, 28):02}T10:00&until=2026-10-28T11:00"
    ),
    "far back": lambda chance: (
        f"/search?after=2026-09-{chance.randrange(2, 28):02}T10:00:00%2B00:00|hold|{chance.randrange(10_000)}"
    ),
}
WITHOUT_ROWS = ("by run", "by Airflow's run", "by change", "by nothing there is")
"""Searches that need not come to a timeline: changes of runs are on their own page."""
PAGES: dict[str, Ask] = {
    "the life of a variant": lambda chance: (
        f"/records/products/variant/commercetools/{id_of('c', _pair(chance, 3))}"
    ),
    "the life of a product": lambda chance: (
        f"/records/products/product/lightspeed/{id_of('l', _pair(chance, 5))}"
    ),
    "the life of a customer": lambda chance: (
        f"/records/customers/customer/lightspeed/{id_of('l', _pair(chance, 7))}"
    ),
    "a change with its requests": lambda chance: (
        f"/changes/01a21dba-0000-7000-8000-{chance.randrange(SIZES.changes):012x}"
    ),
    "overview": lambda chance: "/",
    "holds": lambda chance: "/holds",
    "runs": lambda chance: "/runs",
    "a run": lambda chance: f"/runs/{_run(chance)}",
}
"""Stock and drift are not among them: what they show comes from files of runs, and from reconciliations."""


def measured(ask: Callable[[random.Random], httpx.Response], holds: str = "") -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, after three that warm up. `holds`: what every answer has to hold: an
    empty page is no measure."""
    chance = random.Random(8)
    took = []
    for turn in range(ROUNDS + 3):
        began = time.perf_counter()
        answer = ask(chance)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (200, 303), f"{answer.request.url}: {answer.status_code}"
        assert holds in answer.text, f"{answer.request.url} found nothing"
        if turn == 2:
            took.clear()
    took.sort()
    return took[ROUNDS // 2], took[int(ROUNDS * 0.95)]


def report(title: str, found: dict[str, tuple[float, float]]) -> None:
    rows = [f"| {name} | {half:.0f} | {most:.0f} |" for name, (half, most) in found.items()]
    tell([title, "", f"| {title} | median ms | p95 ms |", "| --- | --- | --- |", *rows])
    slow = {name: round(most) for name, (_, most) in found.items() if most > NOTICED_MS}
    assert not slow, f"a person would notice: {slow}"


def test_searches(crowded: House) -> None:
    with crowded.client() as client:
        found = {
            name: measured(
                lambda chance, ask=ask: client.get(ask(chance)),  # type: ignore[misc]
                "" if name in WITHOUT_ROWS else '<ol class="life">',
            )
            for name, ask in SEARCHES.items()
        }
        token = form_token(client.get("/search").text)

        def by_email(_: random.Random) -> httpx.Response:
            answer = client.post("/search", data={"q": EMAIL, "form_token": token})
            assert "/records/customers/" in answer.headers["location"]
            return answer

        found["by e-mail address"] = measured(by_email)
    report("search", found)


def test_pages(crowded: House) -> None:
    with crowded.client() as client:
        found = {
            name: measured(lambda chance, ask=ask: client.get(ask(chance)), "<table")  # type: ignore[misc]
            for name, ask in PAGES.items()
        }
    report("page", found)


@pytest.mark.parametrize("name", [*SEARCHES, *list(PAGES)[:4]])
def test_no_search_and_no_timeline_reads_a_table_through(crowded: House, name: str) -> None:
    """At this size the database may plan otherwise than in a small one."""
    ask = (SEARCHES | PAGES)[name]
    with crowded.client() as client:
        assert read_through(crowded.ledger.engine, lambda: client.get(ask(random.Random(5)))) == []


def test_what_the_indexes_take(crowded: House) -> None:
    """Megabytes of the tables and of what lies beside them."""
    with crowded.ledger.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT relname, pg_table_size(relid) / 1048576 AS rows, pg_indexes_size(relid) / 1048576 AS indexes "
                "FROM pg_stat_user_tables WHERE relname = ANY(:big) ORDER BY relname"
            ),
            {"big": list(BIG)},
        ).all()
    tell(
        [
            "| table | MiB | indexes MiB |",
            "| --- | --- | --- |",
            *(f"| {r[0]} | {r[1]} | {r[2]} |" for r in rows),
        ]
    )
    assert rows
