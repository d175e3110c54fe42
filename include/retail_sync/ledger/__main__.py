"""`python -m retail_sync.ledger`: migrate the database at RETAIL_SYNC_LEDGER (or at the URL given) to this version."""

from __future__ import annotations

import os
import sys

from retail_sync.ledger.engine import VARIABLE
from retail_sync.ledger.migrate import newest, upgrade
from retail_sync.records.errors import SyncError


def main() -> int:
    url = sys.argv[1] if len(sys.argv) > 1 else os.environ.get(VARIABLE)
    if not url:
        print(f"Set {VARIABLE}, or give the database URL as the argument.", file=sys.stderr)
        return 2
    try:
        upgrade(url)
    except SyncError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"The ledger is at version {newest()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
