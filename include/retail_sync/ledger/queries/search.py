"""What a text is the name of: records, runs, codes. For people who have one thing in hand and want to see what the
ledger knows of it.

Every look-up is a probe of an index with the whole text, or with its beginning; none reads a table through. An e-mail
address is looked up by its digest alone, because the ledger holds nothing else of it.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Engine

from retail_sync.ledger.engine import transaction
from retail_sync.ledger.rows import Run
from retail_sync.ledger.statements import columns, fetch, fetch_as, fetch_first_as, fetch_one, literally
from retail_sync.records.refs import RecordRef

How = Literal["sku", "barcode", "key", "name", "number", "id", "entry", "link", "label", "email"]
"""What a text is of a record. `entry`: the id of a stock entry of its SKU; `link`: the id of a link, or of a partner
that was never read; `label`: what changes called it that is not there any more."""
SYSTEMS = ("commercetools", "lightspeed")
KINDS = ("product", "variant", "article", "entry", "customer", "order", "sale")
"""Kinds of mirrored records of all entities."""
MOST = 50
"""Records told of one meaning."""
COUNTED = 1_000
"""Rows are counted up to here: a person needs to know no more."""
SHORTEST_BEGINNING = 2
"""Letters from which on beginnings are looked for."""
GTIN_LENGTHS = (8, 12, 13, 14)


@dataclass(frozen=True, kw_only=True)
class FoundRecord:
    """A record of one system. `label`: what people call it; `gone`: it was deleted there. `begins`: the text is only
    its beginning. `parent_id`: the product of a variant. `mirrored`: whether the mirror holds it."""

    how: How
    entity: str
    kind: str
    system: str
    id: str
    label: str | None
    gone: bool
    parent_id: str | None = None
    begins: bool = False
    mirrored: bool = True

    @property
    def subject(self) -> str:
        return f"{self.system}:{self.id}"


@dataclass(frozen=True, kw_only=True)
class FoundChange:
    id: str
    entity: str
    label: str | None
    run_id: str


@dataclass(frozen=True, kw_only=True)
class FoundExchange:
    """`entity`: of the change, else of the run; None where neither is there (any more)."""

    id: str
    entity: str | None
    method: str
    url: str
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class FoundCode:
    """A code of holds, or of what a system refused. Counts up to COUNTED + 1."""

    code: str
    open_holds: int
    holds: int
    changes: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """All that a text is the name of."""

    records: tuple[FoundRecord, ...] = ()
    runs: tuple[Run, ...] = ()
    change: FoundChange | None = None
    exchange: FoundExchange | None = None
    code: FoundCode | None = None

    @property
    def exact(self) -> tuple[FoundRecord, ...]:
        return tuple(one for one in self.records if not one.begins)

    @property
    def anything(self) -> bool:
        return bool(self.records or self.runs or self.change or self.exchange or self.code)


_RECORD = (
    "entity, kind, system, id, label, deleted_at IS NOT NULL AS gone, "
    "CASE kind WHEN 'variant' THEN parent_id END AS parent_id"
)
# The conditions of the partial indexes, word for word.
_BARCODED = "entity = 'products' AND kind = 'variant'"
_SKU = f"{_BARCODED} AND label <> ''"
_NAMED = "kind IN ('product', 'customer', 'order', 'sale') AND label <> ''"
_KEYED = "kind IN ('product', 'sale') AND COALESCE(identity ->> 'key', identity ->> 'number') <> ''"
_KEY = "lower(COALESCE(identity ->> 'key', identity ->> 'number'))"
_NAME_OR_NUMBER = "CASE kind WHEN 'product' THEN 'name' ELSE 'number' END"
_KEY_OR_NUMBER = "CASE kind WHEN 'product' THEN 'key' ELSE 'number' END"
_ENTITIES = "entity = ANY(:entities)"


@dataclass(frozen=True)
class Searching:
    engine: Engine

    def find(self, typed: str, entities: Collection[str]) -> Found:
        """What this text is the name of, among these entities. What is called exactly so comes first; what only begins
        so is looked for where at most a few records are called so."""
        wanted = typed.strip()
        if not wanted or not entities:
            return Found()
        given = {"entities": sorted(entities), "most": MOST}
        with transaction(self.engine) as connection:
            records = [
                *_called(connection, wanted, given),
                *_of_system(wanted, _with_id(connection, _without_system(wanted), given)),
            ]
            change = _change(connection, wanted, given)
            exchange = _exchange(connection, wanted, entities)
            runs = _runs(connection, wanted, given)
            code = _code(connection, wanted, given)
            if len(wanted) >= SHORTEST_BEGINNING and len(records) < MOST:
                records += _beginning(connection, wanted, given)
            if not (records or change or exchange or runs or code):
                records += _of_system(wanted, _remembered(connection, _without_system(wanted), given))
        return Found(
            records=tuple(_once(records)), runs=tuple(runs), change=change, exchange=exchange, code=code
        )

    def bearing(self, digests: Collection[str]) -> list[FoundRecord]:
        """Customers whose e-mail address has one of these digests (see `retail_sync.records.sealing.Seal.tokens`).
        Index ix_mirror_email."""
        with transaction(self.engine) as connection:
            return _records(
                connection,
                f"""
                SELECT 'email' AS how, {_RECORD} FROM mirror WHERE entity = 'customers'
                  AND identity #>> '{{tokens,email,0}}' <> '' AND identity #>> '{{tokens,email,0}}' = ANY(:digests)
                ORDER BY system, id LIMIT :most
                """,
                {"digests": list(digests), "most": MOST},
            )

    def partners(self, records: Iterable[FoundRecord]) -> frozenset[tuple[str, str]]:
        """(system, id) of these records and of those they are linked with. Indexes ix_links_commercetools_id,
        ix_links_lightspeed_id."""
        own = frozenset((one.system, one.id) for one in records)
        given = {system: [record for side, record in own if side == system] for system in SYSTEMS}
        rows = fetch(
            self.engine,
            " UNION ".join(
                "SELECT commercetools_id, lightspeed_id FROM links "
                f"WHERE {system}_id = ANY(:{system}) AND retired_at IS NULL"
                for system in SYSTEMS
            ),
            **given,
        )
        linked = {(system, record) for row in rows for system, record in zip(SYSTEMS, row, strict=True)}
        return own | linked

    def records(
        self, subjects: Collection[str], entities: Collection[str], how: How = "id"
    ) -> list[FoundRecord]:
        """Mirrored records by `system:id`. Index: the primary key of mirror."""
        pairs = [(one.system, one.id) for one in map(RecordRef.parse, subjects)]
        with transaction(self.engine) as connection:
            return _records(
                connection,
                f"SELECT '{how}' AS how, {_RECORD} FROM mirror WHERE {_ENTITIES} AND kind = ANY(:kinds) "
                "AND system = ANY(:systems) AND id = ANY(:ids) AND system || ':' || id = ANY(:subjects)",
                {
                    "entities": sorted(entities),
                    "kinds": list(KINDS),
                    "systems": list(SYSTEMS),
                    "ids": [record for _, record in pairs],
                    "subjects": list(subjects),
                },
            )


def _called(connection: Connection, wanted: str, given: dict[str, Any]) -> list[FoundRecord]:
    """Records called exactly so, whatever the case. Indexes ix_mirror_sku, ix_mirror_barcodes, ix_mirror_key and
    ix_mirror_name."""
    codes = _barcodes(wanted)
    barcodes = " OR ".join(f"fields -> 'barcodes' @> CAST(:code_{n} AS jsonb)" for n in range(len(codes)))
    return _records(
        connection,
        f"""
        (SELECT 'sku' AS how, {_RECORD} FROM mirror WHERE {_SKU} AND lower(label) = lower(:text) AND {_ENTITIES}
         LIMIT :most)
        UNION ALL
        (SELECT 'barcode', {_RECORD} FROM mirror WHERE {_BARCODED} AND ({barcodes}) AND {_ENTITIES} LIMIT :most)
        UNION ALL
        (SELECT {_KEY_OR_NUMBER}, {_RECORD} FROM mirror WHERE {_KEYED} AND {_KEY} = lower(:text) AND {_ENTITIES}
         LIMIT :most)
        UNION ALL
        (SELECT {_NAME_OR_NUMBER}, {_RECORD} FROM mirror WHERE {_NAMED} AND lower(label) = lower(:text) AND {_ENTITIES}
         LIMIT :most)
        """,
        {**given, "text": wanted, **{f"code_{n}": json.dumps([code]) for n, code in enumerate(codes)}},
    )


def _barcodes(wanted: str) -> list[str]:
    """A barcode as either system may have written it: a UPC is an EAN with a nought in front."""
    if not wanted.isascii() or not wanted.isdigit():
        return [wanted]
    bare = wanted.lstrip("0")
    padded = {bare.zfill(length) for length in GTIN_LENGTHS if bare and len(bare) <= length}
    return sorted({wanted, *padded}) if len(bare) >= GTIN_LENGTHS[0] - 1 else [wanted]


def _with_id(connection: Connection, wanted: str, given: dict[str, Any]) -> list[FoundRecord]:
    """Records with this id in their system, by a stock entry's id, or by a link. Indexes: the primary keys of mirror,
    stock_entries and links, ix_links_commercetools_id, ix_links_lightspeed_id."""
    found = _records(
        connection,
        f"""
        (SELECT 'id' AS how, {_RECORD} FROM mirror WHERE {_ENTITIES} AND kind = ANY(:kinds) AND system = ANY(:systems)
         AND id = ANY(:ids) LIMIT :most)
        UNION ALL
        (SELECT 'entry', hit.entity, hit.kind, hit.system, hit.id, hit.label, hit.deleted_at IS NOT NULL, hit.parent_id
         FROM stock_entries AS stored
         CROSS JOIN LATERAL (SELECT * FROM mirror WHERE {_SKU} AND lower(label) = lower(stored.sku) LIMIT :most) AS hit
         WHERE stored.id = ANY(:ids) AND hit.{_ENTITIES})
        """,
        {
            **given,
            "kinds": list(KINDS),
            "systems": list(SYSTEMS),
            "ids": sorted({wanted, wanted.casefold()}),
        },
    )
    by_link = "" if _uuid(wanted) is None else " OR links.id = CAST(:id AS uuid)"
    sides = [
        one
        for system in SYSTEMS
        for one in _records(
            connection,
            f"""
            SELECT 'link' AS how, links.entity, COALESCE(seen.kind, links.kind) AS kind, '{system}' AS system,
                links.{system}_id AS id, seen.label, COALESCE(seen.gone, links.retired_at IS NOT NULL) AS gone,
                seen.parent_id, seen.id IS NOT NULL AS mirrored
            FROM links
            LEFT JOIN LATERAL (
                SELECT {_RECORD} FROM mirror WHERE entity = links.entity AND kind = ANY(:kinds)
                  AND system = '{system}' AND id = links.{system}_id LIMIT 1
            ) AS seen ON true
            WHERE links.{_ENTITIES} AND (links.{system}_id = :text{by_link}) LIMIT :most
            """,
            {**given, "kinds": list(KINDS), "text": wanted, "id": _uuid(wanted)},
        )
    ]
    return [*found, *sides]


def _beginning(connection: Connection, wanted: str, given: dict[str, Any]) -> list[FoundRecord]:
    """Records whose SKU, key, name or number begins so, whatever the case; in the order of the alphabet. Indexes
    ix_mirror_sku, ix_mirror_key, ix_mirror_name."""
    parts = (
        ("'sku'", _SKU, "lower(label)"),
        (_KEY_OR_NUMBER, _KEYED, _KEY),
        (_NAME_OR_NUMBER, _NAMED, "lower(label)"),
    )
    return _records(
        connection,
        " UNION ALL ".join(
            f"(SELECT {how} AS how, {_RECORD} FROM mirror WHERE {where} AND {called} LIKE lower(:begins) "
            f"AND {called} <> lower(:text) AND {_ENTITIES} ORDER BY {called} USING ~<~ LIMIT :most)"
            for how, where, called in parts
        ),
        {**given, "text": wanted, "begins": f"{literally(wanted)}%", "most": MOST // 2},
        begins=True,
    )


def _remembered(connection: Connection, wanted: str, given: dict[str, Any]) -> list[FoundRecord]:
    """What only changes know: a record they called so, or one they wrote to, that is not there any more. Indexes
    ix_changes_label and ix_changes_target."""
    return _records(
        connection,
        f"""
        (SELECT DISTINCT 'label' AS how, entity, kind, split_part(subject, ':', 1) AS system,
                substr(subject, strpos(subject, ':') + 1) AS id, label, true AS gone
         FROM (SELECT entity, kind, subject, label FROM changes WHERE label = :text AND {_ENTITIES}
               LIMIT :rows) AS called)
        UNION ALL
        (SELECT DISTINCT 'id', entity, kind, system, target_id, label, true
         FROM (SELECT entity, kind, system, target_id, label FROM changes WHERE target_id = :text AND {_ENTITIES}
               LIMIT :rows) AS written)
        """,
        {**given, "text": wanted, "rows": COUNTED},
        mirrored=False,
    )


def _runs(connection: Connection, wanted: str, given: dict[str, Any]) -> list[Run]:
    """Runs by our id or by Airflow's. Indexes: the primary key of runs, ix_runs_airflow."""
    return fetch_as(
        Run,
        connection,
        f"SELECT {columns(Run)} FROM runs WHERE (id = :text OR airflow_run_id = :text) AND {_ENTITIES} "
        "ORDER BY started_at DESC, id LIMIT :most",
        **given,
        text=wanted,
    )


