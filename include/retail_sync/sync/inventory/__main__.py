"""`python -m retail_sync.sync.inventory SKU [SKU ...] [--channel KEY]`: why each channel shows what it shows, from
what the ledger saw last. Nothing is read from the systems, nothing is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.errors import SyncError
from retail_sync.settings.loader import load_settings
from retail_sync.sync.inventory.explanation import explain
from retail_sync.sync.inventory.scope import last_layout


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m retail_sync.sync.inventory", description="Explain figures of stock."
    )
    parser.add_argument("skus", nargs="+", metavar="SKU")
    parser.add_argument("--channel", help="only this channel (key; '(no channel)' for entries without one)")
    chosen = parser.parse_args(arguments)
    try:
        settings = load_settings()
        with Ledger.open() as ledger:
            layout = last_layout(ledger, settings, datetime.now(UTC))
            if layout is None:
                print(
                    "No inventory run has read the locations of this configuration yet. Run the DAG `inventory`."
                )
                return 1
            found = explain(ledger, settings, layout, chosen.skus, chosen.channel)
    except SyncError as problem:
        print(problem, file=sys.stderr)
        return 2
    for explanation in found:
        print("\n".join(explanation.lines()))
    missing = [sku for sku in chosen.skus if sku not in {explanation.sku for explanation in found}]
    for sku in missing:
        print(f"{sku}: no article of the till is linked to this SKU.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
