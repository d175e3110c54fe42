"""What a reconciliation found, as a page shows it: a row a difference, with both values and which side moved last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from retail_sync.console.views.plans import reason_of
from retail_sync.console.vocabulary import plain, when
from retail_sync.ledger.queries.drift import Drifting, Linked, Moved, Record
from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.ports.products import SYSTEMS, other, system_named
from retail_sync.records.prices import quote_of
from retail_sync.records.sealing import shown
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.queries.drift import Difference, differences

CUSTOMERS, DOCUMENTS = "customers", ("orders", "sales")
BY_SKU = ("products", "prices", "inventory")
"""Entities whose runs take SKUs as keys."""
MISSING = "not there"
UNKNOWN = "unknown"
TURNS = {"commercetools": "commercetools", "lightspeed": "Lightspeed", "both": "both", "": UNKNOWN}
HEAD = (
    "entity", "record", "kind", "subject", "field", "locations", "commercetools", "lightspeed", "would be written to",
    "owner", "moved last", "how that is known", "reason", "written since", "change id",
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """Which side moved last: a system, `both`, or empty where nobody can tell; `known` says from what."""

    side: str = ""
    known: str = ""

    @property
    def words(self) -> str:
        return TURNS[self.side]


@dataclass(frozen=True)
class Row:
    """One difference. `first`: it is the first of `lines` of its change. `shows`: what each system shows, in words;
    what the target would be given is `wanted`. `path`: the record's page within the console."""

    change: ChangeRow
    difference: Difference
    path: str
    shows: Mapping[str, str]
    wanted: str
    owner: str
    turn: Turn
    why: str
    written: datetime | None
    first: bool
    lines: int

    @property
    def places(self) -> str:
        return ", ".join(
            f"{name} {level}" if level else name for name, level in self.difference.places.items()
        )


@dataclass
class _Times:
    """When the records behind some changes last moved, and what both sides last agreed on."""

    moved: dict[Record, Moved] = field(default_factory=dict)
    bases: dict[tuple[str, str], Linked] = field(default_factory=dict)
    entries: dict[str, Moved] = field(default_factory=dict)
    levels: dict[tuple[str, str], datetime] = field(default_factory=dict)
    written: dict[tuple[str, str], datetime] = field(default_factory=dict)


def rows_of(
    drifting: Drifting,
    changes: Sequence[ChangeRow],
    settings: SyncSettings,
    outlets: Mapping[str, str],
    only: str = "",
) -> list[Row]:
    """The rows of some changes; of one field, where `only` names it. `outlets`: names of locations by the ids of their
    outlets."""
    times = _times(drifting, changes)
    by_name = {name: outlet for outlet, name in outlets.items()}
    found: list[Row] = []
    for change in changes:
        told = [one for one in differences(change, settings, outlets) if only in ("", one.field)]
        found += [
            Row(
                change,
                one,
                path_of(change),
                _shows(change, one),
                _text(one.wanted),
                _owner(change, one),
                _turn(change, one, times, by_name),
                _why(change, one),
                _written(change, times),
                number == 0,
                len(told),
            )
            for number, one in enumerate(told)
        ]
    return found


def path_of(change: ChangeRow) -> str:
    """The page of the record a change is of."""
    system, record = change.ref.system, change.ref.id
    kind = {"price": {"lightspeed": "article"}.get(system, "variant")}.get(change.kind, change.kind)
    return f"/records/{change.entity}/{kind}/{system}/{quote(record, safe=':')}"


# ---------------------------------------------------------------- values


def _shows(change: ChangeRow, one: Difference) -> dict[str, str]:
    """What each system shows. What the source shows is what the rules make of it, where nothing closer is known."""
    source = other(system_named(change.system))
    stands = MISSING if one.stands is None and _is_whole(one) else _text(one.stands)
    return {change.system: stands, source: _source(change, one, source)}


def _source(change: ChangeRow, one: Difference, source: str) -> str:
    if change.kind == "price" and isinstance(change.reasons, Mapping):
        return str(change.reasons.get(source) or _text(one.wanted))
    if change.kind == "stock":
        figure = f"{_text(one.wanted)}"
        return f"{figure} (worked out)" if change.action != "adjust" and one.places else figure
    if one.wanted == "gone":
        return "gone"
    return _text(one.wanted)