def _change(connection: Connection, wanted: str, given: dict[str, Any]) -> FoundChange | None:
    """A change by its id. Index: the primary key of changes."""
    if (change := _uuid(wanted)) is None:
        return None
    return fetch_first_as(
        FoundChange,
        connection,
        f"SELECT id, entity, label, run_id FROM changes WHERE id = CAST(:id AS uuid) AND {_ENTITIES}",
        **given,
        id=change,
    )


def _exchange(connection: Connection, wanted: str, entities: Collection[str]) -> FoundExchange | None:
    """An exchange by its id. Index: the primary key of exchanges."""
    row = fetch_one(
        connection,
        f"SELECT id, {ENTITY_OF_EXCHANGE} AS entity, method, url, started_at FROM exchanges WHERE id = :id",
        id=wanted.casefold(),
    )
    found = FoundExchange(**row._mapping) if row else None
    return found if found and found.entity in entities else None


ENTITY_OF_EXCHANGE = (
    "COALESCE((SELECT changes.entity FROM changes "
    "WHERE changes.id = CASE "
    "WHEN exchanges.context ->> 'change' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' "
    "THEN CAST(exchanges.context ->> 'change' AS uuid) END), "
    "(SELECT runs.entity FROM runs WHERE runs.id = exchanges.run_id))"
)
"""SQL (text) that says which entity an exchange was made for. A context that names no UUID names no change."""


