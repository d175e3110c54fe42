"""Events are kept once for each entity they concern, seen by the next run, and done only when that has settled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from retail_sync.ledger import Ledger, inbox
from retail_sync.records.events import Hint

ALL = ("inventory", "orders", "products", "sales")


def hint(event_id: str, *entities: str, source: str = "lightspeed") -> Hint:
    return Hint(source, "sale.update", event_id, entities or ("inventory",))  # type: ignore[arg-type]


def claimed(ledger: Ledger, entity: str = "inventory", run: str = "run") -> list[str]:
    return [event.event_id for event in ledger.inbox.claim(entity, run)]


def test_an_event_sent_twice_is_kept_once(ledger: Ledger) -> None:
    keep = ledger.inbox.keep
    assert keep([hint("e1"), hint("e1"), hint("e2")], ALL) == {"inventory"}
    assert keep([hint("e1")], ALL) == frozenset()
    assert keep([hint("e1", source="commercetools")], ALL) == {"inventory"}
    assert claimed(ledger) == ["e1", "e2", "e1"]


def test_each_entity_that_follows_is_told_and_no_other(ledger: Ledger) -> None:
    assert ledger.inbox.keep([hint("e1", "inventory", "orders", "sales")], ("inventory", "sales")) == {
        "inventory",
        "sales",
    }
    assert claimed(ledger, "sales") == ["e1"]
    assert claimed(ledger, "orders") == []
    assert [one.entity for one in ledger.inbox.waiting()] == ["inventory"], "sales has been taken"


def test_events_of_a_run_that_never_settled_are_taken_by_the_next(ledger: Ledger) -> None:
    ledger.inbox.keep([hint("e1"), hint("e2")], ALL)
    assert claimed(ledger, run="died") == ["e1", "e2"]
    assert claimed(ledger, run="next") == ["e1", "e2"]
    assert ledger.inbox.done("died") == 0
    assert ledger.inbox.done("next") == 2
    assert claimed(ledger, run="later") == []
    assert ledger.inbox.keep([hint("e1")], ALL) == frozenset(), "an event done is still known"


def test_an_event_that_comes_while_a_run_reads_waits_for_the_next_run(ledger: Ledger) -> None:
    ledger.inbox.keep([hint("e1")], ALL)
    claimed(ledger, run="first")
    ledger.inbox.keep([hint("e2")], ALL)
    assert ledger.inbox.done("first") == 1
    assert [(one.entity, one.events) for one in ledger.inbox.waiting()] == [("inventory", 1)]
    assert claimed(ledger, run="second") == ["e2"]


def test_what_no_run_could_see_yet_is_not_taken(ledger: Ledger) -> None:
    ledger.inbox.keep([hint("soon", source="commercetools"), hint("now")], ALL, _an_hour_behind)
    assert claimed(ledger) == ["now"]
    assert ledger.inbox.waiting() == []


def _an_hour_behind(entity: str, source: str) -> float:
    return 3600.0 if source == "commercetools" else 0.0


def test_the_same_events_at_once_from_many_senders_are_kept_once(ledger: Ledger) -> None:
    burst = [hint(f"e{number}", "inventory", "sales") for number in range(200)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda turn: ledger.inbox.keep(burst[:: 1 if turn % 2 else -1], ALL), range(8)))
    assert len(claimed(ledger)) == len(claimed(ledger, "sales")) == 200


def test_what_was_told_of_late_is_counted_by_topic(ledger: Ledger) -> None:
    ledger.inbox.keep([hint("e1"), hint("e2")], ALL)
    claimed(ledger, run="r")
    ledger.inbox.done("r")
    ledger.inbox.keep([hint("e3")], ALL)
    [row] = ledger.inbox.told()
    assert (row["entity"], row["source"], row["topic"], row["events"], row["open"]) == (
        "inventory",
        "lightspeed",
        "sale.update",
        3,
        1,
    )


def test_an_inbox_that_nobody_empties_grows_no_further_and_takes_events_again_once_somebody_has(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A DAG that is paused for days: one run sees to all that waits, however much it is."""
    monkeypatch.setattr(inbox, "MOST_WAITING", 50)
    for number in range(60):
        told = ledger.inbox.keep([hint(f"e{number}", "inventory", "orders")], ("inventory",))
        assert told == ({"inventory"} if number < 50 else frozenset())
    assert ledger.inbox.keep([hint("other", "orders")], ALL) == {"orders"}, "others are not full"
    [orders, first] = sorted(ledger.inbox.waiting(), key=lambda one: one.events)
    assert (first.entity, first.events, orders.events) == ("inventory", 50, 1)
    assert len(claimed(ledger)) == 50
    assert ledger.inbox.keep([hint("e59")], ALL) == {"inventory"}, "what was not kept is new"


def test_before_a_first_alignment_what_waits_says_so(ledger: Ledger, run_id: str) -> None:
    ledger.inbox.keep([hint("e1", "inventory", "products")], ALL)
    ledger.runs.settle(run_id, "products", cursors={}, holds=[], baseline=True)
    assert {one.entity: one.aligned for one in ledger.inbox.waiting()} == {
        "inventory": False,
        "products": True,
    }
    assert ledger.inbox.aligned(["inventory", "products"]) == {"products"}
    assert ledger.inbox.aligned([]) == frozenset()
