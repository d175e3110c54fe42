"""The mirror shows the newest that was seen, never what came late."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.types import digest

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_entities = count(1)


def row(id: str = "a", *, version: int | None = 1, name: str = "Mug", **more: Any) -> MirrorRow:
    fields = {"name.en": name}
    return MirrorRow(id=id, version=version, fields=fields, digest=digest(fields), label=name, **more)


def see(ledger: Ledger, *rows: MirrorRow) -> Any:
    return ledger.mirror.see("products", "variant", "lightspeed", "run-1", rows)


def stored(ledger: Ledger) -> dict[str, MirrorRow]:
    return {one.id: one for one in ledger.mirror.read("products", "variant", "lightspeed")}


def test_a_row_comes_back_as_it_was_given(ledger: Ledger) -> None:
    given_row = row(
        version=2**62,
        parent_id="p",
        modified_at=NOON,
        carry={"slug": "mug", "nested": [1, None, "x"]},
        identity={"key": "K-1", "listed": True, "currency": "EUR"},
    )
    see(ledger, given_row)
    back = stored(ledger)["a"]
    assert back.seen_at is not None
    for name in (
        "id",
        "parent_id",
        "version",
        "modified_at",
        "deleted_at",
        "label",
        "digest",
        "fields",
        "carry",
        "identity",
    ):
        assert getattr(back, name) == getattr(given_row, name), name
    assert (back.run_id, back.deletion) == ("run-1", None)


def test_counts_tell_new_changed_same_and_older_apart(ledger: Ledger) -> None:
    see(ledger, row("same"), row("changed"), row("older", version=5), row("remapped"))
    counts = see(
        ledger,
        row("same", version=2),
        row("changed", version=2, name="Cup"),
        row("older", version=4, name="Past"),
        row("remapped", version=1, name="Same version, mapped anew"),
        row("new"),
    )
    assert (counts.new, counts.changed, counts.same, counts.older) == (1, 2, 1, 1)
    assert counts.older_ids == ("older",)
    assert stored(ledger)["older"].label == "Mug"
    assert stored(ledger)["same"].version == 2


def test_a_deletion_counts_as_a_change_and_says_who_told(ledger: Ledger) -> None:
    see(ledger, row())
    assert see(ledger, row(version=2, deleted_at=NOON)).changed == 1
    assert stored(ledger)["a"].deletion == "source"


def test_of_an_id_met_on_two_pages_the_newest_row_counts_once(ledger: Ledger) -> None:
    counts = see(ledger, row(version=2, name="New"), row(version=1, name="Old"))
    assert (counts.new, counts.older) == (1, 0)
    assert stored(ledger)["a"].label == "New"


def test_without_versions_time_decides(ledger: Ledger) -> None:
    see(ledger, row(version=None, modified_at=NOON))
    assert see(ledger, row(version=None, modified_at=NOON - timedelta(seconds=1), name="Late")).older == 1
    assert see(ledger, row(version=None, modified_at=NOON, name="Now")).changed == 1


def test_a_row_that_cannot_be_placed_never_replaces_one_that_can(ledger: Ledger) -> None:
    see(ledger, row("v", version=3), row("t", version=None, modified_at=NOON))
    counts = see(ledger, row("v", version=None, name="?"), row("t", version=None, name="?"))
    assert counts.older_ids == ("t", "v")
    see(ledger, row("nothing", version=None))
    assert see(ledger, row("nothing", version=None, name="?")).changed == 1


def test_characters_postgresql_cannot_store_do_not_stop_the_other_rows(ledger: Ledger) -> None:
    bad = "nul\x00 lone\ud800 escaped \\u0000 NaN"
    see(
        ledger,
        MirrorRow(
            id="bad", version=1, label=bad, digest="d", fields={"name.en": bad, "attr.n": float("nan")}
        ),
        row("good"),
    )
    rows = stored(ledger)
    assert set(rows) == {"bad", "good"}
    assert rows["bad"].label == "nul\ufffd lone\ufffd escaped \\u0000 NaN"
    assert rows["bad"].fields == {"name.en": rows["bad"].label, "attr.n": "nan"}


def test_reading_narrows_to_ids_or_parents(ledger: Ledger) -> None:
    see(ledger, row("a", parent_id="p"), row("b", parent_id="p"), row("c", parent_id="q"), row("d"))
    read = ledger.mirror.read
    of = ("products", "variant", "lightspeed")
    assert [r.id for r in read(*of, ids=["c", "a", "none"])] == ["a", "c"]
    assert [r.id for r in read(*of, parents={"p"})] == ["a", "b"]
    assert [r.id for r in read(*of, ids=["d"], parents=["q"])] == ["c", "d"]
    assert read(*of, ids=[]) == []
    assert read("products", "variant", "commercetools") == []


def test_sides_and_kinds_do_not_mix(ledger: Ledger) -> None:
    see(ledger, row())
    ledger.mirror.see("products", "product", "lightspeed", "run-1", [row(name="The family")])
    assert stored(ledger)["a"].label == "Mug"


def test_what_a_complete_read_did_not_meet_is_told_and_stays_as_it_was(ledger: Ledger) -> None:
    see(ledger, row("here"), row("missing"), row("long gone", deleted_at=NOON))
    begun = ledger.now()
    see(ledger, row("created meanwhile"))
    of = ("products", "variant", "lightspeed")
    assert ledger.mirror.unmet(*of, ["here", "never seen"], seen_before=begun) == {"missing"}
    assert stored(ledger)["missing"].deleted_at is None


def test_only_what_is_proven_to_be_gone_is_marked_and_something_newer_brings_it_back(ledger: Ledger) -> None:
    see(ledger, row("here"), row("gone"), row("long gone", deleted_at=NOON))
    of = ("products", "variant", "lightspeed")
    at = ledger.now()
    assert ledger.mirror.mark_gone(*of, ["gone", "long gone", "never seen"], at) == ["gone"]
    rows = stored(ledger)
    assert (rows["gone"].deletion, rows["gone"].deleted_at) == ("vanished", at)
    assert (rows["here"].deletion, rows["long gone"].deletion) == (None, "source")
    assert ledger.mirror.buried(*of, ["here", "gone"]) == {"gone": rows["gone"].version}
    see(ledger, row("gone", version=2))
    assert stored(ledger)["gone"].deleted_at is None


def test_a_parent_goes_with_its_last_child(ledger: Ledger) -> None:
    of = ("products", "product", "lightspeed")
    see(ledger, row("a", parent_id="p"), row("b", parent_id="p"), row("c", parent_id="q"))
    ledger.mirror.see(*of, "run-1", [row("p"), row("q")])
    at = ledger.now()
    for gone, parents in (["a"], []), (["b", "c"], ["p", "q"]):
        ledger.mirror.mark_gone("products", "variant", "lightspeed", gone, at)
        assert ledger.mirror.mark_childless(*of, "variant", gone, at) == parents


@pytest.fixture(scope="module")
def shared(postgres: Any) -> Iterator[Ledger]:
    from retail_sync.ledger import upgrade

    postgres.create_database("mirror_property")
    url = postgres.url("mirror_property")
    upgrade(url)
    with Ledger.open(url) as ledger:
        yield ledger
    postgres.drop_database("mirror_property")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pages=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), max_size=5), min_size=1, max_size=6
    )
)
def test_older_never_wins_in_whatever_order_pages_arrive(
    shared: Ledger, pages: list[list[tuple[str, int]]]
) -> None:
    entity = f"e{next(_entities)}"
    newest: dict[str, int] = {}
    for page in pages:
        rows = [row(id, version=version, name=f"{id} at {version}") for id, version in page]
        counts = shared.mirror.see(entity, "variant", "lightspeed", "run-1", rows)
        tops = {id: max(version for other, version in page if other == id) for id, _ in page}
        assert counts.older_ids == tuple(sorted(id for id, top in tops.items() if top < newest.get(id, 0)))
        assert counts.new + counts.changed + counts.same + counts.older == len(tops)
        for id, top in tops.items():
            newest[id] = max(top, newest.get(id, 0))
    held = {r.id: (r.version, r.label) for r in shared.mirror.read(entity, "variant", "lightspeed")}
    assert held == {id: (version, f"{id} at {version}") for id, version in newest.items()}


def test_a_backfill_beside_a_delta_neither_deadlocks_nor_puts_back_older_rows(ledger: Ledger) -> None:
    ids = [f"id-{n:04}" for n in range(400)]

    def write(version: int) -> None:
        order = ids if version % 2 else ids[::-1]
        see(ledger, *(row(id, version=version, name=f"at {version}") for id in order))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [3, 8, 1, 6, 2, 7, 5, 4]))
    assert {r.version for r in stored(ledger).values()} == {8}
    assert {r.label for r in stored(ledger).values()} == {"at 8"}


@pytest.mark.benchmark
def test_fifteen_thousand_variants_go_in_within_seconds_and_come_out(ledger: Ledger) -> None:
    rows = [
        row(f"id-{n}", parent_id=f"p-{n // 3}", name=f"Mug {n}", carry={"v": n}, modified_at=NOON)
        for n in range(15_000)
    ]
    began = time.perf_counter()
    assert see(ledger, *rows).new == 15_000
    first = time.perf_counter() - began
    began = time.perf_counter()
    assert see(ledger, *rows).same == 15_000
    again = time.perf_counter() - began
    began = time.perf_counter()
    assert len(stored(ledger)) == 15_000
    print(
        f"mirror, 15,000 rows: new {first:.2f} s, again {again:.2f} s, read {time.perf_counter() - began:.2f} s"
    )
    assert max(first, again) < 10, "a shared machine may be slow, but not that slow"


def test_rows_are_found_by_the_keys_they_bear(ledger: Ledger) -> None:
    def keys_of(one: MirrorRow) -> list[str]:
        return [f"name:{one.label}", *(f"code:{code}" for code in one.fields.get("codes", ()))]

    long = "x" * 5_000
    rows = [
        MirrorRow(id=str(n), label=name, digest="", fields={"codes": codes})
        for n, (name, codes) in enumerate([("Mug", ["1", "2"]), ("Cup", ["2"]), (long, []), ("Nul\x00", [])])
    ]
    ledger.mirror.see("products", "variant", "lightspeed", "run-1", rows, keys_of)
    ledger.mirror.see("products", "variant", "commercetools", "run-1", rows[:1], keys_of)
    ledger.mirror.see("prices", "variant", "commercetools", "run-1", rows[:1])

    def bearers(*keys: str) -> Any:
        return ledger.mirror.bearers("products", "variant", keys)

    assert bearers() == bearers("code:3") == {}
    assert bearers("code:2") == {"lightspeed": {"0", "1"}, "commercetools": {"0"}}
    assert bearers(f"name:{long}") == {"lightspeed": {"2"}}
    assert bearers("name:Nul\x00") == {"lightspeed": {"3"}}
    assert ledger.mirror.keys("products", "variant", {"lightspeed": ["1"], "commercetools": []}) == {
        "name:Cup",
        "code:2",
    }
    # Many rows go another way in; a row that is seen again bears what it bears now.
    many = [MirrorRow(id=str(n), label="Mug", digest="", fields={"codes": [str(n)]}) for n in range(150)]
    ledger.mirror.see("products", "variant", "lightspeed", "run-2", many, keys_of)
    assert bearers("code:2") == {"lightspeed": {"2"}, "commercetools": {"0"}}
    assert bearers("code:149") == {"lightspeed": {"149"}}
