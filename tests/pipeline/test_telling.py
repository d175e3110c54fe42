"""What task logs look like."""

from __future__ import annotations

from retail_sync.sync.engine.text_tables import counts, hold_lines, table


def test_a_table_lines_up_text_left_and_numbers_right() -> None:
    assert table(["system", "rows"], [["commercetools", 12], ["lightspeed", 1234]]) == [
        "system          rows",
        "-------------  -----",
        "commercetools     12",
        "lightspeed     1,234",
    ]


def test_no_counts_are_said_and_not_shown_as_an_empty_table() -> None:
    assert counts("planned change", {}) == ["planned change: none"]


def test_holds_are_shown_once_each_and_the_rest_counted() -> None:
    first = [{"label": label, "message": "No price.", "code": "price_missing"} for label in ("A", "A", "B")]
    assert hold_lines(first, 9) == [
        "held: A: No price. (price_missing)",
        "held: B: No price. (price_missing)",
        "... and 6 more holds",
    ]
    assert hold_lines([], 0) == []