def _code(connection: Connection, wanted: str, given: dict[str, Any]) -> FoundCode | None:
    """A code of holds or of refusals. Indexes ix_holds_code, ix_holds_open_code, ix_changes_error_code: the order,
    which changes no count, keeps the database from reading on until it has met enough by chance."""
    for code in dict.fromkeys((wanted, wanted.casefold().replace(" ", "_"))):
        row = fetch_one(
            connection,
            f"""
            SELECT
                (SELECT count(*) FROM (SELECT FROM holds WHERE code = :code AND {_ENTITIES}
                    ORDER BY first_seen_at DESC, id DESC LIMIT :rows) AS kept) AS holds,
                (SELECT count(*) FROM (SELECT FROM holds WHERE code = :code AND {_ENTITIES}
                    AND released_at IS NULL LIMIT :rows) AS still) AS open_holds,
                (SELECT count(*) FROM (SELECT FROM changes WHERE error_code = :code AND {_ENTITIES}
                    ORDER BY planned_at DESC, id DESC LIMIT :rows) AS refused) AS changes
            """,
            **given,
            code=code,
            rows=COUNTED + 1,
        )
        if row.holds or row.changes:
            return FoundCode(code=code, **row._mapping)
    return None


def _records(
    connection: Connection, statement: str, values: dict[str, Any], **more: Any
) -> list[FoundRecord]:
    return [FoundRecord(**row._mapping, **more) for row in fetch(connection, statement, **values)]


def _once(records: Iterable[FoundRecord]) -> list[FoundRecord]:
    """Each record once, by the first meaning that found it."""
    found: dict[tuple[str, str, str], FoundRecord] = {}
    for one in records:
        found.setdefault((one.entity, one.system, one.id), one)
    return list(found.values())


def _without_system(wanted: str) -> str:
    """`system:id`, as changes and holds name records, is asked for by the id."""
    named = RecordRef.parse(wanted)
    return named.id if named.system in SYSTEMS and str(named) == wanted else wanted


def _of_system(wanted: str, found: Iterable[FoundRecord]) -> list[FoundRecord]:
    """Where a system is named, only its records: ids of two systems may be the same."""
    named = RecordRef.parse(wanted)
    is_named = named.system in SYSTEMS and str(named) == wanted
    return [one for one in found if not is_named or one.system == named.system]


def _uuid(wanted: str) -> str | None:
    try:
        return str(UUID(wanted))
    except ValueError:
        return None
