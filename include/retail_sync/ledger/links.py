"""Which ids are the same thing, and the values both sides last agreed on."""

# ruff: noqa: S608 - what is put into statements comes from the ledger's own code, values are bound

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Connection

from retail_sync.ledger.bulk import copy_in, copy_out, incoming, jsonb
from retail_sync.ledger.engine import SYSTEM, Bind, transaction
from retail_sync.ledger.rows import Agreement, Link
from retail_sync.ledger.statements import columns, execute, fetch, fetch_as, fetch_column, fetch_value
from retail_sync.records.errors import RecordRejected

_SELECT = f"SELECT {columns(Link)} FROM links"
_WRITTEN = (
    "id", "entity", "kind", "commercetools_id", "lightspeed_id", "parent_id", "base", "matched_by", "resent",
    "run_id", "created_at", "agreed_at",
)  # fmt: skip
_SHOWN_CONFLICTS = 5


class LinkConflict(RecordRejected):
    """An id that is to be linked is linked already, to another one. `details` lists the pairs."""

    default_remedy = "Look at both records; retire the link that is wrong, then run again."


@dataclass(frozen=True)
class Links:
    engine: Bind

    def read(
        self,
        entity: str,
        kind: str,
        *,
        ids: Collection[str] | None = None,
        commercetools_ids: Collection[str] | None = None,
        lightspeed_ids: Collection[str] | None = None,
        parents: Collection[str] | None = None,
        retired: bool = False,
    ) -> list[Link]:
        """Links in force (or the retired ones): all, or those that meet one of the given collections."""
        choices = {
            "id = ANY(CAST(:ids AS uuid[]))": ("ids", ids),
            "commercetools_id = ANY(:ours)": ("ours", commercetools_ids),
            "lightspeed_id = ANY(:theirs)": ("theirs", lightspeed_ids),
            "parent_id = ANY(CAST(:parents AS uuid[]))": ("parents", parents),
        }
        given = {condition: pair for condition, pair in choices.items() if pair[1] is not None}
        narrowed = f"AND ({' OR '.join(given)})" if given else ""
        values = {name: list(wanted or ()) for name, wanted in given.values()}
        return fetch_as(
            Link,
            self.engine,
            f"{_SELECT} WHERE entity = :entity AND kind = :kind "
            f"AND retired_at IS {'NOT ' if retired else ''}NULL {narrowed} ORDER BY created_at, id",
            entity=entity,
            kind=kind,
            **values,
        )

    def pairs(
        self,
        entity: str,
        kind: str,
        *,
        lightspeed_ids: Collection[str] | None = None,
        commercetools_ids: Collection[str] | None = None,
    ) -> pd.DataFrame:
        """Pairs in force as a table: commercetools_id, lightspeed_id; all, or those of some ids of either system."""
        chosen = {
            name: list(ids)
            for name, ids in (("lightspeed_id", lightspeed_ids), ("commercetools_id", commercetools_ids))
            if ids is not None
        }
        with transaction(self.engine) as connection:
            return copy_out(
                connection,
                "SELECT commercetools_id, lightspeed_id FROM links WHERE entity = %(entity)s AND kind = %(kind)s "
                "AND retired_at IS NULL" + "".join(f" AND {name} = ANY(%({name})s)" for name in chosen),
                {"commercetools_id": "text", "lightspeed_id": "text"},
                {"entity": entity, "kind": kind, **chosen},
            )

    def count(self, entity: str, kind: str) -> int:
        """How many links are in force."""
        every = "SELECT count(*) FROM links WHERE entity = :entity AND kind = :kind AND retired_at IS NULL"
        return int(fetch_value(self.engine, every, entity=entity, kind=kind))

    def partners(self, entity: str, kind: str, ids: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """Whom these records (ids by system) are linked with, by system."""
        found: dict[str, set[str]] = {"commercetools": set(), "lightspeed": set()}
        with transaction(self.engine) as connection:
            for system, some in ids.items():
                theirs = "lightspeed" if system == "commercetools" else "commercetools"
                partners = (
                    f"SELECT {theirs}_id FROM links WHERE entity = :entity AND kind = :kind "
                    f"AND retired_at IS NULL AND {system}_id = ANY(:ids)"
                )
                if some:
                    found[theirs].update(
                        fetch_column(connection, partners, entity=entity, kind=kind, ids=list(some))
                    )
        return found

    def changed(self, entity: str, kind: str, since: datetime) -> set[str]:
        """Lightspeed ids of links that were made or retired after `since`."""
        return set(
            fetch_column(
                self.engine,
                "SELECT lightspeed_id FROM links WHERE entity = :entity AND kind = :kind "
                "AND (created_at > :since OR retired_at > :since)",
                entity=entity,
                kind=kind,
                since=since,
            )
        )

    def add(self, links: Sequence[Link]) -> dict[str, str]:
        """Store new links, all or none; product links and the variant links under them may come in one call.

        Returns the id in force for the id of each link given: a pair that is already linked just so (a retried
        task) keeps its id and its base. An id that is linked to another one raises LinkConflict: a link is never
        overwritten, only retired.
        """
        if not links:
            return {}
        with transaction(self.engine) as connection:
            # One adder at a time, so that what is looked up here still holds when the new rows go in.
            execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended('ledger links', 0))")
            known = _Known()
            for held in _held(connection, links):
                known.take(held)
            ids: dict[str, str] = {}
            new: list[Link] = []
            conflicts: list[tuple[Link, _Pair]] = []
            for link in links:
                pair = known.of(link)
                if pair is None:
                    known.take(_pair(link))
                    new.append(link)
                elif (pair.ours, pair.theirs) != (link.commercetools_id, link.lightspeed_id):
                    conflicts.append((link, pair))
                ids[link.id] = pair.id if pair else link.id
            if conflicts:
                raise _conflict(conflicts)
            now = fetch_value(connection, "SELECT now()")
            copy_in(connection, "links", _WRITTEN, (_values(link, ids, now) for link in new))
        return ids

    def agree(self, updates: Sequence[Agreement | tuple[str, Any, Any]]) -> int:
        """Replace base and resend counts of links in force; how many were. The last word on a link wins."""
        latest = {link_id: (base, resent) for link_id, base, resent in updates}
        if not latest:
            return 0
        with transaction(self.engine) as connection:
            given = incoming(
                connection,
                "agreements",
                {"id": "uuid", "base": "jsonb", "resent": "jsonb"},
                [(link_id, base, resent) for link_id, (base, resent) in latest.items()],
            )
            return execute(
                connection,
                f"""
                WITH agreed AS (SELECT * FROM {given.source}),
                held AS (
                    SELECT id FROM links WHERE retired_at IS NULL AND id = ANY(ARRAY(SELECT id FROM agreed))
                    ORDER BY id FOR UPDATE
                )
                UPDATE links SET base = agreed.base, resent = agreed.resent, agreed_at = now()
                FROM agreed JOIN held USING (id) WHERE links.id = agreed.id
                """,
                **given.values,
            )

    def retire(self, link_id: str) -> None:
        """End a link, and the links under it; both ids may then be linked anew. Retiring twice changes nothing."""
        execute(
            self.engine,
            "UPDATE links SET retired_at = now() WHERE retired_at IS NULL "
            "AND (id = CAST(:id AS uuid) OR parent_id = CAST(:id AS uuid))",
            id=link_id,
        )


