"""What a synced record costs on disk. The figures are printed for the documentation, and held below a bound."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, MirrorRow, new_id
from retail_sync.records.types import digest
from tests.support.links import pair

RECORDS = 3_000


def fields(n: int) -> dict[str, Any]:
    """A variant as a fashion or household shop has it."""
    return {
        "sku": f"GS-{n:06}-BLU-M",
        "barcodes": [f"40063{n:08}"],
        "option_values": [["Colour", "Blue"], ["Size", "M"]],
        "price": 1999 + n,
        "supply_price": "8.75",
        "supplier_code": f"SUP-{n}",
        "active": True,
        "attr.material": "Enamelled steel",
        "attr.care": "Dishwasher safe, not suitable for microwave ovens",
        "attr.country-of-origin": "PT",
    }


def bytes_each(ledger: Ledger, table: str) -> int:
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE {table}"))
        size, rows = connection.execute(
            text(f"SELECT pg_total_relation_size('{table}'), count(*) FROM {table}")
        ).one()
    return int(size) // int(rows)


def test_a_synced_variant_stays_below_five_kilobytes(
    ledger: Ledger, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    ids = [(new_id(), new_id()) for _ in range(RECORDS)]
    for side, system in enumerate(("commercetools", "lightspeed")):
        rows = [
            MirrorRow(
                id=pair[side], parent_id=ids[n - n % 3][side], version=n, modified_at=now, label=fields(n)["sku"],
                digest=digest(fields(n)), fields=fields(n), carry={"variantId": n % 3, "slug": f"mug-{n}"},
                identity={"currency": "EUR"},
            )
            for n, pair in enumerate(ids)
        ]  # fmt: skip
        ledger.mirror.see("products", "variant", system, run_id, rows)
    links = [
        pair(ours, theirs, base=fields(n), run_id=run_id)
        for n, (ours, theirs) in enumerate(ids)
    ]  # fmt: skip
    ledger.links.add(links)
    changes = [
        ChangeRow(
            run_id=run_id, entity="products", kind="variant", subject=link.id, label=fields(n)["sku"],
            system="lightspeed", action="update", unit=link.id, source_id=link.commercetools_id, source_version=n,
            target_id=link.lightspeed_id, target_version=n, before={"price": n}, after={"price": n + 1},
            reasons={"price": "commercetools owns it"}, idempotency_key=new_id(),
        )
        for n, link in enumerate(links)
    ]  # fmt: skip
    ledger.changes.store(changes)
    ledger.changes.begin([change.id for change in changes])
    ledger.changes.settle(
        [
            ChangeOutcome(change_id=c.id, outcome="applied", exchange_ids=[new_id()], result_id=c.target_id)
            for c in changes
        ]
    )
    mirror, link_size, change = (bytes_each(ledger, table) for table in ("mirror", "links", "changes"))
    standing = 2 * mirror + link_size
    with capsys.disabled():
        print(
            f"\nbytes on disk a variant, indexes included: mirror 2 x {mirror} + link {link_size} = {standing}; "
            f"a change {change} (planned, begun, settled)"
        )
    assert standing < 5_000
    assert change < 4_000
