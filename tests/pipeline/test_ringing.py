"""Doorbells ring until a run has come, soon at first and then seldom, whatever fails meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import pytest

from retail_sync.ledger import Ledger
from retail_sync.pipeline.runtime import inbox as hearing
from retail_sync.pipeline.web.doorbells import AGAIN_SECONDS, SELDOM_SECONDS, Ringer
from retail_sync.records.events import Hint
from retail_sync.settings.loader import parse_settings


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        align(opened, *ALL)
        yield opened


def align(ledger: Ledger, *entities: str) -> None:
    """As if their first alignment had been."""
    for entity in entities:
        run = ledger.runs.open(entity, entity, dag_id=entity, airflow_run_id="r", mode="full", params={})
        ledger.runs.settle(run.id, entity, cursors={}, holds=[], baseline=True)


ALL = ("inventory", "sales", "products")


class Bells:
    """What was rung, and a bell that can be out of order."""

    def __init__(self) -> None:
        self.rung: list[list[str]] = []
        self.out_of_order = False
        self.paused: set[str] = set()
        self.heard = threading.Event()

    def __call__(self, entities: Iterable[str]) -> frozenset[str]:
        if self.out_of_order:
            raise ConnectionError("no metadata")
        self.rung.append(list(entities))
        self.heard.set()
        return frozenset(self.paused)


def told(ledger: Ledger, *event_ids: str) -> None:
    ledger.inbox.keep([Hint("lightspeed", "sale.update", one, ("inventory",)) for one in event_ids], ALL)


def test_what_nobody_rang_for_is_found_in_the_inbox(ledger: Ledger) -> None:
    """A process that ends between the row and the ring loses nothing."""
    told(ledger, "e1")
    bells = Bells()
    Ringer(bells, ledger.inbox.waiting).start()
    assert bells.heard.wait(20)
    assert bells.rung[0] == ["inventory"]


def test_an_unanswered_ring_is_repeated_ever_more_seldom_until_a_run_comes(ledger: Ledger) -> None:
    told(ledger, "e1")
    ringer = Ringer(Bells(), ledger.inbox.waiting)
    rings, now = [], 1000.0
    while now < 4000.0:
        if ringer.overdue(now):
            ringer.ring_now({"inventory"}, now)
            rings.append(now)
        now += 1.0
    gaps = [after - before for before, after in zip(rings, rings[1:], strict=False)]
    assert gaps[0] == AGAIN_SECONDS
    assert gaps == sorted(gaps)
    assert gaps[-1] == SELDOM_SECONDS
    ledger.inbox.claim("inventory", "a run")
    assert ringer.overdue(now + SELDOM_SECONDS) == set()
    told(ledger, "e2")
    assert ringer.overdue(now + SELDOM_SECONDS + 1) == {"inventory"}, (
        "a new event is not punished for the old one"
    )


def test_a_bell_that_fails_is_rung_again(ledger: Ledger) -> None:
    told(ledger, "e1")
    bells = Bells()
    ringer = Ringer(bells, ledger.inbox.waiting)
    bells.out_of_order = True
    ringer.ring_now({"inventory"}, 1000.0)
    bells.out_of_order = False
    assert ringer.overdue(1000.0 + AGAIN_SECONDS) == {"inventory"}


def test_an_inbox_that_cannot_be_read_rings_nothing_and_ends_nothing() -> None:
    def broken() -> list[object]:
        raise ConnectionError("no ledger")

    assert Ringer(Bells(), broken).overdue(1000.0) == set()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "entity", "rings"),
    [
        ("lightspeed", "inventory", True),
        ("lightspeed", "products", True),
        ("commercetools", "inventory", True),
        ("commercetools", "products", False),
    ],
)
def test_a_run_is_not_started_before_its_window_reaches_what_changed(
    ledger: Ledger, source: str, entity: str, rings: bool
) -> None:
    """Windows of products end a minute behind the clock of commercetools: a run at once would see nothing, and the
    event would count as done."""
    settings = parse_settings(
        "{version: 1, locations: [{name: Main, outlet: Main Outlet}], "
        "limits: {commercetools: {trail_seconds: 60}}}"
    )
    hint = Hint(source, "anything", "e1", (entity,))  # type: ignore[arg-type]
    kept = hearing.keep(ledger.inbox, settings, [hint])
    assert (entity in kept.ring) is rings and kept.anew == {entity}
    assert bool(ledger.inbox.claim(entity, "run")) is rings


def test_events_before_a_first_alignment_start_no_run_and_are_told_of_once(
    ledger_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Their runs would be deltas, and only fail."""
    settings = parse_settings("{version: 1, locations: [{name: Main, outlet: Main Outlet}]}")
    with Ledger.open(ledger_url) as ledger:
        hints = [Hint("lightspeed", "sale.update", "e1", ("inventory", "sales"))]
        align(ledger, "sales")
        kept = hearing.keep(ledger.inbox, settings, hints)
        assert kept.anew == {"inventory"}, "sales does not sync"
        assert "inventory" not in kept.ring
        ringer = Ringer(Bells(), ledger.inbox.waiting)
        for second in range(3):
            assert "inventory" not in ringer.overdue(1000.0 + second)
        told_of = [one.getMessage() for one in caplog.records if "Events of inventory" in one.getMessage()]
        assert len(told_of) == 1 and "backfill" in told_of[0]
        align(ledger, "inventory")
        assert "inventory" in ringer.overdue(2000.0), "what came before is looked at, too"


def test_a_paused_dag_is_not_rung_for_ever_more_seldom_and_heard_soon_after_it_is_unpaused(
    ledger: Ledger,
) -> None:
    """Airflow drops a ring for a paused DAG, so that waiting longer and longer for an answer is of no use."""
    told(ledger, *(f"e{number}" for number in range(200)))
    bells = Bells()
    bells.paused = {"inventory"}
    ringer = Ringer(bells, ledger.inbox.waiting)
    now = 1000.0
    for _ in range(600):
        if ringer.overdue(now):
            ringer.ring_now({"inventory"}, now)
        now += 1.0
    assert ringer._bells["inventory"].patience == AGAIN_SECONDS
    bells.paused = set()
    assert ringer.overdue(now + AGAIN_SECONDS) == {"inventory"}
