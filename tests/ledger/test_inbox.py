"""Events are kept once, handed to one worker each, and come back when that worker died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from include.ledger import Ledger


def put(ledger: Ledger, *ids: str) -> list[bool]:
    return [ledger.inbox.put("lightspeed", "product.update", one, {"id": one}) for one in ids]


def test_an_event_sent_twice_is_kept_once(ledger: Ledger) -> None:
    assert put(ledger, "e1", "e1", "e2") == [True, False, True]
    assert ledger.inbox.put("commercetools", "ProductPublished", "e1", {}) is True
    assert [e.event_id for e in ledger.inbox.claim("lightspeed")] == ["e1", "e2"]


def test_each_event_goes_to_one_worker(ledger: Ledger) -> None:
    put(ledger, *(f"e{n}" for n in range(60)))
    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(lambda _: ledger.inbox.claim("lightspeed", 20), range(4)))
    got = [event.event_id for share in shares for event in share]
    assert len(got) == len(set(got)) == 60


def test_a_claimed_event_comes_back_unless_it_is_done(ledger: Ledger) -> None:
    put(ledger, "e1", "e2")
    first, second = ledger.inbox.claim("lightspeed")
    ledger.inbox.done([first.id])
    assert ledger.inbox.claim("lightspeed") == []
    assert ledger.inbox.claim("lightspeed", stale_after=timedelta(0)) == [second]
    assert put(ledger, "e1") == [False], "an event done is still known"
