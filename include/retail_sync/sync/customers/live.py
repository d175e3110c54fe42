"""Customers as they are at this moment, clear: the values that are sent, and the proof that the plan still holds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.customers import EXTERNAL_ID, UNREADABLE
from retail_sync.records.ports.customers import CustomerWrite
from retail_sync.records.ports.products import SYSTEMS, SystemName, other, system_named
from retail_sync.records.rows import read_apart
from retail_sync.records.sealing import Seal
from retail_sync.sync.customers.feeds import Clear, Door
from retail_sync.sync.customers.known import bury, see
from retail_sync.sync.customers.world import Terms
from retail_sync.sync.engine.context import WriteContext

CustomerContext = WriteContext[Door, Door]

LOOKED = "looked"
"""Checkpoint of where the last look at what changed ended, for the whole run."""


@dataclass
class Living:
    """Both customers of changes, clear, by system and id. Nothing of it is ever stored."""

    people: dict[SystemName, dict[str, Clear]] = field(repr=False)
    seals: Mapping[SystemName, Seal] = field(repr=False)

    @classmethod
    def nobody(cls, context: CustomerContext) -> Living:
        return cls({system: {} for system in SYSTEMS}, {s: context.of(s).seal for s in SYSTEMS})

    def of(self, system: SystemName, record: str | None) -> Clear | None:
        return None if record is None else self.people[system].get(record)

    def moved(self, change: ChangeRow) -> bool:
        """Whether either side shows something else by now than the plan saw."""
        target = system_named(change.system)
        source = self.of(other(target), change.source_id)
        if change.action in ("delete", "anonymise"):
            # The proof that the source is gone is that it is not there now.
            return source is not None and "deleted_at" not in source
        if source is None or "deleted_at" in source:
            return True
        seal = self.seals[target]
        if any(seal.value(n, source.get(n)) != v for n, v in change.after.items() if n != EXTERNAL_ID):
            return True
        if change.action == "create":
            return False
        standing = self.of(target, change.target_id)
        if standing is None or "deleted_at" in standing:
            return True
        return any(seal.value(n, standing.get(n)) != v for n, v in change.before.items())

    def write_of(self, change: ChangeRow) -> CustomerWrite | None:
        """The write of a change with the values of now; None where a side is no longer there to take them from."""
        target = system_named(change.system)
        source, standing = self.of(other(target), change.source_id), self.of(target, change.target_id)
        removes = change.action in ("delete", "anonymise")
        if (source is None and not removes) or (standing is None and change.action != "create"):
            return None
        return CustomerWrite(
            change_id=change.id,
            action=change.action,  # type: ignore[arg-type]
            key=str(change.idempotency_key),
            fields={} if removes else {n: _value(n, change, source or {}) for n in change.after},
            target_id=change.target_id,
            seen_version=None if standing is None else standing.get("version"),
            standing=standing or {},
            carry=(standing or {}).get("carry") or {},
            erase="erase" in change.reasons,
        )

    async def add(self, context: CustomerContext, changes: Sequence[ChangeRow]) -> None:
        """Read those who are not here yet."""
        await self._read(context, changes, again=False)

    async def refresh(self, context: CustomerContext, changes: Sequence[ChangeRow]) -> None:
        """Read them once more."""
        await self._read(context, changes, again=True)

    async def _read(self, context: CustomerContext, changes: Sequence[ChangeRow], *, again: bool) -> None:
        for system in SYSTEMS:
            wanted = {
                record
                for change in changes
                for record in (change.target_id if change.system == system else change.source_id,)
                if record is not None and (again or record not in self.people[system])
            }
            if wanted:
                self.people[system] |= await read_now(context, context.of(system), wanted)
                for gone in wanted - set(self.people[system]):
                    self.people[system].pop(gone, None)


def _value(name: str, change: ChangeRow, source: Clear) -> Any:
    return change.after[name] if name == EXTERNAL_ID else source.get(name)


def terms_of(context: CustomerContext) -> dict[SystemName, Terms]:
    """What each system can hold, and what of it can be written."""
    return {system: Terms.of(context.of(system).adapter) for system in SYSTEMS}


async def living_of(context: CustomerContext, changes: Sequence[ChangeRow]) -> Living:
    """Both customers of these changes as they are now, which the mirror takes in as well."""
    living = Living.nobody(context)
    await living.add(context, changes)
    return living


async def read_now(context: CustomerContext, door: Door, ids: Collection[str]) -> dict[str, Clear]:
    """These customers as they are now, by id. Who is asked for by id and not there is gone: that is proof."""
    wire: list[Any] = []
    async for page in door.adapter.fetch(sorted(ids)):
        wire.extend(page.rows)

    def taken() -> dict[str, Clear]:
        (clear, sealed), bad = read_apart(wire, door.read)
        ledger = context.ledger
        see(ledger, context.run_id, door.system, sealed)
        # Who can't be read is there; where a row does not say who it is, nobody can tell who is not.
        shown = {*clear, *(one.id for one in bad)}
        if "" not in shown:
            bury(ledger, context.run_id, door.system, set(ids) - shown, ledger.now())
        return clear

    return await asyncio.to_thread(taken)


async def newcomers(context: CustomerContext, changes: Sequence[ChangeRow]) -> bool:
    """Take in who changed in a system that would let a second profile of somebody in, since the last look; whether
    that was anybody new. Only where somebody is about to be created there."""
    found = False
    for system in SYSTEMS:
        if not any(change.system == system and change.action == "create" for change in changes):
            continue
        step = f"{LOOKED}_{system}"
        kept = await asyncio.to_thread(context.ledger.checkpoints.get, context.run_id, step)
        cursor = kept["cursor"] if kept else context.read_until.get(system)
        page = await context.of(system).adapter.changed_since(cursor) if cursor is not None else None
        if page is None:
            continue
        if page.rows:
            sealed, _ = await asyncio.to_thread(read_apart, page.rows, context.of(system).sealed)
            counts = await asyncio.to_thread(see, context.ledger, context.run_id, system, sealed)
            found = found or counts.new + counts.changed > 0
        if page.cursor:
            await asyncio.to_thread(
                context.ledger.checkpoints.set, context.run_id, step, {"cursor": page.cursor}
            )
    return found


async def look_for_twins(
    context: CustomerContext, change: ChangeRow, write: CustomerWrite, source: Clear
) -> tuple[Mapping[str, Any] | None, bool]:
    """Who in the target might be the one about to be created: the wire row of the twin that an earlier attempt made,
    or whether there are others nobody knew of (the mirror knows them then). The address is that of `source` as it
    spells it, also where it is not written because it can't be read."""
    door = context.of(system_named(change.system))
    email = str(source.get("email") or write.fields.get("email") or "").removeprefix(UNREADABLE)
    wire: list[Any] = []
    async for page in door.adapter.lookup(email, str(write.fields.get("number") or ""), write.key):
        wire.extend(page.rows)
    if not wire:
        return None, False

    def taken() -> tuple[Mapping[str, Any] | None, bool]:
        clear, sealed = door.read(wire)
        by_id = {str(row.get("id")): row for row in wire}
        for record, person in clear.items():
            if "deleted_at" not in person and _is_ours(person, change, write):
                return by_id[record], False
        counts = see(context.ledger, context.run_id, door.system, sealed)
        living = any("deleted_at" not in person for person in clear.values())
        return None, living and (counts.new + counts.changed > 0 or change.attempt > 0)

    return await asyncio.to_thread(taken)


def _is_ours(person: Clear, change: ChangeRow, write: CustomerWrite) -> bool:
    """Whether this profile was made by an earlier attempt at this very creation: it bears the key, or names the
    source."""
    return person.get("number") == write.key or (
        bool(person.get(EXTERNAL_ID)) and person.get(EXTERNAL_ID) == change.source_id
    )
