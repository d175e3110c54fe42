"""Stock as last seen: levels, entries, orders that hold goods. Older data never wins here either.

Unlike the mirror these rows are typed: a shop has as many of them as articles times locations. A row that shows what
is stored already is not written again, so that a full read of an unchanged shop writes nothing; `seen_at` therefore
says when a row was last *new*, and `unmet` is given the rows that were met.
"""

# ruff: noqa: S608 - names of columns and conditions come from this module, values are bound

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Connection

from retail_sync.ledger.bulk import FEW, copy_frame_in, copy_out, incoming, make_temporary
from retail_sync.ledger.engine import Bind, transaction
from retail_sync.ledger.statements import execute, fetch_column, fetch_value

_LEVELS = {
    "product_id": "text", "outlet_id": "text", "level": "bigint", "version": "bigint", "deleted_at": "timestamptz",
}  # fmt: skip
_ENTRIES = {
    "id": "text", "sku": "text", "channel": "text", "on_stock": "bigint", "available": "bigint", "version": "bigint",
    "modified_at": "timestamptz",
}  # fmt: skip
_ORDERS = {
    "id": "text", "number": "text", "version": "bigint", "modified_at": "timestamptz", "placed_at": "timestamptz",
    "holds": "boolean", "cancelled": "boolean", "exported_at": "timestamptz", "lines": "text",
}  # fmt: skip
_CLOSED = (
    "closed_at = CASE WHEN excluded.holds THEN NULL ELSE COALESCE(held.closed_at, excluded.modified_at) END"
)
_ENDED = "(cancelled OR exported_at IS NULL OR exported_at > {after})"
"""Whether the end of an order is one that stock may show late: a cancellation gives back what was reserved. Any other
end gives nothing back, so an order that the levels had shown for long is not open again because it is completed."""
_KIND = {"text": "text", "bigint": "count", "boolean": "flag", "timestamptz": "time"}


StockTable = Literal["stock_entries", "stock_orders", "stock_levels"]
_IDS: Mapping[StockTable, str] = {
    "stock_entries": "id",
    "stock_orders": "id",
    "stock_levels": "(product_id || '|' || outlet_id)",
}
_COUNTS: Mapping[StockTable, str] = {
    "stock_entries": "gone_at IS NULL",
    "stock_orders": "holds AND exported_at IS NULL",
    "stock_levels": "deleted_at IS NULL",
}
"""Which rows of each table a complete read is to show: a read of open orders leaves out the exported ones."""


def product_of_level(level: str) -> str:
    """The product of a level. A level has no id of its own that all versions of the API show: it is asked after by
    `product|outlet`."""
    return level.partition("|")[0]