def _is_whole(one: Difference) -> bool:
    return one.field.startswith("(") and one.field.endswith(")")


def _text(value: Any) -> str:
    return plain(shown(value)) if not isinstance(value, list) else plain([shown(one) for one in value])


def _owner(change: ChangeRow, one: Difference) -> str:
    """Whose value counts; a system, or how the settings say it."""
    if change.kind == "stock":
        return "commercetools" if change.action == "adjust" else "lightspeed"
    if change.entity in DOCUMENTS:
        return change.ref.system
    return one.owner


def _why(change: ChangeRow, one: Difference) -> str:
    given = change.reasons if isinstance(change.reasons, Mapping) else {}
    own = given.get("price" if change.kind == "price" else one.field)
    if isinstance(own, str) and own:
        return own
    if change.kind == "price" or not _is_whole(one):
        return reason_of(change)
    # Of a record that is missing as a whole every field has the same reason.
    return reason_of(change) or next((str(one) for one in given.values() if isinstance(one, str)), "")


# ---------------------------------------------------------------- which side moved


def _times(drifting: Drifting, changes: Sequence[ChangeRow]) -> _Times:
    times = _Times(
        moved=drifting.moved([one for change in changes for one in _records(change).values()]),
        written=drifting.written_since(changes),
    )
    wanted: dict[tuple[str, str], set[str]] = {}
    for change in changes:
        if change.entity not in ("inventory", *DOCUMENTS) and (online := _ids(change).get("commercetools")):
            wanted.setdefault((change.entity, _link_kind(change)), set()).add(online)
    for (entity, kind), ids in wanted.items():
        for online, link in drifting.linked(entity, kind, ids).items():
            times.bases[f"{entity}/{kind}", online] = link
    stock = [change for change in changes if change.kind == "stock"]
    if stock:
        times.levels = drifting.levels({one.source_id for one in stock if one.source_id})
        times.entries = drifting.entries(
            {one.target_id for one in stock if one.target_id and one.action != "adjust"}
        )
    return times


def _ids(change: ChangeRow) -> dict[str, str]:
    target = system_named(change.system)
    found = {other(target): change.source_id, target: change.target_id}
    return {system: record for system, record in found.items() if record}


def _records(change: ChangeRow) -> dict[str, Record]:
    if change.kind == "stock" or change.entity in DOCUMENTS:
        return {}
    kinds = {"commercetools": "variant", "lightspeed": "article"} if change.kind == "price" else {}
    return {
        system: Record(change.entity, kinds.get(system, change.kind), system, record)
        for system, record in _ids(change).items()
    }


def _link_kind(change: ChangeRow) -> str:
    return str(change.after.get("list")) if change.kind == "price" else change.kind


def _turn(change: ChangeRow, one: Difference, times: _Times, outlets: Mapping[str, str]) -> Turn:
    if change.kind == "stock":
        return _turn_of_stock(change, one, times, outlets)
    if change.action == "create" or change.entity in DOCUMENTS:
        source = other(system_named(change.system))
        return Turn(source, "only there") if change.action == "create" else Turn()
    agreed = _turn_by_base(change, one, times)
    return agreed or _later({s: times.moved.get(record) for s, record in _records(change).items()})


def _turn_by_base(change: ChangeRow, one: Difference, times: _Times) -> Turn | None:
    """By what both sides last agreed on: who shows something else has moved."""
    link = times.bases.get((f"{change.entity}/{_link_kind(change)}", _ids(change).get("commercetools", "")))
    if link is None or not link.base:
        return None
    target = system_named(change.system)
    source = other(target)
    if change.kind == "price":
        agreed = {system: quote_of(link.base.get(system)) for system in SYSTEMS}
        then = {system: quoted.shown if quoted else "none" for system, quoted in agreed.items()}
        now = {system: str(change.reasons.get(system)) for system in SYSTEMS}
        moved = [system for system in SYSTEMS if then[system] != now[system]]
    elif one.field in link.base and one.field in change.before:
        base = link.base[one.field]
        now_plain = {target: change.before[one.field], source: change.after.get(one.field)}
        moved = [system for system in SYSTEMS if now_plain[system] != base]
    else:
        return None
    if len(moved) == 2:
        later = _later({s: times.moved.get(record) for s, record in _records(change).items()})
        return Turn(later.side or "both", f"both differ from what was agreed; {later.known}".rstrip("; "))
    return Turn(moved[0], "differs from what was agreed") if moved else None


