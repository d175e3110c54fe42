"""Alembic migrations of the ledger. A released one is never changed; the next change is a new file."""
