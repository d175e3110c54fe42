"""Which ids are the same thing, and the values both sides last agreed on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from include.ledger.bulk import copy_in, jsonb
from include.ledger.engine import SYSTEM, transaction
from include.ledger.rows import Agreement, Link
from include.records.errors import RecordRejected

_SELECT = """
    SELECT id::text, entity, kind, commercetools_id, lightspeed_id, parent_id::text, base, matched_by, resent, run_id,
           created_at, agreed_at, retired_at
    FROM links
"""
_SHOWN_CONFLICTS = 5


class LinkConflict(RecordRejected):
    """An id that is to be linked is linked already, to another one. `details` lists (wanted, stored) pairs of links."""

    default_remedy = "Look at both records; retire the link that is wrong, then run again."


@dataclass(frozen=True)
class Links:
    engine: Engine

    def read(
        self,
        entity: str,
        kind: str,
        *,
        ids: Collection[str] | None = None,
        commercetools_ids: Collection[str] | None = None,
        lightspeed_ids: Collection[str] | None = None,
        retired: bool = False,
    ) -> list[Link]:
        """Links in force (or the retired ones): all, or those that meet one of the given collections."""
        choices = {
            "id = ANY(CAST(:ids AS uuid[]))": ("ids", ids),
            "commercetools_id = ANY(:ours)": ("ours", commercetools_ids),
            "lightspeed_id = ANY(:theirs)": ("theirs", lightspeed_ids),
        }
        given = {condition: pair for condition, pair in choices.items() if pair[1] is not None}
        narrowed = f"AND ({' OR '.join(given)})" if given else ""
        values = {name: list(wanted or ()) for name, wanted in given.values()}
        with transaction(self.engine) as connection:
            rows = connection.execute(
                text(
                    f"{_SELECT} WHERE entity = :entity AND kind = :kind "
                    f"AND retired_at IS {'NOT ' if retired else ''}NULL {narrowed} ORDER BY created_at, id"
                ),
                {"entity": entity, "kind": kind, **values},
            ).all()
        return [_link(row) for row in rows]

    def add(self, links: Sequence[Link]) -> dict[str, str]:
        """Store new links, all or none; product links and the variant links under them may come in one call.

        Returns the id in force for the id of each link given: a pair that is already linked just so (a retried
        task) keeps its id and its base. An id that is linked to another one raises LinkConflict: a link is never
        overwritten, only retired.
        """
        if not links:
            return {}
        with transaction(self.engine) as connection:
            _stage(connection, links)
            connection.execute(
                text(
                    """
                    INSERT INTO links (id, entity, kind, commercetools_id, lightspeed_id, parent_id, base, matched_by,
                                       resent, run_id, agreed_at)
                    SELECT new.id, new.entity, new.kind, new.commercetools_id, new.lightspeed_id,
                           COALESCE(known.id, new.parent_id), new.base, new.matched_by, new.resent, new.run_id,
                           CASE WHEN new.base <> '{}'::jsonb THEN now() END
                    FROM incoming_links AS new
                    -- a parent that was linked before under another id of the link
                    LEFT JOIN incoming_links AS parent ON parent.id = new.parent_id
                    LEFT JOIN links AS known ON known.retired_at IS NULL AND known.entity = parent.entity
                        AND known.kind = parent.kind AND known.commercetools_id = parent.commercetools_id
                        AND known.lightspeed_id = parent.lightspeed_id
                    ORDER BY new.entity, new.kind, new.commercetools_id
                    ON CONFLICT DO NOTHING
                    """
                )
            )
            found = connection.execute(
                text(
                    """
                    SELECT new.id::text AS id, new.kind, new.commercetools_id AS ours, new.lightspeed_id AS theirs,
                           held.commercetools_id AS held_ours, held.lightspeed_id AS held_theirs,
                           held.id::text AS held_id
                    FROM incoming_links AS new
                    LEFT JOIN links AS held ON held.retired_at IS NULL AND held.entity = new.entity
                        AND held.kind = new.kind
                        AND (held.commercetools_id = new.commercetools_id
                             OR held.lightspeed_id = new.lightspeed_id)
                    ORDER BY new.kind, new.commercetools_id
                    """
                )
            ).all()
            conflicts = [row for row in found if (row.ours, row.theirs) != (row.held_ours, row.held_theirs)]
            if conflicts:
                raise _conflict(conflicts)
        return {row.id: row.held_id for row in found}

    def agree(self, updates: Sequence[Agreement | tuple[str, Any, Any]]) -> int:
        """Replace base and resend counts of links in force; how many were. The last word on a link wins."""
        latest = {link_id: (base, resent) for link_id, base, resent in updates}
        if not latest:
            return 0
        with transaction(self.engine) as connection:
            connection.execute(
                text("CREATE TEMP TABLE agreements (id uuid, base jsonb, resent jsonb) ON COMMIT DROP")
            )
            copy_in(
                connection,
                "agreements",
                ("id", "base", "resent"),
                ((link_id, jsonb(base), jsonb(resent)) for link_id, (base, resent) in latest.items()),
            )
            return connection.execute(
                text(
                    """
                    WITH held AS (
                        SELECT id FROM links WHERE retired_at IS NULL AND id IN (SELECT id FROM agreements)
                        ORDER BY id FOR UPDATE
                    )
                    UPDATE links SET base = agreements.base, resent = agreements.resent, agreed_at = now()
                    FROM agreements JOIN held USING (id) WHERE links.id = agreements.id
                    """
                )
            ).rowcount

    def retire(self, link_id: str) -> None:
        """End a link, and the links under it; both ids may then be linked anew. Retiring twice changes nothing."""
        with transaction(self.engine) as connection:
            connection.execute(
                text(
                    "UPDATE links SET retired_at = now() WHERE retired_at IS NULL "
                    "AND (id = CAST(:id AS uuid) OR parent_id = CAST(:id AS uuid))"
                ),
                {"id": link_id},
            )


def _stage(connection: Connection, links: Sequence[Link]) -> None:
    connection.execute(
        text(
            "CREATE TEMP TABLE incoming_links (id uuid, entity text, kind text, commercetools_id text, "
            "lightspeed_id text, parent_id uuid, base jsonb, matched_by text, resent jsonb, run_id text) "
            "ON COMMIT DROP"
        )
    )
    copy_in(
        connection,
        "incoming_links",
        (
            "id",
            "entity",
            "kind",
            "commercetools_id",
            "lightspeed_id",
            "parent_id",
            "base",
            "matched_by",
            "resent",
            "run_id",
        ),  # fmt: skip
        (
            (
                link.id,
                link.entity,
                link.kind,
                link.commercetools_id,
                link.lightspeed_id,
                link.parent_id,
                jsonb(link.base),
                link.matched_by,
                jsonb(link.resent),
                link.run_id,
            )
            for link in links
        ),
    )


def _conflict(rows: Sequence[Row[Any]]) -> LinkConflict:
    shown = "; ".join(
        f"{row.kind} {row.ours} with {row.theirs}, but {row.held_ours} is linked with {row.held_theirs}"
        for row in rows[:_SHOWN_CONFLICTS]
    )
    more = f" and {len(rows) - _SHOWN_CONFLICTS} more" if len(rows) > _SHOWN_CONFLICTS else ""
    return LinkConflict(
        f"Cannot link {shown}{more}.",
        system=SYSTEM,
        code="link_conflict",
        details=[
            {
                "kind": row.kind,
                "wanted": [row.ours, row.theirs],
                "stored": [row.held_ours, row.held_theirs],
                "stored_link": row.held_id,
            }
            for row in rows
        ],
    )


def _link(row: Row[Any]) -> Link:
    return Link(**row._mapping)
