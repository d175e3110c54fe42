"""What people look up is found by indexes: no page makes the database read a big table through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.queries.records import Address, both_sides
from retail_sync.ledger.queries.runs import Browsing, ChangeFilter, RunFilter
from retail_sync.ledger.queries.search import Searching
from retail_sync.ledger.queries.timeline import Place, Records, Timeline, Wanted
from retail_sync.ledger.rows import MirrorRow
from retail_sync.ledger.skus import exact_skus, find_skus, last_writes
from tests.benchmarks.consoleledger import BIG, ENTITIES, NOW, Sizes, count, fill, read_through

SIZES = Sizes(changes=20_000, exchanges=20_000, holds=20_000, mirror=20_000, events=20_000, decisions=1_000)
SEARCHED_BY = ("ix_mirror_sku", "ix_mirror_name", "ix_mirror_key", "ix_mirror_barcodes", "ix_mirror_email")
PAIR = 4_321
"""A variant. Its product is 4325, and there are a customer 4327, an order 4328 and a sale 4329."""


def id_of(side: str, pair: int = PAIR) -> str:
    return str(UUID(md5(f"{side}{pair}".encode(), usedforsecurity=False).hexdigest()))


@pytest.fixture(scope="module")
def full(module_ledger_url: str) -> Iterator[Ledger]:
    """A ledger in which the database would rather not read tables through."""
    with Ledger.open(module_ledger_url) as ledger:
        fill(ledger.engine, SIZES)
        yield ledger


def test_the_ledger_is_as_full_as_it_says(full: Ledger) -> None:
    found = {table: count(full.engine, table) for table in BIG}
    assert min(found.values()) >= SIZES.mirror // 2, found


@pytest.mark.parametrize("condition", ["error = 'x'", "lower(subject) = 'x'"])
def test_reading_a_table_through_is_noticed(full: Ledger, condition: str) -> None:
    def ask() -> None:
        with full.engine.connect() as connection:
            connection.execute(text(f"SELECT count(*) FROM changes WHERE {condition}"))

    [told] = read_through(full.engine, ask)
    assert told.startswith("changes: ") and " 20000 rows: SELECT count(*)" in told


@pytest.mark.parametrize(
    ("typed", "how", "pair"),
    [
        (f"sku-{PAIR:07}", "sku", PAIR),
        (f"40063{PAIR:08}", "barcode", PAIR),
        (f"0040063{PAIR:08}", "barcode", PAIR),
        ("product-4325", "key", 4325),
        ("product NUMBER 4325", "name", 4325),
        ("K-4327", "number", 4327),
        ("FB-4328", "number", 4328),
        ("POS-4329", "number", 4329),
        (id_of("c"), "id", PAIR),
        (id_of("l").upper(), "id", PAIR),
        (f"lightspeed:{id_of('l')}", "id", PAIR),
        (str(UUID(md5(b"entry4321", usedforsecurity=False).hexdigest())), "entry", PAIR),
        (str(UUID(md5(b"link4321", usedforsecurity=False).hexdigest())), "link", PAIR),
    ],
)
def test_a_record_is_found_by_whatever_it_is_called(full: Ledger, typed: str, how: str, pair: int) -> None:
    searching = Searching(full.engine)
    found = searching.find(typed, ENTITIES)
    assert {one.how for one in found.exact} == {how}
    assert {one.id for one in found.exact} <= {id_of("c", pair), id_of("l", pair)}
    if typed.startswith("lightspeed:"):
        other = searching.find(f"commercetools:{id_of('l')}", ENTITIES)
        assert other.records == (), "the other system has no such id"
    assert searching.partners(found.exact) == {
        ("commercetools", id_of("c", pair)),
        ("lightspeed", id_of("l", pair)),
    }
    assert read_through(full.engine, lambda: searching.find(typed, ENTITIES)) == []
    assert read_through(full.engine, lambda: searching.partners(found.exact)) == []


@pytest.mark.parametrize(
    "typed", ["sku-00043", "product-43", "Product number 43", "FB-43", "%", "no such thing"]
)
def test_beginnings_are_found_by_an_index(full: Ledger, typed: str) -> None:
    searching = Searching(full.engine)
    found = searching.find(typed, ENTITIES)
    assert bool(found.records) == (typed[0] not in "%n")
    assert all(one.begins for one in found.records)
    named = [one for one in found.records if one.how != "key"]
    assert all((one.label or "").casefold().startswith(typed.casefold()) for one in named)
    assert read_through(full.engine, lambda: searching.find(typed, ENTITIES)) == []


def test_codes_runs_changes_and_requests_are_found_by_an_index(full: Ledger) -> None:
    searching = Searching(full.engine)
    change = f"01a21dba-0000-7000-8000-{PAIR:012x}"
    request = md5(b"exchange4321", usedforsecurity=False).hexdigest()
    assert (code := searching.find("conflict", ENTITIES).code) and code.holds == 1_001
    with full.engine.connect() as connection:
        still = "SELECT count(*) FROM holds WHERE code = 'conflict' AND released_at IS NULL"
        assert code.open_holds == connection.execute(text(still)).scalar_one() > 0, "old ones, too"
    assert (code := searching.find("DuplicateField", ENTITIES).code) and code.changes == 67
    assert [one.id for one in searching.find("orders/4", ENTITIES).runs] == ["orders/4"]
    assert [one.id for one in searching.find("scheduled__4", ENTITIES).runs] == ["orders/4"]
    assert (found := searching.find(change, ENTITIES).change) and found.id == change
    assert (met := searching.find(request, ENTITIES).exchange) and met.entity == "products"
    for typed in ("conflict", "DuplicateField", "orders/4", "scheduled__4", change, request):
        assert read_through(full.engine, lambda typed=typed: searching.find(typed, ENTITIES)) == [], typed


def test_who_bears_an_address_is_found_by_an_index(full: Ledger) -> None:
    searching = Searching(full.engine)
    digest = "~" + md5(b"mail4327", usedforsecurity=False).hexdigest()[:24]
    assert {one.id for one in searching.bearing([digest])} == {id_of("c", 4327), id_of("l", 4327)}
    assert read_through(full.engine, lambda: searching.bearing([digest])) == []
    subjects = [f"commercetools:{id_of('c', 4327)}"]
    assert read_through(full.engine, lambda: searching.records(subjects, ["customers"])) == []


VARIANT = Records(
    ids=frozenset({("commercetools", id_of("c")), ("lightspeed", id_of("l"))}),
    told=frozenset({("commercetools", id_of("c", 4325))}),
)
SOME = ("prices", "sales")
ASKED: dict[str, dict[str, Any]] = {
    "what happened last": {},
    "of some entities": {"entities": SOME},
    "changes": {"whats": ("change",)},
    "failed changes": {"outcomes": ("failed",)},
    "failed changes of one entity in one system": {
        "entities": ("prices",), "systems": ("lightspeed",), "outcomes": ("failed",),
    },
    "holds": {"whats": ("hold",)},
    "open holds": {"hold_state": "open"},
    "released holds": {"hold_state": "released"},
    "decisions": {"whats": ("decision",)},
    "events": {"whats": ("event",)},
    "requests": {"whats": ("exchange",), "everything_seen": True},
    "refused requests": {"answer": "refused", "everything_seen": True},
    "requests of some entities": {"whats": ("exchange",), "entities": SOME},
    "requests of a run": {"run_id": "orders/4", "whats": ("exchange", "hold")},
    "a code of holds": {"code": "conflict"},
    "a code of refusals": {"code": "DuplicateField"},
    "a record": {"records": VARIANT},
    "requests of a record": {"records": VARIANT, "whats": ("exchange",)},
    "what failed of a record": {"records": VARIANT, "outcomes": ("failed",)},
    "a day": {"since": NOW - timedelta(days=40), "until": NOW - timedelta(days=39)},
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_timelines_follow_indexes_on_every_page(full: Ledger, name: str) -> None:
    timeline = Timeline(full.engine)
    wanted = Wanted(**({"entities": ENTITIES} | ASKED[name]))
    first = timeline.page(wanted, None, 50)
    assert first.rows or name == "what failed of a record"
    assert read_through(full.engine, lambda: timeline.page(wanted, None, 50)) == []
    later = first.next or Place(NOW - timedelta(days=30), "hold", "77")
    assert read_through(full.engine, lambda: timeline.page(wanted, later, 50)) == []


def test_a_record_on_both_sides_is_read_by_indexes(full: Ledger) -> None:
    for address in (
        Address("products", "variant", "commercetools", id_of("c")),
        Address("inventory", "stock", "lightspeed", id_of("l")),
        Address("products", "product", "lightspeed", id_of("l", 4325)),
        Address("customers", "customer", "lightspeed", id_of("l", 4327)),
        Address("orders", "sale", "lightspeed", id_of("l", 4328)),
    ):
        found = both_sides(full.engine, address)
        assert found is not None and set(found.sides) == {"commercetools", "lightspeed"}, address
        assert read_through(full.engine, lambda address=address: both_sides(full.engine, address)) == []
    stranger = Address("products", "variant", "commercetools", "nobody")
    assert both_sides(full.engine, stranger) is None
    assert read_through(full.engine, lambda: both_sides(full.engine, stranger)) == []


def test_counts_changes_and_requests_are_read_by_indexes(full: Ledger) -> None:
    timeline = Timeline(full.engine)
    wanted = Wanted(entities=ENTITIES, records=VARIANT)
    assert timeline.counts(wanted)["change"] == 2
    assert read_through(full.engine, lambda: timeline.counts(wanted)) == []
    change = timeline.change(f"01a21dba-0000-7000-8000-{PAIR:012x}")
    assert change is not None
    assert len(timeline.exchanges_of(change, 50)) == 1
    assert read_through(full.engine, lambda: timeline.exchanges_of(change, 50)) == []
    request = md5(b"exchange4321", usedforsecurity=False).hexdigest()
    assert timeline.exchange(request) is not None
    assert read_through(full.engine, lambda: timeline.exchange(request)) == []


def test_the_other_pages_follow_indexes_too(full: Ledger) -> None:
    engine, browsing = full.engine, Browsing(full.engine)
    sku = f"SKU-{PAIR:07}"
    for ask in (
        lambda: find_skus(engine, "sku-00043", 25),
        lambda: exact_skus(engine, [sku]),
        lambda: last_writes(engine, [sku]),
        lambda: browsing.runs(RunFilter(entities=ENTITIES), None, 50),
        lambda: browsing.runs_of("orders", "scheduled__4"),
        lambda: browsing.changes("orders/4", ChangeFilter(), None, 50),
        lambda: browsing.count("orders/4", ChangeFilter(outcome="failed")),
        lambda: browsing.fields("orders/4"),
        lambda: browsing.holds_of("orders/4", 0, 50),
    ):
        assert read_through(engine, ask) == []


@pytest.mark.parametrize(
    ("entity", "kind", "system"),
    [
        ("products", "variant", "lightspeed"),
        ("products", "product", "commercetools"),
        ("customers", "customer", "lightspeed"),
        ("orders", "order", "commercetools"),
        ("orders", "sale", "lightspeed"),
        ("sales", "sale", "lightspeed"),
    ],
)
def test_the_engine_reads_by_ids_even_before_the_database_knows_its_tables(
    ledger: Ledger, run_id: str, entity: str, kind: str, system: str
) -> None:
    """Without statistics the database takes every table for a few rows. An index that holds just the rows of a kind
    looks cheaper to it than the primary key, and then each row is compared with every id: the square of the shop."""
    with ledger.engine.begin() as connection:
        connection.execute(text("ALTER TABLE mirror SET (autovacuum_enabled = false)"))
    rows = [
        MirrorRow(
            id=str(n), version=1, label=f"L-{n}", digest="d", fields={"barcodes": [str(n)]},
            identity={"key": f"k-{n}", "number": f"n-{n}", "tokens": {"email": [f"~{n}"]}},
        )
        for n in range(3_000)
    ]  # fmt: skip
    for _ in range(2):
        ledger.mirror.see(entity, kind, system, run_id, rows)
    assert len(ledger.mirror.read(entity, kind, system, ids=[row.id for row in rows])) == len(rows)
    with ledger.engine.connect() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        connection.commit()
        scans = dict(
            connection.execute(
                text("SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE relname = 'mirror'")
            ).all()  # type: ignore[arg-type]
        )
    ours = {name: count for name, count in scans.items() if name in SEARCHED_BY}
    assert ours == dict.fromkeys(SEARCHED_BY, 0)
    assert scans["pk_mirror"] > 0
