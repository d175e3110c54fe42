"""What a write leaves in the ledger: the target as it shows itself, the link, what both sides agree on, the
outcome."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_sync.ledger.ledger import Together
from retail_sync.ledger.rows import Agreement, ChangeOutcome, ChangeRow, Link
from retail_sync.records.customers import CONSENTS, ENTITY, EXTERNAL_ID, KIND, column_of
from retail_sync.records.ports.customers import CustomerWrite, CustomerWritten
from retail_sync.records.ports.products import SYSTEMS, SystemName, other, system_named
from retail_sync.records.types import same
from retail_sync.sync.customers.known import bury, known_of, see_rows, to_rows
from retail_sync.sync.customers.live import CustomerContext
from retail_sync.sync.customers.planner import CREATED_BY_US
from retail_sync.sync.engine.apply import Result

KEPT_DIFFERENTLY = "the target shows another value than was sent"


@dataclass(frozen=True)
class Sent:
    """What was sent, and how the target shows it."""

    write: CustomerWrite = field(repr=False)
    written: CustomerWritten = field(repr=False)


@dataclass(frozen=True)
class _Done:
    change: ChangeRow
    result: Result[Sent]

    @property
    def written(self) -> CustomerWritten:
        return self.result.answer.written

    @property
    def removes(self) -> bool:
        return self.change.action in ("delete", "anonymise")


def settle(context: CustomerContext, results: Sequence[Result[Sent]]) -> None:
    """Store what came of these changes, all or nothing."""
    done = [_Done(change, result) for result in results for change in result.changes]
    written = [one for one in done if not one.removes]
    with context.ledger.together() as books:
        for one in done:
            if one.removes:
                _removed(context, books, one)
        if written:
            _written(context, books, written)


def _removed(context: CustomerContext, books: Together, one: _Done) -> None:
    """Both are gone: the link ends, and nothing of either is kept but the ids."""
    change, target = one.change, system_named(one.change.system)
    now = context.ledger.now()
    for system, record in ((target, change.target_id), (other(target), change.source_id)):
        if record is not None:
            bury(books, context.run_id, system, [record], now)
    for link in _links(books, {target: [str(change.target_id)]}):
        books.links.retire(link.id)
    books.changes.settle([one.result.outcome(change, str(change.target_id))])


def _written(context: CustomerContext, books: Together, done: Sequence[_Done]) -> None:
    shown = _take_in(context, books, done)
    links = _links(
        books,
        {
            s: [one.written.customer_id for one in done if system_named(one.change.system) == s]
            for s in SYSTEMS
        },
    )
    at = {
        **{("commercetools", link.commercetools_id): link for link in links},
        **{("lightspeed", link.lightspeed_id): link for link in links},
    }
    bases: dict[str, dict[str, Any]] = {}
    made: list[Link] = []
    outcomes: list[ChangeOutcome] = []
    for one in done:
        target = system_named(one.change.system)
        base, dropped = _agreed(one, target, shown.get((target, one.written.customer_id), {}))
        link = at.get((target, one.written.customer_id))
        if link is None:
            made.append(_link(context, one, base))
        else:
            bases[link.id] = {**bases.get(link.id, link.base), **base}
        outcomes.append(one.result.outcome(one.change, one.written.customer_id, dropped=dropped))
    books.links.agree(
        [Agreement(link.id, bases[link.id], dict(link.resent)) for link in links if link.id in bases]
    )
    books.links.add(made)
    books.changes.settle(outcomes)


def _take_in(
    context: CustomerContext, books: Together, done: Sequence[_Done]
) -> dict[tuple[SystemName, str], dict[str, Any]]:
    """Mirror the targets as they showed themselves; what each of them shows, the partner it names included."""
    shown: dict[tuple[SystemName, str], dict[str, Any]] = {}
    for system in SYSTEMS:
        wire = [
            one.written.row
            for one in done
            if system_named(one.change.system) == system and one.written.row is not None
        ]
        if not wire:
            continue
        rows = to_rows(context.of(system).sealed(wire))
        see_rows(books, context.run_id, system, rows)
        for row in rows:
            named = known_of(system, row).external_id
            shown[system, row.id] = {**row.fields, **({EXTERNAL_ID: named} if named else {})}
    return shown


def _link(context: CustomerContext, one: _Done, base: dict[str, Any]) -> Link:
    made, source = one.written.customer_id, str(one.change.source_id)
    is_online = system_named(one.change.system) == "commercetools"
    return Link(
        entity=ENTITY,
        kind=KIND,
        commercetools_id=made if is_online else source,
        lightspeed_id=source if is_online else made,
        base=base,
        matched_by=CREATED_BY_US,
        run_id=context.run_id,
    )


def _agreed(
    one: _Done, target: SystemName, shown: dict[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What both sides show of the fields that were sent, and which of them the target keeps otherwise. What it can't
    hold, cuts or blanks out is agreed on as it shows it, so that it is sent once and not for ever."""
    base: dict[str, Any] = {}
    dropped = [(name, why) for name, why in one.written.dropped.items()]
    for name, sent in one.change.after.items():
        kept = shown.get(name)
        if name not in one.written.dropped and not same(column_of(name), sent, kept):
            dropped.append((name, KEPT_DIFFERENTLY))
        if name != EXTERNAL_ID:
            base[name] = [sent, kept] if target == "lightspeed" else [kept, sent]
    if one.change.action == "create":
        # A till that is told of no consent says no by itself: that is not the customer's word.
        for name in CONSENTS:
            if name in shown and name not in base:
                base[name] = [None, shown[name]] if target == "lightspeed" else [shown[name], None]
    return base, dropped


def _links(books: Together, of: Mapping[SystemName, Collection[str]]) -> list[Link]:
    """Links of these customers, by system."""
    found: list[Link] = books.links.read(
        ENTITY,
        KIND,
        commercetools_ids=of.get("commercetools", ()),
        lightspeed_ids=of.get("lightspeed", ()),
    )
    return found