def _turn_of_stock(change: ChangeRow, one: Difference, times: _Times, outlets: Mapping[str, str]) -> Turn:
    """The levels behind a figure against its entry."""
    article = change.source_id or ""
    if change.action == "adjust":
        return Turn()
    behind = {outlets[name] for name in one.places if name in outlets}
    levels = [
        at
        for (product, outlet), at in times.levels.items()
        if product == article and (not behind or outlet in behind)
    ]
    entry = times.entries.get(change.target_id or "")
    if not change.target_id and levels:
        return Turn("lightspeed", "there is no entry")
    if not levels or entry is None or max(levels) == entry.changed_at:
        return Turn()
    return _by_time({"lightspeed": max(levels), "commercetools": entry.changed_at}, "seen to change")


def _later(sides: Mapping[str, Moved | None]) -> Turn:
    """By time: of what we saw change, or, where that says nothing, of what the systems say."""
    there = {system: one for system, one in sides.items() if one is not None}
    if len(there) < 2:
        return Turn()
    told = {system: one.modified_at for system, one in there.items() if one.modified_at is not None}
    if len(told) == 2:
        return _by_time(told, "changed there")
    return _by_time({system: one.changed_at for system, one in there.items()}, "seen to change")


def _by_time(times: Mapping[str, datetime], what: str) -> Turn:
    (earlier, first), (later, last) = sorted(times.items(), key=lambda pair: pair[1])
    if first == last:
        return Turn()
    return Turn(later, f"{what} {when(last)}, the other one {when(first)}")


def _written(change: ChangeRow, times: _Times) -> datetime | None:
    at = times.written.get((change.entity, change.subject))
    return at if at and change.planned_at and at > change.planned_at else None


# ---------------------------------------------------------------- keys of a run that mends


@dataclass
class Keys:
    """What runs would be started with, by entity; labels of records that no key names."""

    by_entity: dict[str, list[str]] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)


def keys_of(drifting: Drifting, changes: Sequence[ChangeRow]) -> Keys:
    """The keys with which an entity's run reads the records of these changes again."""
    found = Keys()
    skus = _skus(drifting, changes)
    for change in changes:
        key = _key(change, skus)
        if key is None:
            label = shown(change.label or change.subject)
            if label not in found.without:
                found.without.append(label)
        elif key not in (keys := found.by_entity.setdefault(change.entity, [])):
            keys.append(key)
    return found


def _key(change: ChangeRow, skus: Mapping[tuple[str, str, str], str]) -> str | None:
    if change.entity == "products":
        named = (skus.get((change.kind, system, record)) for system, record in _ids(change).items())
        return next((sku for sku in named if sku), None)
    if change.entity in BY_SKU:
        ids = {*_ids(change).values(), change.ref.id}
        return change.label if change.label and change.label not in ids else None
    return change.source_id or change.target_id


def _skus(drifting: Drifting, changes: Iterable[ChangeRow]) -> dict[tuple[str, str, str], str]:
    wanted: dict[tuple[str, str], set[str]] = {}
    for change in changes:
        if change.entity == "products":
            for system, record in _ids(change).items():
                wanted.setdefault((change.kind, system), set()).add(record)
    read = {"product": drifting.skus_of_products, "variant": drifting.skus_of_variants}
    return {
        (kind, system, record): sku
        for (kind, system), ids in wanted.items()
        if kind in read
        for record, sku in read[kind](system, ids).items()
    }


# ---------------------------------------------------------------- export


def line_of(row: Row) -> tuple[str, ...]:
    change, one = row.change, row.difference
    return (
        change.entity,
        str(shown(one.label)),
        change.kind,
        change.subject,
        one.field,
        row.places,
        row.shows["commercetools"],
        row.shows["lightspeed"],
        change.system,
        row.owner,
        row.turn.words,
        row.turn.known,
        row.why,
        when(row.written) if row.written else "",
        change.id,
    )
