"""What a read did not show, asked for by its id: absence needs proof, one record at a time.

A list may be short, empty or stale and still be answered with 200. So after the last page of a feed its *unmet* records
are asked for under their ids, before anything follows from their absence:

* after a complete walk: whatever the mirror holds as living and the pages did not show;
* after any read of records that come as parts of a whole (variants of an online product): known parts that the whole
  was shown without;
* after a read of chosen keys: whatever is known by them;
* after any read: who bears an identifier of a record that was shown under another id. A record that was deleted and
  made anew is known by that;
* after any read: what is known to be gone and is shown as it was before it went: an answer from the past.

A row that can't be read shows that its record exists, and no more: it is not asked for, and never gone.

What exists is staged as one more page, and takes part in the run as any other row. What the system says it does not
have is *gone*, which is written beside the pages. All else stays as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.errors import ProtocolFault
from retail_sync.records.ports.products import Askable, Asked, Shown
from retail_sync.records.rows import readable, unread_ids
from retail_sync.sync.engine.staging import Staging

ASKED_AT_ONCE = 200
"""Records asked for one by one between two checkpoints."""
CONTROLS = 2
"""Records that were just shown and are asked for as well, so that "not there" can be believed."""
KNOWN_CONTROLS = 5
"""Records that are only known, and may be gone as well, that are asked for instead where nothing was shown."""
NAMED = 5
"""Records named in an error."""


@dataclass(frozen=True)
class Kept:
    """How the mirror keeps the records of a feed. `parts`: a parent is always shown with all its records. `by_parent`:
    records have no address, and are asked for by that of their parent. `spared`: ids of records that the read was not
    to show. `may_be_empty`: a read that shows no record at all is nothing unusual, though nothing is concluded.
    `named`: the feed can be searched by what the mirror labels records with."""

    entity: str
    kind: str
    system: str
    parts: bool = False
    by_parent: bool = False
    spared: frozenset[str] = frozenset()
    may_be_empty: bool = False
    named: bool = False

    def unmet(self, ledger: Ledger, asking: Asking, met: Met, began: datetime) -> set[str]:
        """Ids of records that should be asked for. `began`: when the read did."""
        place = (self.entity, self.kind, self.system)
        seen = met.ids
        found: set[str] = set()
        if asking.complete:
            found |= ledger.mirror.unmet(*place, seen, seen_before=began) - self.spared
        else:
            names = {*asking.keys, *(name for one in met.live.values() for name in one.names)}
            tokens = {token for one in met.live.values() for token in one.tokens}
            found |= ledger.mirror.called(*place, names) - seen if names else set()
            found |= ledger.mirror.bearing(*place, tokens) - seen if tokens else set()
        if self.parts:
            parents = {one.parent for one in met.live.values() if one.parent}
            found |= ledger.mirror.live_ids(*place, parents=parents) - seen
        return found - self.unread(ledger, met.unread)

    def unread(self, ledger: Ledger, ids: Collection[str]) -> set[str]:
        """Records known of which a row was shown that can't be read. `ids`: what such rows say they are."""
        place = (self.entity, self.kind, self.system)
        parts = (
            ledger.mirror.live_ids(*place, parents=list(ids))
            if ids and (self.parts or self.by_parent)
            else set()
        )
        return {*ids, *parts}

    def controls(self, ledger: Ledger, besides: Collection[str]) -> list[str]:
        """A few records that should be there."""
        return ledger.mirror.some_live(
            self.entity, self.kind, self.system, besides=besides, count=KNOWN_CONTROLS
        )

    def revived(self, ledger: Ledger, met: Met) -> set[str]:
        """Who is shown as living, at no later version than the one at which it is known to be gone."""
        buried = ledger.mirror.buried(self.entity, self.kind, self.system, list(met.live)) if met.live else {}
        return {
            one
            for one, version in buried.items()
            if version is not None and (met.live[one].version or version) <= version
        }

    def names(self, ledger: Ledger, ids: Iterable[str]) -> list[str]:
        """What these records are called."""
        if not self.named:
            return []
        rows = ledger.mirror.cells(self.entity, self.kind, self.system, ids=list(ids))
        return sorted({str(name) for name in rows["label"].dropna() if name})

    def addresses(self, ledger: Ledger, ids: Iterable[str]) -> dict[str, str]:
        """Under which id each of these records is asked for."""
        if not self.by_parent:
            return {one: one for one in ids}
        rows = ledger.mirror.cells(self.entity, self.kind, self.system, ids=list(ids))
        return dict(zip(rows["id"], rows["parent_id"], strict=True))