class _Pair(NamedTuple):
    entity: str
    kind: str
    ours: str
    theirs: str
    id: str


class _Known:
    """Links in force by either id."""

    def __init__(self) -> None:
        self._by_ours: dict[tuple[str, str, str], _Pair] = {}
        self._by_theirs: dict[tuple[str, str, str], _Pair] = {}

    def take(self, pair: _Pair) -> None:
        self._by_ours[pair.entity, pair.kind, pair.ours] = pair
        self._by_theirs[pair.entity, pair.kind, pair.theirs] = pair

    def of(self, link: Link) -> _Pair | None:
        return self._by_ours.get((link.entity, link.kind, link.commercetools_id)) or self._by_theirs.get(
            (link.entity, link.kind, link.lightspeed_id)
        )


def _held(connection: Connection, links: Sequence[Link]) -> Iterator[_Pair]:
    """Links in force that share an id with one of `links`."""
    for entity, kind in sorted({(link.entity, link.kind) for link in links}):
        wanted = [link for link in links if (link.entity, link.kind) == (entity, kind)]
        rows = fetch(
            connection,
            "SELECT entity, kind, commercetools_id, lightspeed_id, id FROM links "
            "WHERE entity = :entity AND kind = :kind AND retired_at IS NULL "
            "AND (commercetools_id = ANY(:ours) OR lightspeed_id = ANY(:theirs))",
            entity=entity,
            kind=kind,
            ours=[link.commercetools_id for link in wanted],
            theirs=[link.lightspeed_id for link in wanted],
        )
        yield from (_Pair(*row) for row in rows)


def _pair(link: Link) -> _Pair:
    return _Pair(link.entity, link.kind, link.commercetools_id, link.lightspeed_id, link.id)


def _values(link: Link, ids: Mapping[str, str], now: datetime) -> tuple[Any, ...]:
    return (
        link.id,
        link.entity,
        link.kind,
        link.commercetools_id,
        link.lightspeed_id,
        ids.get(link.parent_id, link.parent_id) if link.parent_id else None,
        jsonb(link.base),
        link.matched_by,
        jsonb(link.resent),
        link.run_id,
        link.created_at or now,
        link.agreed_at or (now if link.base else None),
    )


def _conflict(conflicts: Sequence[tuple[Link, _Pair]]) -> LinkConflict:
    shown = "; ".join(
        f"{link.kind} {link.commercetools_id} with {link.lightspeed_id}, "
        f"but {pair.ours} is linked with {pair.theirs}"
        for link, pair in conflicts[:_SHOWN_CONFLICTS]
    )
    more = f" and {len(conflicts) - _SHOWN_CONFLICTS} more" if len(conflicts) > _SHOWN_CONFLICTS else ""
    return LinkConflict(
        f"Cannot link {shown}{more}.",
        system=SYSTEM,
        code="link_conflict",
        details=[
            {
                "kind": link.kind,
                "wanted": [link.commercetools_id, link.lightspeed_id],
                "stored": [pair.ours, pair.theirs],
                "stored_link": pair.id,
            }
            for link, pair in conflicts
        ],
    )
