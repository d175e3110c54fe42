"""A ledger as full as it gets, made by the database itself: what the console is measured on.

Records are linked pairs in the shares of a shop; what happened to them is spread over the days before `NOW`, the latest
last, in runs of five hundred changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, event, text

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ENTITIES = ("products", "prices", "inventory", "customers", "orders", "sales")
BIG = ("changes", "exchanges", "holds", "mirror", "links", "inbox")
"""Tables that no page may read through."""


@dataclass(frozen=True)
class Sizes:
    """Rows, a table. `mirror` counts both sides of each pair."""

    changes: int
    exchanges: int
    holds: int
    mirror: int
    events: int
    decisions: int

    @property
    def pairs(self) -> int:
        return self.mirror // 2

    @property
    def runs(self) -> int:
        return max(len(ENTITIES), self.changes // 500)


def one_of(share: float) -> Sizes:
    """The full ledger, or a share of it."""
    return Sizes(
        changes=int(1_000_000 * share),
        exchanges=int(1_000_000 * share),
        holds=int(200_000 * share),
        mirror=int(200_000 * share),
        events=int(100_000 * share),
        decisions=int(5_000 * share),
    )


# Of ten pairs: five variants, two products, one customer, one order with its sale, one sale in a store.
_KIND = (
    "(ARRAY['variant','variant','variant','variant','variant','product','product','customer','order','sale'])"
    "[n % 10 + 1]"
)
_ENTITY = (
    "(ARRAY['products','products','products','products','products','products','products','customers','orders','sales'])"
    "[n % 10 + 1]"
)
_ID = "md5({side} || n)::uuid::text"
_AT = f"TIMESTAMPTZ '{NOW.isoformat()}'"
_ENTITY_OF_CHANGE = (
    "CASE WHEN pair % 10 < 5 THEN (ARRAY['products','prices','inventory'])[n / 10 % 3 + 1] "
    "WHEN pair % 10 < 7 THEN 'products' WHEN pair % 10 = 7 THEN 'customers' WHEN pair % 10 = 8 THEN 'orders' "
    "ELSE 'sales' END"
)


def fill(engine: Engine, sizes: Sizes) -> None:
    """Fill an empty ledger, and let the database count what it holds."""
    step = f"n * INTERVAL '{90 * 86_400 / max(1, sizes.changes):.6f} seconds'"
    begun = f"{_AT} - INTERVAL '90 days'"
    sides = [("commercetools", "'c'"), ("lightspeed", "'l'")]
    statements = [
        f"""
        INSERT INTO runs (id, entity, purpose, dag_id, airflow_run_id, mode, state, accounts, params, started_at,
            finished_at)
        SELECT entity || '/' || n, entity, 'sync', entity, 'scheduled__' || n, 'delta', 'succeeded', '{{}}', '{{}}',
            {begun} + n * INTERVAL '{90 * 86_400 / sizes.runs:.6f} seconds',
            {begun} + (n + 1) * INTERVAL '{90 * 86_400 / sizes.runs:.6f} seconds'
        FROM (SELECT n, (ARRAY{list(ENTITIES)})[n % {len(ENTITIES)} + 1] AS entity
              FROM generate_series(0, {sizes.runs - 1}) AS n) AS made
        """,
        *(
            f"""
            INSERT INTO mirror (entity, kind, system, id, parent_id, version, modified_at, seen_at, changed_at, run_id,
                label, digest, fields, identity)
            SELECT {_ENTITY}, CASE WHEN {_KIND} = 'order' AND '{system}' = 'lightspeed' THEN 'sale' ELSE {_KIND} END,
                '{system}', {_ID.format(side=side)},
                CASE WHEN n % 10 < 5 THEN md5({side} || (n - n % 10 + 5))::uuid::text END, n, {_AT}, {_AT}, {_AT},
                'products/0',
                CASE WHEN n % 10 < 5 THEN 'SKU-' || lpad(n::text, 7, '0') WHEN n % 10 < 7 THEN 'Product number ' || n
                     WHEN n % 10 = 7 THEN 'K-' || n WHEN n % 10 = 8 THEN 'FB-' || n ELSE n::text END,
                md5(n::text),
                CASE WHEN n % 10 < 5
                    THEN jsonb_build_object('sku', 'SKU-' || lpad(n::text, 7, '0'), 'price', n, 'active', true,
                        'barcodes', jsonb_build_array('40063' || lpad(n::text, 8, '0')))
                    WHEN n % 10 < 7 THEN jsonb_build_object('name.en', 'Product number ' || n, 'description.en',
                        repeat('Made with care, ' || n || ' times. ', 20))
                    ELSE '{{}}'::jsonb END,
                CASE WHEN n % 10 IN (5, 6) THEN jsonb_build_object('key', 'product-' || n, 'listed', true)
                    WHEN n % 10 = 7 THEN jsonb_build_object('tokens', jsonb_build_object('email',
                        jsonb_build_array('~' || substr(md5('mail' || n), 1, 24))))
                    WHEN n % 10 = 9 THEN jsonb_build_object('number', 'POS-' || n)
                    ELSE '{{}}'::jsonb END
            FROM generate_series(0, {sizes.pairs - 1}) AS n
            """
            for system, side in sides
        ),
        f"""
        INSERT INTO links (id, entity, kind, commercetools_id, lightspeed_id, base, matched_by, run_id, created_at,
            agreed_at)
        SELECT md5('link' || n)::uuid, {_ENTITY}, CASE {_KIND} WHEN 'order' THEN 'sale' ELSE {_KIND} END,
            {_ID.format(side="'c'")}, {_ID.format(side="'l'")}, '{{"price": 1}}', 'sku', 'products/0', {begun}, {_AT}
        FROM generate_series(0, {sizes.pairs - 1}) AS n
        """,
        f"""
        INSERT INTO changes (id, run_id, batch, entity, kind, subject, label, system, action, unit, source_id,
            target_id, before, after, reasons, outcome, attempt, error_code, error, remedy, planned_at,
            attempted_at, settled_at)
        SELECT ('01a21dba-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
            (ARRAY{list(ENTITIES)})[run % {len(ENTITIES)} + 1] || '/'
                || run, 0, {_ENTITY_OF_CHANGE}, 'variant',
            CASE WHEN n % 3 < 2 THEN 'commercetools:' || md5('c' || pair)::uuid
                ELSE 'lightspeed:' || md5('l' || pair)::uuid END,
            'SKU-' || lpad(pair::text, 7, '0'), (ARRAY['lightspeed','lightspeed','commercetools'])[n % 3 + 1], 'update',
            'unit ' || pair,
            CASE WHEN n % 3 < 2 THEN md5('c' || pair)::uuid ELSE md5('l' || pair)::uuid END,
            CASE WHEN n % 3 < 2 THEN md5('l' || pair)::uuid ELSE md5('c' || pair)::uuid END,
            jsonb_build_object('price', n, 'name.en', 'A mug of enamelled steel ' || n),
            jsonb_build_object('price', n + 1, 'name.en', 'A cup of enamelled steel ' || n),
            '{{"price": "commercetools owns the field"}}',
            CASE WHEN n % 100 = 0 THEN 'failed' WHEN n % 100 < 3 THEN 'not_applied' WHEN n % 1000 = 999 THEN 'planned'
                 ELSE 'applied' END, 1,
            CASE WHEN n % 100 = 0 THEN (ARRAY['InvalidField','DuplicateField','concurrent'])[n / 100 % 3 + 1] END,
            CASE WHEN n % 100 = 0 THEN 'The system refused the value of price.' END,
            CASE WHEN n % 100 = 0 THEN 'Correct the price.' END,
            {begun} + {step}, {begun} + {step}, {begun} + {step}
        FROM (SELECT n, n % {sizes.pairs} AS pair, (n::bigint * {sizes.runs} / {sizes.changes})::int AS run
              FROM generate_series(0, {sizes.changes - 1}) AS n) AS made
        """,
        f"""
        INSERT INTO exchanges (id, run_id, task, system, method, url, status, started_at, elapsed_ms, attempt,
            request_headers, request_body, response_headers, response_body, context)
        SELECT md5('exchange' || n), (ARRAY{list(ENTITIES)})[run % {len(ENTITIES)} + 1] || '/' || run, 'load',
            (ARRAY['lightspeed','commercetools'])[n % 2 + 1], 'POST', 'https://shop.example/api/products/' || n,
            CASE WHEN n % 200 = 0 THEN 400 WHEN n % 1000 = 1 THEN NULL ELSE 200 END,
            {begun} + n * INTERVAL '{90 * 86_400 / sizes.exchanges:.6f} seconds', 120, 1,
            '{{"accept": "application/json"}}', jsonb_build_object('price', n, 'text', md5(n::text))::text,
            '{{"content-type": "application/json"}}', jsonb_build_object('id', n, 'text', md5(n::text))::text,
            jsonb_build_object('change', '01a21dba-0000-7000-8000-' || lpad(to_hex(n % {sizes.changes}), 12, '0'))
        FROM (SELECT n, (n::bigint * {sizes.runs} / {sizes.exchanges})::int AS run
              FROM generate_series(0, {sizes.exchanges - 1}) AS n) AS made
        """,
        f"""
        INSERT INTO holds (entity, kind, subject, system, source_id, label, code, severity, field, message, evidence,
            release, run_id, first_seen_at, last_seen_at, due_at, released_at, released_by)
        SELECT {_ENTITY}, {_KIND}, 'commercetools:' || {_ID.format(side="'c'")}, 'commercetools',
            {_ID.format(side="'c'")}, 'SKU-' || lpad(n::text, 7, '0'),
            (ARRAY['price_missing','sku_duplicate','conflict','ambiguous','waiting','tax_class_unmapped',
                   'barcode_duplicate','no_variants_left','unpaid','name_too_long'])[i % 10 + 1],
            'hold', 'price', 'There is something about ' || i, jsonb_build_object('about', md5(i::text), 'value', i),
            'Correct the record.', 'products/' || i % 10 * {len(ENTITIES)},
            {begun} + i * INTERVAL '{90 * 86_400 / sizes.holds:.6f} seconds', {_AT}, {_AT},
            CASE WHEN i % 49 > 0 THEN {_AT} - i * INTERVAL '1 second' END, CASE WHEN i % 49 > 0 THEN 'a run' END
        FROM (SELECT i, i % {sizes.pairs} AS n FROM generate_series(0, {sizes.holds - 1}) AS i) AS made
        ON CONFLICT DO NOTHING
        """,
        f"""
        INSERT INTO decisions (entity, subject, code, field, verdict, about, by, note, decided_at)
        SELECT {_ENTITY}, 'commercetools:' || {_ID.format(side="'c'")}, 'price_jump', '', 'approve', 'about ' || n,
            'Kim', 'Yes', {begun} + n * INTERVAL '{90 * 86_400 / sizes.decisions:.6f} seconds'
        FROM generate_series(0, {sizes.decisions - 1}) AS n
        """,
        f"""
        INSERT INTO inbox (entity, source, topic, event_id, body, received_at, done_at)
        SELECT {_ENTITY}, 'commercetools', 'ProductPublished', 'event-' || i,
            jsonb_build_object('id', {_ID.format(side="'c'")}, 'version', i),
            {begun} + i * INTERVAL '{90 * 86_400 / sizes.events:.6f} seconds', {_AT}
        FROM (SELECT i, i % {sizes.pairs} AS n FROM generate_series(0, {sizes.events - 1}) AS i) AS made
        """,
        f"""
        INSERT INTO stock_entries (id, sku, channel, on_stock, available, run_id)
        SELECT md5('entry' || n)::uuid::text, 'SKU-' || lpad(n::text, 7, '0'), 'web', n % 50, n % 40, 'inventory/2'
        FROM generate_series(0, {sizes.pairs - 1}) AS n WHERE n % 10 < 5
        """,
        f"""
        INSERT INTO stock_levels (product_id, outlet_id, level, run_id)
        SELECT {_ID.format(side="'l'")}, 'outlet-' || outlet, n % 50 * 10000, 'inventory/2'
        FROM generate_series(0, {sizes.pairs - 1}) AS n, generate_series(1, 3) AS outlet WHERE n % 10 < 5
        """,
    ]
    for statement in statements:
        with engine.begin() as connection:
            # Here a percent sign is one.
            connection.exec_driver_sql(statement.replace("%", "%%"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


@dataclass
class Asked:
    """Statements as they went to the database, with their values."""

    statements: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def watched(engine: Engine) -> Iterator[Asked]:
    """What is asked of the database while the block runs."""
    asked = Asked()

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lstrip(" (\n").upper().startswith(("SELECT", "WITH")):
            asked.statements.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


MOST_VISITED = 2_500
"""Rows of one big table that one statement may look at: fifty of some dozen places, and never a table's worth."""


def read_through(engine: Engine, ask: Callable[[], object]) -> list[str]:
    """What something makes the database read through, as it plans by itself: big tables that are scanned, and those of
    which a walk along an index looks at more rows than any page needs. Each with the statement."""
    with watched(engine) as asked:
        ask()
    assert asked.statements, "nothing was asked"
    found = []
    with engine.connect() as connection:
        for statement, values in asked.statements:
            explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            plan = connection.exec_driver_sql(explained, values).scalar_one()
            plan = plan if isinstance(plan, list) else json.loads(plan)
            for node in nodes(plan[0]["Plan"]):
                if node.get("Relation Name") not in BIG:
                    continue
                visited = _visited(node)
                if "Seq Scan" in node["Node Type"] or visited > MOST_VISITED:
                    found.append(f"{node['Relation Name']}: {node['Node Type']}, {visited} rows: {statement}")
    return found


def _visited(node: dict[str, Any]) -> int:
    """Rows that a node looked at, those it left out included."""
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return int((node["Actual Rows"] + sum(node.get(one, 0) for one in removed)) * node["Actual Loops"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan and all under it."""
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
