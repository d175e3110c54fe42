"""Serve the console of a ledger while it is built: `python -m tests.console.serve LEDGER CONFIG STAGING`.

A browser is signed in with the cookie `who=admin` (or viewer).
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.loader import load_settings
from tests.support.console_app import house_of


def main(ledger_url: str, config: str, staging: str) -> None:
    with (
        Ledger.open(ledger_url) as ledger,
        house_of(ledger, load_settings(Path(config)), Path(staging)) as house,
    ):
        print(house.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:4])
