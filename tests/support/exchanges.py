"""Exchanges as the ledger kept them."""

from __future__ import annotations

from collections.abc import Collection

from retail_sync.ledger.api_calls import CHANGE_OF_EXCHANGE
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ExchangeRow
from retail_sync.ledger.statements import columns, fetch_as


def kept_exchanges(
    ledger: Ledger,
    *,
    run_id: str | None = None,
    change: str | None = None,
    ids: Collection[str] | None = None,
) -> list[ExchangeRow]:
    """Those of a run, of a change, or with one of these ids, the oldest first."""
    return fetch_as(
        ExchangeRow,
        ledger.engine,
        f"SELECT {columns(ExchangeRow, made=CHANGE_OF_EXCHANGE)} FROM exchanges "
        "WHERE run_id = :run_id OR context ->> 'change' = :change OR id = ANY(:ids) ORDER BY started_at, id",
        run_id=run_id,
        change=change,
        ids=list(ids or ()),
    )
