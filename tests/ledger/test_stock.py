"""Stock rows: older never wins, unchanged is not written, absence counts after a complete read only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.records.inventory import (
    BUCKET_COLUMNS,
    ENTRY_COLUMNS,
    LEVEL_COLUMNS,
    ORDER_COLUMNS,
    stock_table,
)

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


def levels(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return stock_table(LEVEL_COLUMNS, [(*row, *[None] * (5 - len(row))) for row in rows])


def entries(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return stock_table(ENTRY_COLUMNS, [(*row, NOW.isoformat()) for row in rows])


def orders(*rows: tuple[Any, ...], ended_by: str = "cancellation") -> pd.DataFrame:
    return stock_table(
        ORDER_COLUMNS,
        [
            (
                *(i, f"N{i}", v, NOW.isoformat(), NOW.isoformat(), holds),
                *(not holds and ended_by == "cancellation", exported, json.dumps(lines)),
            )
            for i, v, holds, exported, lines in rows
        ],
    )


def shown(ledger: Ledger) -> dict[tuple[str, str], int | None]:
    found = ledger.stock.levels()
    return {
        (p, o): None if pd.isna(level) else int(level)
        for p, o, level in zip(found["product_id"], found["outlet_id"], found["level"], strict=True)
    }


def test_an_older_level_never_overwrites_a_newer_one_and_is_counted(ledger: Ledger, run_id: str) -> None:
    assert ledger.stock.see_levels(run_id, levels(("p", "o", 500, 20))) == 0
    assert ledger.stock.see_levels(run_id, levels(("p", "o", 900, 19))) == 1
    assert shown(ledger) == {("p", "o"): 500}


def test_a_level_that_says_nothing_is_unknown_and_not_zero(ledger: Ledger, run_id: str) -> None:
    ledger.stock.see_levels(run_id, levels(("p", "o", None, 20), ("q", "o", -150_000, 21)))
    assert shown(ledger) == {("p", "o"): None, ("q", "o"): -150_000}


def test_the_newest_of_two_rows_in_one_read_counts_whatever_their_order(ledger: Ledger, run_id: str) -> None:
    ledger.stock.see_levels(run_id, levels(("p", "o", 2, 31), ("p", "o", 1, 30)))
    assert shown(ledger) == {("p", "o"): 2}


def test_rows_that_show_what_is_stored_are_not_written_again(ledger: Ledger, run_id: str) -> None:
    rows = levels(("p", "o", 500, 20), ("q", "o", 1, 21))
    ledger.stock.see_levels(run_id, rows)
    with ledger.engine.begin() as connection:
        before = connection.execute(text("SELECT xmin FROM stock_levels ORDER BY product_id")).scalars().all()
    ledger.stock.see_levels(run_id, rows)
    with ledger.engine.begin() as connection:
        after = connection.execute(text("SELECT xmin FROM stock_levels ORDER BY product_id")).scalars().all()
    assert before == after


def test_levels_a_complete_read_did_not_meet_are_told_and_deleted_by_proof_alone(
    ledger: Ledger, run_id: str
) -> None:
    ledger.stock.see_levels(run_id, levels(("p", "o", 1, 1), ("gone", "o", 1, 2)))
    began = ledger.now()
    ledger.stock.see_levels(run_id, levels(("new", "o", 1, 3)))
    unmet = ledger.stock.unmet("stock_levels", ["p|o"], began)
    assert unmet == {"gone|o"}
    assert ledger.stock.levels()["deleted_at"].isna().all()
    assert ledger.stock.mark_levels_gone(unmet) == {"gone"}
    deleted = ledger.stock.levels().set_index("product_id")["deleted_at"].notna()
    assert deleted.to_dict() == {"p": False, "gone": True, "new": False}
    assert ledger.stock.mark_levels_gone(unmet) == set()


def test_a_pair_of_sku_and_channel_has_one_entry_and_the_earlier_one_is_gone(
    ledger: Ledger, run_id: str
) -> None:
    ledger.stock.see_entries(run_id, entries(("e1", "A", "web", 5, 5, 1), ("e2", "A", "", 7, 6, 1)))
    ledger.stock.see_entries(run_id, entries(("e3", "A", "web", 1, 1, 1)))
    assert set(ledger.stock.entries()["id"]) == {"e2", "e3"}
    assert set(ledger.stock.entries(["B"])["id"]) == set()
    ledger.stock.mark_entries_gone(["e2"])
    assert set(ledger.stock.entries(["A"])["id"]) == {"e3"}


def test_an_entry_that_was_taken_for_gone_and_is_met_again_is_back(ledger: Ledger, run_id: str) -> None:
    met = entries(("e1", "A", "web", 5, 5, 1))
    ledger.stock.see_entries(run_id, met)
    ledger.stock.mark_entries_gone(["e1"])
    ledger.stock.see_entries(run_id, met)
    assert list(ledger.stock.entries()["id"]) == ["e1"]


def test_the_channel_of_no_channel_is_an_empty_text_and_not_unknown(ledger: Ledger, run_id: str) -> None:
    ledger.stock.see_entries(run_id, entries(("e1", "A", "", 5, 5, 1)))
    assert list(ledger.stock.entries()["channel"]) == [""]


def test_an_order_counts_as_open_until_its_export_or_its_end_has_settled(ledger: Ledger, run_id: str) -> None:
    exported = (NOW - timedelta(seconds=30)).isoformat()
    ledger.stock.see_orders(
        run_id,
        orders(
            ("o1", 1, True, None, [["A", "", 1]]),
            ("o2", 1, True, exported, [["B", "", 1]]),
            ("o3", 1, False, None, [["C", "", 1]]),  # closed at NOW
        ),
    )
    assert set(ledger.stock.open_orders(NOW - timedelta(seconds=60))["id"]) == {"o1", "o2", "o3"}
    assert set(ledger.stock.open_orders(NOW)["id"]) == {"o1"}
    assert set(ledger.stock.orders_settling(NOW, NOW - timedelta(seconds=60))) == {
        '[["B", "", 1]]',
        '[["C", "", 1]]',
    }


def test_an_order_exported_long_ago_is_not_open_again_when_it_is_completed(
    ledger: Ledger, run_id: str
) -> None:
    exported = (NOW - timedelta(hours=1)).isoformat()
    before = NOW - timedelta(seconds=60)
    ledger.stock.see_orders(run_id, orders(("o1", 1, True, exported, [["A", "", 1]])))
    assert ledger.stock.open_orders(before)["id"].tolist() == []
    completed = orders(("o1", 2, False, exported, [["A", "", 1]]), ended_by="completion")
    ledger.stock.see_orders(run_id, completed)
    assert ledger.stock.open_orders(before)["id"].tolist() == []
    assert ledger.stock.orders_settling(NOW, before) == []


def test_an_order_exported_long_ago_is_open_again_for_a_moment_when_it_is_cancelled(
    ledger: Ledger, run_id: str
) -> None:
    """What it reserved may be given back late, on top of a figure that has it already."""
    exported = (NOW - timedelta(hours=1)).isoformat()
    ledger.stock.see_orders(run_id, orders(("o1", 1, True, exported, [["A", "", 1]])))
    ledger.stock.see_orders(run_id, orders(("o1", 2, False, exported, [["A", "", 1]])))
    assert ledger.stock.open_orders(NOW - timedelta(seconds=60))["id"].tolist() == ["o1"]
    assert ledger.stock.open_orders(NOW)["id"].tolist() == []


def test_an_order_exported_long_ago_is_not_open_again_when_a_full_read_leaves_it_out(
    ledger: Ledger, run_id: str
) -> None:
    exported = (NOW - timedelta(hours=1)).isoformat()
    ledger.stock.see_orders(run_id, orders(("o1", 1, True, exported, [["A", "", 1]])))
    assert ledger.stock.unmet("stock_orders", [], ledger.now()) == set()
    assert ledger.stock.open_orders(NOW - timedelta(seconds=60))["id"].tolist() == []


def test_a_second_mark_does_not_make_an_exported_order_open_again(ledger: Ledger, run_id: str) -> None:
    first, second = (NOW - timedelta(hours=1)).isoformat(), (NOW - timedelta(seconds=5)).isoformat()
    ledger.stock.see_orders(run_id, orders(("o1", 1, True, first, [["A", "", 1]])))
    ledger.stock.see_orders(run_id, orders(("o1", 2, True, second, [["A", "", 1]])))
    assert ledger.stock.open_orders(NOW - timedelta(seconds=60))["id"].tolist() == []


def test_a_closed_order_that_is_edited_later_does_not_count_again(ledger: Ledger, run_id: str) -> None:
    ledger.stock.see_orders(run_id, orders(("o1", 1, True, None, [["A", "", 1]])))
    ledger.stock.see_orders(run_id, orders(("o1", 2, False, None, [["A", "", 1]])))
    edited = orders(("o1", 3, False, None, [["A", "", 1]])).assign(
        modified_at=pd.Timestamp(NOW + timedelta(days=1))
    )
    ledger.stock.see_orders(run_id, edited)
    assert ledger.stock.open_orders(NOW)["id"].tolist() == []


def test_open_orders_that_are_proven_to_be_gone_hold_nothing_any_more(ledger: Ledger, run_id: str) -> None:
    ledger.stock.see_orders(run_id, orders(("o1", 1, True, None, [["A", "", 1]]), ("o2", 1, True, None, [])))
    assert ledger.stock.unmet("stock_orders", ["o2"], ledger.now()) == {"o1"}
    assert list(ledger.stock.open_orders(ledger.now())["id"]) == ["o1", "o2"]
    assert ledger.stock.close_orders(["o1"]) == ['[["A", "", 1]]']
    assert list(ledger.stock.open_orders(ledger.now())["id"]) == ["o2"]


def test_nobody_looks_for_levels_at_an_outlet_that_does_not_count(ledger: Ledger, run_id: str) -> None:
    """A location that is given up takes a level of every product along."""
    ledger.stock.see_levels(run_id, levels(("p", "o", 1, 1), ("p", "closed", 1, 2)))
    now = ledger.now()
    assert ledger.stock.unmet("stock_levels", [], now) == {"p|o", "p|closed"}
    assert ledger.stock.unmet("stock_levels", [], now, outlets=["o"]) == {"p|o"}


def test_buckets_are_replaced_whole_and_tell_which_products_changed(ledger: Ledger, run_id: str) -> None:
    def buckets(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
        return stock_table(BUCKET_COLUMNS, [(*row, None) for row in rows])

    assert ledger.stock.see_buckets(run_id, buckets(("p", "o", "held", 2), ("q", "o", "held", 1))) == {
        "p",
        "q",
    }
    assert ledger.stock.see_buckets(run_id, buckets(("p", "o", "held", 3), ("q", "o", "held", 1))) == {"p"}
    assert ledger.stock.see_buckets(run_id, buckets(("q", "o", "held", 1))) == {"p"}
    assert ledger.stock.see_buckets(run_id, buckets(("q", "o", "held", 1))) == set()
    assert set(ledger.stock.buckets()["product_id"]) == {"q"}


def test_a_sku_with_characters_that_need_care_comes_back_as_it_was(ledger: Ledger, run_id: str) -> None:
    sku = 'T-"1", größe\n2; \\N'
    ledger.stock.see_entries(run_id, entries(("e1", sku, "web", 5, 5, 1)))
    assert list(ledger.stock.entries([sku])["sku"]) == [sku]
