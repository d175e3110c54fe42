"""The search for private values in all that is kept."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pandas as pd
from sqlalchemy import text

from retail_sync.ledger.engine import transaction
from retail_sync.ledger.ledger import Ledger
from tests.support.worlds import World


class Kept(Protocol):
    """A shop whose runs leave something behind."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def world(self) -> World: ...


def everything_kept(shop: Kept) -> dict[str, str]:
    """All that is kept of a shop, by where: each table of the ledger, each staged file, every exchange."""
    found: dict[str, str] = {}
    with transaction(shop.ledger.engine) as connection:
        tables = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).scalars()
        for table in list(tables):
            rows = connection.execute(text(f'SELECT one::text FROM "{table}" AS one')).scalars()
            found[f"table {table}"] = "\n".join(rows)
    for file in shop.world.staging.rglob("*"):
        if file.is_file():
            found[file.name] = found.get(file.name, "") + _content(file)
    found["exchanges"] = "\n".join(
        f"{one.url} {one.request_headers} {one.request_body} {one.response_headers} {one.response_body} {one.error}"
        for one in shop.world.sink.exchanges
    )
    return found


def leaks(found: dict[str, str], planted: Iterable[str]) -> list[tuple[str, str, str]]:
    """Where, which, and what is around it; of numbers also other spellings are found."""
    wanted = list(planted)
    out: list[tuple[str, str, str]] = []
    for where, content in found.items():
        folded = content.casefold()
        digits = "".join(sign for sign in folded if sign not in " ()/-+")
        for value in wanted:
            at = folded.find(value)
            if at >= 0:
                out.append((where, value, content[max(0, at - 80) : at + 80]))
            elif value.isdigit() and value in digits:
                out.append((where, value, "as digits"))
    return out


def _content(file: Path) -> str:
    if file.suffix == ".parquet":
        return str(pd.read_parquet(io.BytesIO(file.read_bytes())).to_csv())
    read = file.read_bytes()
    return (gzip.decompress(read) if file.suffix == ".gz" else read).decode()
