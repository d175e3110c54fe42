"""Erase what the ledger holds of single records, in one transaction. What was done to them when stays known; what they
were does not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Engine

from retail_sync.ledger.engine import transaction
from retail_sync.ledger.limits import CARE
from retail_sync.ledger.statements import execute, fetch_column


def erase(
    engine: Engine, entity: str, records: Mapping[str, Collection[str]], *, run_id: str | None = None
) -> dict[str, int]:
    """Erase records (ids by system) of an entity; rows touched, a table.

    Mirror, links and their own holds, decisions and exchanges are deleted. Changes lose all values and labels but keep
    ids, times and outcomes. Evidence of others that names one of the ids is dropped: it is collected again by the next
    run that finds the same. Requests that read them, alone or among others, lose their bodies. Decisions of the run
    that erases (`run_id`) stay.
    """
    subjects = [f"{system}:{record}" for system, ids in records.items() for record in ids]
    every = sorted({record for ids in records.values() for record in ids})
    ours, theirs = list(records.get("commercetools", ())), list(records.get("lightspeed", ()))
    given = {
        "entity": entity,
        "subjects": subjects,
        "ids": every,
        "ours": ours,
        "theirs": theirs,
        "run_id": run_id,
    }
    with transaction(engine, CARE) as connection:
        changed = _ids(
            connection,
            "SELECT id::text FROM changes WHERE entity = :entity AND (subject = ANY(:subjects) "
            "OR source_id = ANY(:ids) OR target_id = ANY(:ids) OR result_id = ANY(:ids))",
            given,
        )
        return {
            "mirror": _count(
                connection,
                "DELETE FROM mirror WHERE entity = :entity AND system || ':' || id = ANY(:subjects)",
                given,
            ),
            "links": _count(
                connection,
                "DELETE FROM links WHERE entity = :entity "
                "AND (commercetools_id = ANY(:ours) OR lightspeed_id = ANY(:theirs))",
                given,
            ),
            "exchanges": _count(
                connection,
                "DELETE FROM exchanges WHERE context ->> 'change' = ANY(:changed)",
                {"changed": changed},
            ),
            "exchange bodies": _count(
                connection,
                "UPDATE exchanges SET request_body = NULL, response_body = NULL "
                "WHERE COALESCE(request_body, response_body) IS NOT NULL AND NOT EXISTS "
                "(SELECT FROM runs WHERE runs.id = exchanges.run_id AND runs.entity <> :entity) "
                "AND EXISTS (SELECT FROM unnest(CAST(:ids AS text[])) AS one "
                "WHERE position(one IN concat_ws(' ', url, request_body, response_body)) > 0)",
                given,
            ),
            "changes": _count(
                connection,
                "UPDATE changes SET label = NULL, before = '{}', after = '{}', reasons = '{}', dropped = '[]', "
                "error = NULL, remedy = NULL, exchange_ids = '{}', "
                "outcome = CASE outcome WHEN 'planned' THEN 'superseded' ELSE outcome END "
                "WHERE id = ANY(CAST(:changed AS uuid[]))",
                {"changed": changed},
            ),
            "holds": _count(
                connection, "DELETE FROM holds WHERE entity = :entity AND subject = ANY(:subjects)", given
            ),
            "evidence": _count(
                connection,
                "UPDATE holds SET evidence = NULL WHERE entity = :entity AND evidence IS NOT NULL "
                "AND EXISTS (SELECT FROM unnest(CAST(:ids AS text[])) AS one "
                "WHERE position(one IN evidence::text) > 0)",
                given,
            ),
            "decisions": _count(
                connection,
                "DELETE FROM decisions WHERE entity = :entity AND (subject = ANY(:subjects) OR field = ANY(:ids)) "
                "AND (run_id IS NULL OR run_id IS DISTINCT FROM CAST(:run_id AS text))",
                given,
            ),
            "inbox": _count(
                connection,
                "DELETE FROM inbox WHERE EXISTS (SELECT FROM unnest(CAST(:ids AS text[])) AS one "
                "WHERE position(one IN body::text) > 0)",
                given,
            ),
        }


_DOCUMENTS = (
    ("mirror", "carry"),
    ("links", "base"),
    ("changes", "before"),
    ("changes", "after"),
    ("holds", "evidence"),
)
"""Where records hold documents that may name others."""


def erase_mentions(engine: Engine, entity: str, texts: Collection[str]) -> dict[str, int]:
    """Take ids, or digests, out of the documents of an entity whose records stay; rows touched, a table.

    A member with one of these texts is null afterwards, a list loses it. Requests of the entity's runs that hold one
    lose their bodies."""
    found = {table: 0 for table, _ in _DOCUMENTS} | {"exchange bodies": 0}
    with transaction(engine, CARE) as connection:
        for one in sorted(set(texts)):
            for table, column in _DOCUMENTS:
                found[table] += _count(connection, _without(table, column), {"entity": entity, "one": one})
            found["exchange bodies"] += _count(
                connection,
                "UPDATE exchanges SET request_body = NULL, response_body = NULL "
                "WHERE position(:one IN concat_ws(' ', request_body, response_body)) > 0 "
                "AND run_id IN (SELECT id FROM runs WHERE entity = :entity)",
                {"entity": entity, "one": one},
            )
    return found


def _without(table: str, column: str) -> str:
    """The text of JSON as PostgreSQL prints it: one blank after colons and commas, quotes inside of texts escaped."""
    content = f"{column}::text"
    for pattern, instead in (
        ("': ' || {}", "': null'"),
        ("{} || ', '", "''"),
        ("', ' || {}", "''"),
        ("'[' || {} || ']'", "'[]'"),
    ):
        content = f"replace({content}, {pattern.format(_QUOTED)}, {instead})"
    return (
        f"UPDATE {table} SET {column} = CAST({content} AS jsonb) "  # noqa: S608 - names come from this module
        f"WHERE entity = :entity AND position({_QUOTED} IN {column}::text) > 0"
    )


_QUOTED = "to_jsonb(CAST(:one AS text))::text"


def start_over(engine: Engine, entity: str) -> int:
    """Forget how far the runs of an entity got, for when what they staged is gone; how many places. A task of theirs
    that is cleared reads anew."""
    with transaction(engine, CARE) as connection:
        return _count(
            connection,
            "DELETE FROM checkpoints WHERE run_id IN (SELECT id FROM runs WHERE entity = :entity)",
            {"entity": entity},
        )


def _ids(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[str]:
    return [str(one) for one in fetch_column(connection, statement, **dict(values))]


def _count(connection: Connection, statement: str, values: Mapping[str, Any]) -> int:
    return execute(connection, statement, **dict(values))