@dataclass
class Met:
    """The records that the pages of one read showed. `unread`: ids of those whose rows can't be read."""

    feed: Askable
    live: dict[str, Shown] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)

    def take(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.unread |= {one for one in unread_ids(rows) if one is not None}
        for one in self.feed.records_in(readable(rows)):
            if one.deleted:
                self.deleted.add(one.id)
                self.live.pop(one.id, None)
            else:
                self.live[one.id] = one

    @property
    def ids(self) -> set[str]:
        return {*self.live, *self.deleted}


@dataclass(frozen=True)
class Gone:
    """What a read has proven to be gone, as the tasks after it find it. `at`: when that was (ledger's clock)."""

    ids: tuple[str, ...]
    at: datetime

    @classmethod
    def of(cls, staging: Staging, name: str) -> Gone:
        document = staging.read_document(_document(name))
        return cls(tuple(document["ids"]), datetime.fromisoformat(document["at"]))


@dataclass(frozen=True)
class Asking:
    """That the records of a feed are asked for by their ids where a read does not show them. `complete`: the read was
    to show everything; `keys`: it was to show these (ids or names)."""

    feed: Askable
    kept: Kept
    complete: bool = False
    keys: Sequence[str] = ()


class Pages(Protocol):
    """The read whose pages these are. `state`: its checkpoint, of which the part `absence` is ours; it counts
    as read only once that is done."""

    name: str
    staging: Staging
    state: dict[str, Any]

    def keep(self, rows: list[dict[str, Any]], /) -> None:
        """Stage rows as one more page."""

    def store(self) -> None:
        """Keep the checkpoint."""


async def ask_for_unmet(ledger: Ledger, asking: Asking, met: Met, pages: Pages) -> None:
    """Ask for what the read did not show, and write down what is gone.

    A retried task goes on with what is neither found nor gone yet. Raises ProtocolFault where the lists lack more than
    may be asked for, or where "not there" can't be believed."""
    absence: dict[str, Any] = pages.state.setdefault("absence", {"gone": [], "unmet": 0})
    feed, kept = asking.feed, asking.kept
    began = datetime.fromisoformat(pages.state["began"])
    revived = await asyncio.to_thread(kept.revived, ledger, met)
    missing = await asyncio.to_thread(kept.unmet, ledger, asking, met, began) | revived
    missing -= set(absence["gone"])
    absence["unmet"] = max(absence["unmet"], len(missing))
    if missing:
        addresses = await asyncio.to_thread(kept.addresses, ledger, missing)
        async for rows in feed.ask_together(sorted(set(addresses.values()))):
            await asyncio.to_thread(pages.keep, rows)
            met.take(rows)
        # What an answer from the past showed once, another one may show again: only a record's own address counts.
        missing -= met.ids - revived
        _require_few({addresses[one] for one in missing}, feed, kept, pages.name)
    waiting = sorted(missing)
    for start in range(0, len(waiting), ASKED_AT_ONCE):
        asked = await _asked(
            feed, kept, {one: addresses[one] for one in waiting[start : start + ASKED_AT_ONCE]}
        )
        if (
            asked.gone
            and not kept.by_parent
            and not await _is_believed(ledger, asking, met, missing, pages.name)
        ):
            asked = Asked(asked.rows, [])
        await asyncio.to_thread(pages.keep, asked.rows)
        met.take(asked.rows)
        absence["gone"] += asked.gone
        await asyncio.to_thread(pages.store)
    names = await asyncio.to_thread(kept.names, ledger, absence["gone"]) if absence["gone"] else []
    if names:
        # Who was made anew may be missing from the same list: it is looked for by what the one that is gone was called.
        async for page in feed.search(names):
            await asyncio.to_thread(pages.keep, page.rows)
    gone = {"ids": sorted(set(absence["gone"])), "at": (await asyncio.to_thread(ledger.now)).isoformat()}
    await asyncio.to_thread(pages.staging.write_document, _document(pages.name), gone)


async def _asked(feed: Askable, kept: Kept, addresses: Mapping[str, str]) -> Asked:
    asked = await feed.ask_each(sorted(set(addresses.values())))
    if not kept.by_parent:
        return asked
    unread = unread_ids(asked.rows)
    if None in unread:  # nobody can tell which records these rows are
        return Asked(asked.rows, [])
    there = {one.id for one in feed.records_in(readable(asked.rows))} | unread
    return Asked(asked.rows, [one for one, address in addresses.items() if not {one, address} & there])


def _require_few(missing: Iterable[str], feed: Askable, kept: Kept, name: str) -> None:
    """Thousands of single requests are not spent on what is far more likely a bad answer."""
    names = sorted(missing)
    if len(names) > feed.most_asked:
        raise ProtocolFault(
            f"The lists of {name} do not show {len(names)} records that are known, more than can be asked for one by "
            f"one ({feed.most_asked}): {', '.join(names[:NAMED])}, ...",
            system=kept.system,
            remedy="Nothing was changed. Run it again: a list that came short passes. If so many were really deleted, "
            f"raise `limits.{kept.system}.most_asked` for one run.",
        )


async def _is_believed(ledger: Ledger, asking: Asking, met: Met, missing: Collection[str], name: str) -> bool:
    """Whoever says that a record is not there is asked for one that is: an address that knows nothing at all proves
    nothing. Raises ProtocolFault; False where nothing was shown at all, and there may be nothing.

    A read of chosen keys may show none of them. It is believed if another record that is known is there, or if nothing
    else is known."""
    feed, kept = asking.feed, asking.kept
    there = sorted(met.live)[:CONTROLS]
    if not there and not asking.complete:
        there = await asyncio.to_thread(kept.controls, ledger, missing)
        if not there:
            return True
    if there and (await feed.ask_each(there)).rows:
        return True
    if not there and kept.may_be_empty:
        return False
    raise ProtocolFault(
        f"{name} answers that records are not there, "
        + ("and says the same of those that should be." if there else "and shows none at all."),
        system=kept.system,
        remedy="Nothing was changed. Check the project or store, and the scopes of the connection, with preflight. If "
        "everything was really deleted there, trigger the DAG with the keys of what was.",
    )


def _document(name: str) -> str:
    return f"{name}/gone"