@dataclass(frozen=True)
class Stock:
    engine: Bind

    # ------------------------------------------------------------ taking in

    def see_levels(self, run_id: str, rows: pd.DataFrame) -> int:
        """Take in level rows just read (LEVEL_COLUMNS); how many were older than what is stored."""
        return self._see("stock_levels", _LEVELS, ("product_id", "outlet_id"), run_id, rows)

    def see_entries(self, run_id: str, rows: pd.DataFrame) -> int:
        """Take in entries just read or written (ENTRY_COLUMNS). A pair of SKU and channel has one entry: another one
        of the same pair is gone. One that was taken for gone, and is met again, is back."""
        older = self._see(
            "stock_entries",
            _ENTRIES,
            ("id",),
            run_id,
            rows,
            "gone_at = NULL",
            returns="held.gone_at IS NOT NULL",
        )
        pairs = rows[["sku", "channel", "id"]].drop_duplicates(["sku", "channel"], keep="last")
        with transaction(self.engine) as connection:
            source, values = _incoming(
                connection, "new_pairs", dict.fromkeys(("sku", "channel", "id"), "text"), pairs
            )
            execute(
                connection,
                f"""
                UPDATE stock_entries AS old SET gone_at = clock_timestamp(), changed_at = clock_timestamp()
                FROM {source}
                WHERE old.sku = new_pairs.sku AND old.channel = new_pairs.channel AND old.id <> new_pairs.id
                  AND old.gone_at IS NULL
                """,
                **values,
            )
        return older

    def see_orders(self, run_id: str, rows: pd.DataFrame) -> int:
        """Take in orders just read (ORDER_COLUMNS); how many were older than what is stored. When an order was first
        seen to hold nothing any more is kept, and so is its first export mark: that one says since when its level
        shows it, whatever is marked again later."""
        older = self._see("stock_orders", _ORDERS, ("id",), run_id, self._with_first_mark(rows), _CLOSED)
        execute(
            self.engine,
            "UPDATE stock_orders SET closed_at = modified_at "
            "WHERE id = ANY(:ids) AND NOT holds AND closed_at IS NULL",
            ids=list(rows["id"]),
        )
        return older

    def _with_first_mark(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows, each with the earlier of its mark and the one that is stored."""
        if rows["exported_at"].isna().all():
            return rows
        stored = self._read(
            "stock_orders",
            {"id": "text", "exported_at": "timestamptz"},
            " WHERE exported_at IS NOT NULL AND id = ANY(%(ids)s)",
            ids=rows["id"],
        ).set_index("id")["exported_at"]
        first = pd.Series(stored.reindex(pd.Index(rows["id"])).array, index=rows.index)
        earlier = (first < rows["exported_at"]).fillna(False)
        return rows.assign(exported_at=rows["exported_at"].mask(earlier, first))

    def see_buckets(self, run_id: str, rows: pd.DataFrame) -> set[str]:
        """Replace all buckets by `rows` (product_id, outlet_id, bucket, quantity, due_at); products that changed."""
        with transaction(self.engine) as connection:
            stored = _buckets(connection)
            both = stored.merge(
                rows,
                how="outer",
                on=["product_id", "outlet_id", "bucket"],
                suffixes=("_old", ""),
                indicator=True,
            )
            same = (both["_merge"] == "both") & (both["quantity"] == both["quantity_old"]).fillna(False)
            changed = set(both.loc[~same, "product_id"])
            if changed:
                execute(connection, "DELETE FROM stock_buckets")
                copy_frame_in(connection, "stock_buckets", rows.assign(run_id=run_id))
        return changed

    def unmet(
        self,
        table: StockTable,
        met: Collection[str],
        seen_before: datetime,
        *,
        outlets: Collection[str] | None = None,
    ) -> set[str]:
        """Ids of rows that count (levels and entries that are there, orders that hold goods), were last seen before
        that time (ledger's clock), and are not among `met`. A level's id is `product|outlet`; `outlets`: only those
        there."""
        name, counts = _IDS[table], _COUNTS[table]
        here = "" if outlets is None else " AND outlet_id = ANY(:outlets)"
        found = fetch_column(
            self.engine,
            f"SELECT {name} FROM {table} WHERE {counts} AND seen_at < :since{here}",
            since=seen_before,
            **{} if outlets is None else {"outlets": list(outlets)},
        )
        return set(found) - set(met)

    def mark_levels_gone(self, ids: Collection[str]) -> set[str]:
        """Mark levels as deleted that are proven to be gone; their products."""
        return set(self._end("stock_levels", "deleted_at = clock_timestamp()", "product_id", ids))

    def mark_entries_gone(self, ids: Collection[str]) -> set[str]:
        """As `mark_levels_gone`, for entries; their SKUs."""
        return set(self._end("stock_entries", "gone_at = clock_timestamp()", "sku", ids))

    def close_orders(self, ids: Collection[str]) -> list[str]:
        """Orders that are proven to be gone hold nothing any more; their `lines`."""
        return self._end("stock_orders", "holds = false, closed_at = clock_timestamp()", "lines", ids)

    def _end(self, table: StockTable, change: str, told: str, ids: Collection[str]) -> list[str]:
        return fetch_column(
            self.engine,
            f"UPDATE {table} SET {change}, changed_at = clock_timestamp() "
            f"WHERE {_COUNTS[table]} AND {_IDS[table]} = ANY(:ids) RETURNING {told}",
            ids=list(ids),
        )

    # ------------------------------------------------------------ looking

    def levels(self, products: Collection[str] | None = None) -> pd.DataFrame:
        """Levels, deleted ones included: LEVEL_COLUMNS and seen_at; all, or those of some products."""
        where = "" if products is None else " WHERE product_id = ANY(%(ids)s)"
        return self._read("stock_levels", {**_LEVELS, "seen_at": "timestamptz"}, where, ids=products)

    def entries(self, skus: Collection[str] | None = None) -> pd.DataFrame:
        """Entries that are not gone: ENTRY_COLUMNS; all, or those of some SKUs."""
        where = " WHERE gone_at IS NULL" + ("" if skus is None else " AND sku = ANY(%(ids)s)")
        return self._read("stock_entries", _ENTRIES, where, ids=skus)

    def count_offered(self, channels: Iterable[str]) -> int:
        """How many entries of these channels offer something."""
        found: int = fetch_value(
            self.engine,
            "SELECT count(*) FROM stock_entries "
            "WHERE gone_at IS NULL AND available > 0 AND channel = ANY(:channels)",
            channels=list(channels),
        )
        return found

    def open_orders(self, settled_before: datetime) -> pd.DataFrame:
        """Orders whose goods nobody has taken off a level yet: those that hold goods and are not exported, and those
        that were marked as exported, or closed, after that time only. One that was exported before that time and is
        completed now stays what it was: shown by its level."""
        where = (
            " WHERE (holds AND (exported_at IS NULL OR exported_at > %(after)s))"
            f" OR (NOT holds AND closed_at > %(after)s AND {_ENDED.format(after='%(after)s')})"
        )
        return self._read("stock_orders", _ORDERS, where, after=settled_before)

    def buckets(self, products: Collection[str] | None = None) -> pd.DataFrame:
        """product_id, outlet_id, bucket, quantity, due_at."""
        with transaction(self.engine) as connection:
            found = _buckets(connection)
        return found if products is None else found[found["product_id"].isin(list(products))]

    def levels_changed(self, since: datetime) -> set[str]:
        """Products with a level that changed after `since` (ledger's clock)."""
        return set(
            fetch_column(
                self.engine,
                "SELECT DISTINCT product_id FROM stock_levels WHERE changed_at > :since",
                since=since,
            )
        )

    def orders_changed(self, since: datetime) -> list[str]:
        """The `lines` of orders that changed after `since`."""
        return fetch_column(
            self.engine, "SELECT lines FROM stock_orders WHERE changed_at > :since", since=since
        )

    def orders_settling(self, before: datetime, after: datetime) -> list[str]:
        """The `lines` of orders that were marked as exported, or closed, between the two times: they stopped counting
        as open."""
        return fetch_column(
            self.engine,
            "SELECT lines FROM stock_orders "
            "WHERE (holds AND exported_at > :after AND exported_at <= :before) "
            "OR (NOT holds AND closed_at > :after AND closed_at <= :before "
            f"AND {_ENDED.format(after=':after')})",
            before=before,
            after=after,
        )

    # ------------------------------------------------------------ how

    def _see(
        self,
        table: str,
        columns: dict[str, str],
        keys: Sequence[str],
        run_id: str,
        rows: pd.DataFrame,
        besides: str = "",
        returns: str = "false",
    ) -> int:
        if rows.empty:
            return 0
        data = [name for name in columns if name not in (*keys, "version")]
        held = ", ".join(f"held.{name}" for name in data)
        order, named = ", ".join(keys), ", ".join(columns)
        extra = f", {besides}" if besides else ""

        def differs(given: str) -> str:
            """Whether a row says something that is not stored yet, and is not older than what is."""
            same = f"({held}) IS DISTINCT FROM ({', '.join(f'{given}.{name}' for name in data)})"
            return (
                f"{given}.version > held.version OR held.version IS NULL "
                f"OR ({given}.version = held.version AND ({same} OR {returns}))"
            )

        with transaction(self.engine) as connection:
            source, values = _incoming(connection, "incoming_stock", columns, rows[list(columns)])
            # What is stored as it came is sorted out before the insert, which would lock and log every row it meets.
            older: int = fetch_value(
                connection,
                f"""
                WITH newest AS (
                    SELECT DISTINCT ON ({order}) {named} FROM {source}
                    ORDER BY {order}, version DESC NULLS LAST
                ),
                told AS MATERIALIZED (
                    SELECT {", ".join(f"newest.{name}" for name in columns)},
                        newest.version < held.version AS older, {differs("newest")} AS differs
                    FROM newest LEFT JOIN {table} AS held USING ({order})
                ),
                written AS (
                    INSERT INTO {table} AS held ({named}, changed_at, seen_at, run_id)
                    SELECT {named}, clock_timestamp(), clock_timestamp(), :run_id FROM told
                    WHERE differs ORDER BY {order}
                    ON CONFLICT ({order}) DO UPDATE SET
                        {", ".join(f"{name} = excluded.{name}" for name in (*data, "version"))},
                        changed_at = CASE WHEN ({held}) IS DISTINCT FROM
                            ({", ".join(f"excluded.{name}" for name in data)})
                            THEN clock_timestamp() ELSE held.changed_at END,
                        seen_at = excluded.seen_at, run_id = excluded.run_id{extra}
                    WHERE {differs("excluded")}
                )
                SELECT count(*) FROM told WHERE older
                """,
                run_id=run_id,
                **values,
            )
        return older

    def _read(self, table: str, columns: dict[str, str], where: str, **values: Any) -> pd.DataFrame:
        bound = {
            name: list(value)
            if isinstance(value, (set, frozenset, tuple, list, pd.Index, pd.Series))
            else value
            for name, value in values.items()
            if value is not None
        }
        with transaction(self.engine) as connection:
            return copy_out(
                connection,
                f"SELECT {', '.join(columns)} FROM {table}{where}",
                {name: _KIND[kind] for name, kind in columns.items()},
                bound,
            )


def _buckets(connection: Connection) -> pd.DataFrame:
    columns = {
        "product_id": "text",
        "outlet_id": "text",
        "bucket": "text",
        "quantity": "count",
        "due_at": "time",
    }
    return copy_out(connection, f"SELECT {', '.join(columns)} FROM stock_buckets", columns)


def _incoming(
    connection: Connection, name: str, columns: dict[str, str], rows: pd.DataFrame
) -> tuple[str, dict[str, str]]:
    """Rows as a source that statements of this transaction can read, and what has to be bound with them. A few rows
    travel with the statement, because a temporary table costs more than they do."""
    if len(rows) <= FEW:
        # Column by column: a table of its rows as objects takes longer than the statement.
        cells = [
            [None if cell is pd.NaT or cell is pd.NA else cell for cell in rows[column].tolist()]
            for column in columns
        ]
        listed = list(zip(*cells, strict=True))
        few = incoming(connection, name, columns, listed)
        return few.source, dict(few.values)
    make_temporary(connection, name, columns)
    copy_frame_in(connection, name, rows)
    execute(connection, f"ANALYZE {name}")
    return name, {}
