"""Which test tries to break which rule for which entity: the rules that never break (docs/design.md), times six.

A cell names tests as `file::test`, or a file all of whose tests are about it; or it says why no test is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ENTITIES = ("products", "prices", "inventory", "customers", "orders", "sales")


@dataclass(frozen=True)
class Because:
    """Why an entity can not break a rule."""

    reason: str


Cell = tuple[str, ...] | Because


def every(*tests: str, **more: Cell) -> Mapping[str, Cell]:
    """The same tests for all six, and what some have beside them."""
    return {entity: (*tests, *_tests(more.get(entity, ()))) for entity in ENTITIES}


def _tests(cell: Cell) -> tuple[str, ...]:
    return cell if isinstance(cell, tuple) else ()


ALIKE = "tests/contracts/test_entities.py::"
RULES = "tests/scenarios/test_twelve_rules.py::"
S = "tests/scenarios/test_"
SPELLED = S + "identifiers.py::"
CT = "tests/commercetools/test_"
LS = "tests/lightspeed/test_"
BY_LINKS = Because("It matches nothing by itself: it follows the links that products made.")
NEWEST_ROW = ("tests/ledger/test_mirror.py::test_older_never_wins_in_whatever_order_pages_arrive",)
"""The one rule of the mirror, by which it keeps what it has read."""

GUARDS: Mapping[int, Mapping[str, Cell]] = {
    1: every(
        ALIKE + "test_rule_1_no_failure_is_forgotten_because_its_window_has_passed",
        products=(RULES + "test_rule_1_a_cursor_never_hides_a_failure",),
    ),
    2: every(
        ALIKE + "test_rule_2_a_run_that_lost_a_change_fails_and_keeps_its_cursors",
        products=(RULES + "test_rule_2_a_run_that_lost_a_record_fails_and_keeps_its_cursors",),
    ),
    3: every(ALIKE + "test_rule_3_a_second_full_run_writes_nothing"),
    4: {
        "products": (
            RULES + "test_rule_4_missing_fields_change_nothing",
            RULES + "test_rule_4_a_lost_page_deletes_nothing",
            RULES + "test_rule_4_a_store_that_knows_nothing_at_all_deletes_nothing",
        ),
        "prices": (
            S
            + "prices.py::test_a_book_that_vanished_or_was_replaced_by_an_empty_one_takes_nothing_away_online",
        ),
        "inventory": (
            S
            + "inventory.py::test_a_level_that_is_not_sent_is_unknown_held_and_written_as_soon_as_it_is_known",
            S + "inventory.py::test_a_lost_page_of_levels_deletes_nothing",
        ),
        "customers": (S + "customers.py::test_a_deletion_is_reported_and_nothing_is_deleted_by_default",),
        "orders": (
            S
            + "orders_followed.py::test_an_order_that_was_deleted_is_not_tried_for_ever_and_its_sale_is_told_of",
        ),
        "sales": (S + "sales.py::test_a_void_cancels_the_order_once",),
    },
    5: {
        "products": (RULES + "test_rule_5_ambiguous_records_are_neither_linked_nor_created",),
        "prices": BY_LINKS,
        "inventory": (
            S + "inventory.py::test_two_articles_that_are_one_sku_online_are_held_and_neither_counts",
        ),
        "customers": ("tests/sync/customers/test_pairing.py",),
        "orders": (S + "orders.py::test_an_order_waits_for_its_customer_and_is_theirs_once_they_are_linked",),
        "sales": (S + "sales.py::test_a_sale_waits_for_its_customer_to_be_linked_however_much_later",),
    },
    6: {
        "products": (RULES + "test_rule_6_no_write_outside_ownership_even_if_the_plan_says_so",),
        "prices": (
            CT + "prices.py::test_prices_of_a_list_that_commercetools_owns_are_refused_whoever_planned_them",
            LS + "prices.py::test_prices_that_lightspeed_owns_are_refused_whoever_planned_them",
        ),
        "inventory": (
            S + "inventory_races.py::test_nothing_outside_ownership_is_written_even_if_the_plan_says_so",
        ),
        "customers": (
            CT + "customers.py::test_nothing_is_written_outside_ownership_whoever_planned_it",
            LS + "customers.py::test_no_field_is_written_that_the_settings_do_not_let_in",
        ),
        "orders": (
            S + "orders_followed.py::test_totals_that_differ_at_the_till_are_told_and_never_written_over",
        ),
        "sales": (S + "sales.py::test_nothing_is_read_or_written_without_a_target",),
    },
    7: every(
        ALIKE + "test_rule_7_a_worker_that_dies_leaves_nothing_twice",
        products=(
            RULES + "test_rule_7_a_creation_with_an_unknown_outcome_is_looked_up_and_never_made_twice",
        ),
        prices=(
            S + "prices.py::test_a_price_book_line_with_an_unknown_outcome_is_looked_up_and_never_made_twice",
        ),
        inventory=(
            S + "inventory_races.py::test_an_adjustment_without_an_answer_is_looked_up_and_never_made_twice",
        ),
        customers=(S + "customers.py::test_an_answer_that_never_came_makes_nobody_twice",),
        orders=(
            S + "orders_killed.py",
            S + "orders_followed.py::test_whatever_happens_to_a_write_there_is_exactly_one_sale",
        ),
        sales=(S + "sales.py::test_whatever_happens_to_an_import_there_is_one_order_with_its_mark",),
    ),
    8: {
        "products": (RULES + "test_rule_8_private_fields_stop_at_the_reader",),
        "prices": (
            CT + "prices.py::test_private_fields_of_a_price_are_not_read_and_not_lost",
            LS + "prices.py::test_private_fields_stop_at_the_reader",
        ),
        "inventory": (
            S
            + "inventory_races.py::test_personal_data_of_orders_reaches_neither_staging_nor_ledger_nor_exchanges",
        ),
        "customers": (S + "customer_privacy.py",),
        "orders": (
            S
            + "order_privacy.py::test_orders_that_are_sold_held_refused_paid_back_and_cancelled_leave_nothing_private",
        ),
        "sales": (
            S
            + "order_privacy.py::test_sales_that_are_taken_refused_changed_returned_and_voided_leave_nothing_private",
        ),
    },
    9: {
        "products": (RULES + "test_rule_9_money_is_sent_as_exact_decimals",),
        "prices": ("tests/sync/prices/test_price_properties.py",),
        "inventory": Because("It carries no money; quantities are whole parts of units."),
        "customers": (CT + "customers.py::test_everything_a_customer_has_is_in_its_field",),
        "orders": ("tests/sync/orders/test_exactness.py",),
        "sales": ("tests/sync/sales/test_amounts_and_documents.py",),
    },
    10: every(ALIKE + "test_rule_10_one_refused_write_stops_no_other"),
    11: {
        "products": (RULES + "test_rule_11_older_data_never_wins",),
        "prices": NEWEST_ROW,
        "inventory": (S + "inventory_races.py::test_an_older_page_that_comes_late_puts_nothing_back",),
        "customers": NEWEST_ROW,
        "orders": (
            S
            + "orders_followed.py::test_an_order_that_is_edited_between_plan_and_write_is_sold_as_it_is_then",
        ),
        "sales": ("tests/sync/sales/test_runs.py::test_an_older_page_changes_nothing",),
    },
    12: every(
        ALIKE + "test_rule_12_what_happens_between_plan_and_write_is_not_undone",
        products=(RULES + "test_rule_12_a_target_edited_between_plan_and_load_is_merged_again",),
        prices=(S + "prices.py::test_a_price_edited_between_plan_and_load_is_decided_anew_on_both_targets",),
        inventory=(S + "inventory_races.py::test_an_order_that_comes_between_plan_and_write_is_not_undone",),
        customers=(
            S + "customers.py::test_an_edit_during_the_run_is_never_overwritten_by_what_was_read_before",
        ),
        orders=(
            S + "orders_followed.py::test_an_order_that_is_cancelled_between_plan_and_write_is_not_sold",
        ),
        sales=(
            S
            + "sales.py::test_a_link_that_ends_before_the_write_keeps_the_sale_back_until_there_is_one_again",
        ),
    ),
    13: {
        "products": (S + "absence.py", S + "short_answers.py"),
        "prices": (
            S + "prices.py::test_a_standalone_price_that_a_short_list_leaves_out_is_not_taken_away",
            S + "short_answers.py",
        ),
        "inventory": (S + "inventory_absence.py", S + "short_answers.py"),
        "customers": (S + "absence_of_customers.py", S + "short_answers.py"),
        "orders": (
            S + "orders_followed.py::test_orders_from_before_a_day_that_was_moved_are_not_taken_for_deleted",
        ),
        "sales": Because(
            "That a sale is in no list means nothing to it: only the state of a sale that is shown does."
        ),
    },
    14: {
        "products": (S + "identifiers.py", "tests/records/test_identifiers.py"),
        "prices": BY_LINKS,
        "inventory": (
            SPELLED
            + "test_an_order_of_a_sku_that_was_changed_counts_for_and_sells_the_variant_it_was_placed_for",
        ),
        "customers": ("tests/records/test_people.py",),
        "orders": (
            SPELLED + "test_orders_of_two_variants_that_swapped_their_skus_stay_with_what_was_ordered",
        ),
        "sales": (S + "sales.py::test_an_article_that_is_not_sold_online_is_a_line_of_its_own_kind",),
    },
    15: {
        "products": (CT + "reading.py::test_a_price_whose_tax_is_unknown_is_unknown",),
        "prices": (S + "prices.py::test_a_price_that_does_not_come_back_is_held_with_both_figures",),
        "inventory": (LS + "stock_levels.py::test_a_row_that_names_no_product_or_outlet_is_not_guessed_at",),
        "customers": ("tests/records/test_people.py",),
        "orders": (
            CT + "orders.py::test_a_row_that_can_not_be_told_exactly_is_left_out_and_the_others_are_not",
        ),
        "sales": (LS + "sales.py::test_a_row_that_is_no_sale_is_told_and_stops_no_other",),
    },
    16: every("tests/contracts/test_readers.py", S + "odd_write_answers.py"),
    17: every(
        S + "late_wakers.py::test_rule_17_a_worker_that_wakes_after_its_work_was_taken_over_changes_nothing"
    ),
    18: every(
        CT + "preflight.py::test_any_other_catalogue_model_is_refused_by_name_for_every_entity",
        LS + "shapes.py",
    ),
}
