"""A person who is erased leaves no value anywhere in the ledger; everybody else stays as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.engine import transaction
from retail_sync.ledger.erasing import erase, erase_mentions, start_over
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, HoldDraft, MirrorRow
from retail_sync.records.events import Hint
from retail_sync.transport.faces import Exchange
from tests.support.exchanges import kept_exchanges
from tests.support.links import pair

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = "customers/1"
ERASED = {"commercetools": {"online-gone"}, "lightspeed": {"till-gone"}}
PLANTED = "quastenflosser"
"""Is part of everything that is kept of the one who is erased, ids apart."""
OTHER = "mondschein"
"""Is part of everything that is kept of somebody else."""
NOTHING = {
    "mirror": 0,
    "links": 0,
    "exchanges": 0,
    "exchange bodies": 0,
    "changes": 0,
    "holds": 0,
    "evidence": 0,
    "decisions": 0,
    "inbox": 0,
}


@pytest.fixture
def kept(ledger: Ledger) -> Ledger:
    """A ledger that knows two people by everything it can know of somebody."""
    for run_id, entity in ((RUN, "customers"), ("products/1", "products")):
        ledger.runs.open(
            run_id, entity, dag_id=entity, airflow_run_id="manual__1", mode="full", params={"dry_run": False}
        )
    for name, value in (("gone", PLANTED), ("here", OTHER)):
        remember(ledger, name, value)
    return ledger


def remember(ledger: Ledger, name: str, value: str) -> None:
    """One linked person: rows, link, a settled change on each side, requests, holds, decisions, an event."""
    online, till = f"online-{name}", f"till-{name}"
    for system, record in (("commercetools", online), ("lightspeed", till)):
        row = MirrorRow(
            id=record,
            version=1,
            label=f"no-{value}",
            digest=f"digest-{value}",
            fields={"last_name": value},
            carry={"street": value},
            identity={"tokens": {"email": [value]}},
        )
        ledger.mirror.see("customers", "customer", system, RUN, [row])
    link = pair(
        online,
        till,
        "customers",
        "customer",
        base={"last_name": value},
        matched_by=f"email of {value}",
        resent={value: 1},
        run_id=RUN,
    )
    ledger.links.add([link])
    write = change(name, value, subject=f"lightspeed:{till}", source_id=online, target_id=till)
    create = change(name, value, subject=f"commercetools:{online}", source_id=online)
    ledger.changes.store([write, create])
    ledger.changes.settle(
        [
            ChangeOutcome(
                change_id=write.id, outcome="applied", exchange_ids=[f"x-{value}"], result_id=till,
                result_version=2, dropped=[["phone", value]],
            ),
            ChangeOutcome(
                change_id=create.id, outcome="failed", error_code="refused", error=f"{value} is refused",
                remedy=f"Mend {value}.",
            ),
        ]
    )  # fmt: skip
    with ledger.exchange_sink(RUN, "load[0]") as sink:
        for n, settled in enumerate((write, create)):
            sink.record(exchange(f"x{n}-{value}", value, settled.id))
    ledger.runs.settle(
        RUN,
        "customers",
        cursors={},
        holds=[
            HoldDraft(
                kind="customer", subject=f"lightspeed:{till}", code="several", message=f"{value} may be two",
                system="lightspeed", source_id=till, label=value, evidence={"values": [value]},
                release=f"Ask {value}.",
            )
        ],
    )  # fmt: skip
    ledger.decisions.add(
        "customers",
        [
            decision(f"commercetools:{online}", till, value),
            decision(f"lightspeed:{till}", "", value),
        ],
    )
    told = Hint("commercetools", "customer", f"event-{name}", ("customers",), resource_id=online)
    ledger.inbox.keep([told], ("customers",))


def change(name: str, value: str, **more: Any) -> ChangeRow:
    return ChangeRow(
        run_id=RUN, entity="customers", kind="customer", label=f"no-{value}", system="lightspeed",
        action="update", unit=f"unit-{name}", before={"last_name": value}, after={"last_name": f"{value} neu"},
        reasons={"last_name": f"{value} is newer"}, **more,
    )  # fmt: skip


def exchange(record: str, value: str, change_id: str) -> Exchange:
    return Exchange(
        id=record, system="lightspeed", method="PUT", url=f"https://till.example/customers?who={value}",
        status=200, started_at=NOON, elapsed=0.1, attempt=1, request_headers={"x-who": value},
        request_body=value, response_headers={"x-who": value}, response_body=value, correlation_id=value,
        error=value, context={"change": change_id},
    )  # fmt: skip


def decision(subject: str, field: str, value: str) -> Decision:
    return Decision(
        subject=subject, code="identity", field=field, verdict="approve", about="identity", by="Kim",
        note=f"I know {value}", run_id=RUN,
    )  # fmt: skip


def everything(ledger: Ledger) -> dict[str, list[str]]:
    """Every row of every table as text, by table."""
    with transaction(ledger.engine) as connection:
        names = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).scalars()
        return {
            name: sorted(connection.execute(text(f'SELECT one::text FROM "{name}" AS one')).scalars())
            for name in list(names)
        }


def holding(ledger: Ledger, value: str) -> dict[str, list[str]]:
    """The rows that hold a value, by table; tables without are left out."""
    found = {
        name: [row for row in rows if value in row.casefold()] for name, rows in everything(ledger).items()
    }
    return {name: rows for name, rows in found.items() if rows}


KEEPING = {"mirror", "links", "changes", "exchanges", "holds", "decisions"}


def test_no_table_holds_anything_of_who_was_erased(kept: Ledger) -> None:
    assert set(holding(kept, PLANTED)) == KEEPING, "the search finds what is planted"
    erase(kept.engine, "customers", ERASED)
    assert holding(kept, PLANTED) == {}


def test_the_rows_of_everybody_else_are_left_as_they_were(kept: Ledger) -> None:
    before = holding(kept, OTHER)
    assert set(before) == KEEPING
    erase(kept.engine, "customers", ERASED)
    assert holding(kept, OTHER) == before


def test_what_was_touched_is_counted_by_table(kept: Ledger) -> None:
    assert erase(kept.engine, "customers", ERASED) == {
        "mirror": 2,
        "links": 1,
        "exchanges": 2,
        "exchange bodies": 0,
        "changes": 2,
        "holds": 1,
        "evidence": 0,
        "decisions": 2,
        "inbox": 1,
    }


def test_a_change_keeps_which_id_when_and_what_came_of_it(kept: Ledger) -> None:
    before = {one.id: one for one in kept.changes.read(RUN) if one.unit == "unit-gone"}
    erase(kept.engine, "customers", ERASED)
    after = {one.id: one for one in kept.changes.read(RUN) if one.unit == "unit-gone"}
    assert set(after) == set(before) and len(after) == 2
    for which, now in after.items():
        then = before[which]
        for name in (
            "run_id", "subject", "system", "action", "source_id", "target_id", "result_id", "result_version",
            "planned_at", "attempted_at", "settled_at", "outcome", "error_code",
        ):  # fmt: skip
            assert getattr(now, name) == getattr(then, name), name
        assert (now.label, now.before, now.after, now.reasons) == (None, {}, {}, {})
        assert (list(now.dropped), now.error, now.remedy, list(now.exchange_ids)) == ([], None, None, [])
    assert {one.outcome for one in after.values()} == {"applied", "failed"}


@pytest.mark.parametrize("place", ["source_id", "target_id", "result_id"])
def test_a_change_of_another_subject_that_names_the_id_is_emptied_too(kept: Ledger, place: str) -> None:
    """A creation is planned under the subject of the side that has somebody, and results in the other id."""
    ids = {} if place == "result_id" else {place: "till-gone"}
    named = change("else", PLANTED, subject="lightspeed:somebody", **ids)
    kept.changes.store([named])
    if place == "result_id":
        kept.changes.settle([ChangeOutcome(change_id=named.id, outcome="applied", result_id="till-gone")])
    assert erase(kept.engine, "customers", ERASED)["changes"] == 3
    assert holding(kept, PLANTED) == {}


def test_evidence_of_somebody_elses_hold_that_names_the_id_is_dropped_and_the_hold_stays(
    kept: Ledger,
) -> None:
    def twin(subject: str, named: str) -> HoldDraft:
        return HoldDraft(
            kind="customer", subject=subject, code="twins", message="Two who look alike.",
            evidence={"profiles": [{"id": named, "alike": ["e-mail"]}]},
        )  # fmt: skip

    kept.runs.settle(
        RUN,
        "customers",
        cursors={},
        holds=[twin("lightspeed:twin", "till-gone"), twin("lightspeed:stranger", "till-other")],
    )
    assert erase(kept.engine, "customers", ERASED)["evidence"] == 1
    found = {hold.subject: hold.evidence for hold in kept.holds.open_holds("customers")}
    assert found["lightspeed:twin"] is None
    assert found["lightspeed:stranger"] == {"profiles": [{"id": "till-other", "alike": ["e-mail"]}]}


def test_requests_that_read_who_was_erased_among_others_lose_their_bodies(kept: Ledger) -> None:
    def read(record: str, url: str, body: str | None) -> Exchange:
        return replace(exchange(record, "?", ""), url=url, context={}, request_body=None, response_body=body)

    with kept.exchange_sink(RUN, "extract_lightspeed") as sink:
        sink.record(
            read("page", "https://till.example/customers?after=0", '[{"id":"till-gone","note":"***"}]')
        )
        sink.record(read("alone", "https://till.example/customers/till-gone", '{"note":"***"}'))
        sink.record(read("others", "https://till.example/customers?after=9", '[{"id":"till-here"}]'))
    with kept.exchange_sink("products/1", "extract_lightspeed") as sink:
        sink.record(read("product", "https://till.example/products", '[{"id":"till-gone"}]'))
    assert erase(kept.engine, "customers", ERASED)["exchange bodies"] == 2
    bodies = {
        one.id: one.response_body for one in kept_exchanges(kept, ids=["page", "alone", "others", "product"])
    }
    assert bodies == {
        "page": None,
        "alone": None,
        "others": '[{"id":"till-here"}]',
        "product": '[{"id":"till-gone"}]',
    }


def test_what_the_run_that_erases_decided_stays(kept: Ledger) -> None:
    out = replace(decision("lightspeed:till-gone", "", "?"), verdict="reject", run_id="forget/1")
    kept.decisions.add("customers", [out])
    assert erase(kept.engine, "customers", ERASED, run_id="forget/1")["decisions"] == 2
    found = kept.decisions.latest("customers", ["lightspeed:till-gone", "commercetools:online-gone"])
    assert [(one.subject, one.verdict) for one in found] == [("lightspeed:till-gone", "reject")]


def test_runs_of_that_entity_alone_start_over(kept: Ledger) -> None:
    for run_id in (RUN, "products/1"):
        kept.checkpoints.set(run_id, "extract_lightspeed", {"done": True})
    assert start_over(kept.engine, "customers") == 1
    assert kept.checkpoints.get(RUN, "extract_lightspeed") is None
    assert kept.checkpoints.get("products/1", "extract_lightspeed") == {"done": True}


def test_a_link_that_was_retired_is_erased_with_the_rest(kept: Ledger) -> None:
    (link,) = kept.links.read("customers", "customer", lightspeed_ids=["till-gone"])
    kept.links.retire(link.id)
    assert erase(kept.engine, "customers", ERASED)["links"] == 1
    assert holding(kept, PLANTED) == {}


def test_a_product_of_the_same_id_is_not_erased(kept: Ledger) -> None:
    row = MirrorRow(id="till-gone", version=1, label="SKU-1", digest="d", fields={"name": "Shirt"})
    kept.mirror.see("products", "product", "lightspeed", "products/1", [row])
    hold = HoldDraft(
        kind="product", subject="lightspeed:till-gone", code="x", message="y", evidence={"id": "till-gone"}
    )
    kept.runs.settle("products/1", "products", cursors={}, holds=[hold])
    erase(kept.engine, "customers", ERASED)
    assert [one.label for one in kept.mirror.read("products", "product", "lightspeed")] == ["SKU-1"]
    assert [one.evidence for one in kept.holds.open_holds("products")] == [{"id": "till-gone"}]


def test_an_id_is_erased_in_its_own_system_only(kept: Ledger) -> None:
    row = MirrorRow(id="online-gone", version=1, digest="d", fields={"last_name": "namesake"})
    kept.mirror.see("customers", "customer", "lightspeed", RUN, [row])
    erase(kept.engine, "customers", ERASED)
    left = kept.mirror.read("customers", "customer", "lightspeed", ids=["online-gone", "till-gone"])
    assert [one.fields for one in left] == [{"last_name": "namesake"}]


def test_erasing_twice_touches_nothing_more(kept: Ledger) -> None:
    first = erase(kept.engine, "customers", ERASED)
    between = everything(kept)
    again = erase(kept.engine, "customers", ERASED)
    assert {**again, "changes": 0} == NOTHING
    assert again["changes"] == first["changes"], "changes stay, and are emptied once more"
    assert everything(kept) == between


def test_erasing_nobody_erases_nothing(kept: Ledger) -> None:
    before = everything(kept)
    assert erase(kept.engine, "customers", {"commercetools": set(), "lightspeed": set()}) == NOTHING
    assert erase(kept.engine, "customers", {}) == NOTHING
    assert everything(kept) == before


# ------------------------------------------------------------ who is named in records that stay


MENTIONS = {
    "customer_id": "account-gone",
    "lines": [{"customer": "account-gone"}, {"customer": "account-here"}],
    "tokens": ["digest-gone", "digest-here"],
    "alone": ["digest-gone"],
    "last": ["digest-here", "digest-gone"],
    "total": 100,
    "text": 'says "account-gone", and more',
    "account-gone-2": "account-gone-2",
}
TAKEN_OUT = {
    **MENTIONS,
    "customer_id": None,
    "lines": [{"customer": None}, {"customer": "account-here"}],
    "tokens": ["digest-here"],
    "alone": [],
    "last": ["digest-here"],
}


def test_who_is_named_in_documents_that_stay_is_taken_out_of_them(ledger: Ledger) -> None:
    for run_id, entity in (("orders/1", "orders"), ("products/1", "products")):
        ledger.runs.open(run_id, entity, dag_id=entity, airflow_run_id="1", mode="full", params={})
        row = MirrorRow(id="order-1", version=1, digest="d", fields={}, carry={"document": MENTIONS})
        ledger.mirror.see(entity, "order", "commercetools", run_id, [row])
    ledger.links.add(
        [
            pair("order-1", "sale-1", "orders", "sale", base=MENTIONS, matched_by="created")
        ]
    )  # fmt: skip
    change = ChangeRow(
        run_id="orders/1", entity="orders", kind="order", subject="commercetools:order-1",
        system="lightspeed", action="sell", unit="order-1", after={"sale": MENTIONS},
    )  # fmt: skip
    ledger.changes.store([change])
    hold = HoldDraft(
        kind="order", subject="commercetools:order-1", code="unpaid", message="-",
        evidence={"customer": "account-gone"},
    )  # fmt: skip
    ledger.runs.settle("orders/1", "orders", cursors={}, holds=[hold])
    found = erase_mentions(ledger.engine, "orders", ["account-gone", "digest-gone"])
    assert {table for table, count in found.items() if count} == {"mirror", "links", "changes", "holds"}
    (row,) = ledger.mirror.read("orders", "order", "commercetools")
    assert row.carry == {"document": TAKEN_OUT}
    (link,) = ledger.links.read("orders", "sale")
    assert link.base == TAKEN_OUT
    assert ledger.changes.read("orders/1")[0].after == {"sale": TAKEN_OUT}
    assert ledger.holds.open_holds("orders")[0].evidence == {"customer": None}
    (other,) = ledger.mirror.read("products", "order", "commercetools")
    assert other.carry == {"document": MENTIONS}, "of another entity"
    assert not any(erase_mentions(ledger.engine, "orders", ["account-gone", "digest-gone"]).values())


def test_requests_that_name_somebody_lose_their_bodies_and_those_of_other_entities_keep_them(
    ledger: Ledger,
) -> None:
    for entity in ("orders", "products"):
        ledger.runs.open(f"{entity}/1", entity, dag_id=entity, airflow_run_id="1", mode="full", params={})
        with ledger.exchange_sink(f"{entity}/1", "load") as sink:
            for who in ("account-gone", "account-here"):
                sink.record(exchange(f"{entity} {who}", who, "change"))
    assert erase_mentions(ledger.engine, "orders", ["account-gone"])["exchange bodies"] == 1
    with transaction(ledger.engine) as connection:
        bodies = connection.execute(
            text("SELECT run_id, request_body FROM exchanges WHERE request_body IS NOT NULL")
        ).all()
    assert sorted(map(tuple, bodies)) == [
        ("orders/1", "account-here"),
        ("products/1", "account-gone"),
        ("products/1", "account-here"),
    ]
