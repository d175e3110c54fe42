"""The ledger: one PostgreSQL database that remembers what was seen, agreed, planned, sent and refused.

Tables are described by `migrations` alone; what is asked and stored is a module a subject, and `Ledger` (in
`ledger.py`) opens them all. Statements are SQL, run by `statements.py`. Rows cross the border as the
frozen dataclasses of `rows.py`, one a kind of row.

This room knows canonical words (entity, kind, subject, system) and nothing of what they stand for: no field of
a record, no rule of the engine, no HTTP client, no configuration file, no Airflow. It may import `records` and
`transport.faces` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retail_sync.ledger.ledger import Ledger
    from retail_sync.ledger.migrate import upgrade

__all__ = ["Ledger", "upgrade"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: a DAG file that mentions the ledger must not pay for SQLAlchemy and Alembic.
    if name == "Ledger":
        from retail_sync.ledger.ledger import Ledger

        return Ledger
    if name == "upgrade":
        from retail_sync.ledger.migrate import upgrade

        return upgrade
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
