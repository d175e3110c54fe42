"""What keeps a price back, and what a till's lines come to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.ports.prices import TaxLine
from retail_sync.records.prices import Book, OnlineTerms, Quote, TaxTerm, TillTerms
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.prices import PriceList
from retail_sync.sync.prices.feeds import Terms
from retail_sync.sync.prices.ownership import require_ownership
from retail_sync.sync.prices.planner import change_row
from retail_sync.sync.prices.quotes import lines_of, till_standing
from retail_sync.sync.prices.taxes import compare_taxes, differing_rates
from tests.sync.prices.paper import Paper

BASE: dict[str, Any] = {"name": "L", "owner": "commercetools", "lightspeed": {"base": True}}
BOOK: dict[str, Any] = {"name": "L", "owner": "commercetools", "lightspeed": {"price_book": "B"}}


def paper(one: dict[str, Any], **more: Any) -> Paper:
    rate = Decimal("0.19")
    made = Paper(one, online_included=True, till_included=True, online_rate=rate, till_rate=rate)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def codes(made: Paper) -> list[tuple[str, str]]:
    plan = made.run()
    return [(f.code, f.severity) for f in [*plan.holds, *plan.warnings]]


def test_a_block_keeps_back_all_prices_of_the_article_and_off_looks_at_nothing() -> None:
    negative = paper(BASE, online=Quote(Decimal(-1)), till=Quote(Decimal(5)))
    assert codes(negative) == [("price_negative", "block")] and negative.till == Quote(Decimal(5))
    zero = paper(
        BASE, online=Quote(Decimal(0)), till=Quote(Decimal(5)), prices={"rules": {"price_zero": "off"}}
    )
    assert codes(zero) == [] and zero.till == Quote(Decimal(0))


@pytest.mark.parametrize(("new", "held"), [("14.28", False), ("14.29", True), ("7", False), ("6.99", True)])
def test_a_jump_is_the_same_share_up_and_down_from_the_last_price_both_agreed_on(
    new: str, held: bool
) -> None:
    made = paper(BASE, online=Quote(Decimal(10)), till=Quote(Decimal(10)))
    made.run()
    made.online = Quote(Decimal(new))
    assert codes(made) == ([("price_jump", "hold")] if held else [])
    assert (made.till == Quote(Decimal(new))) is not held


def test_a_jump_of_a_step_counts_too() -> None:
    made = paper(BOOK, online=Quote(Decimal(10), ((10, Decimal(8)),)))
    made.run()
    made.online = Quote(Decimal(10), ((10, Decimal("0.8")),))
    assert codes(made) == [("price_jump", "hold")]


def test_a_first_alignment_is_no_jump() -> None:
    made = paper(BASE, online=Quote(Decimal(10)), till=Quote(Decimal(1000)))
    assert codes(made) == [] and made.till == Quote(Decimal(10))


def test_a_list_that_flows_one_way_holds_what_would_go_the_other() -> None:
    made = paper(
        {**BASE, "owner": "review", "direction": "to_lightspeed"},
        online=Quote(Decimal(10)),
        till=Quote(Decimal(10)),
    )
    made.run()
    made.till = Quote(Decimal(11))
    assert codes(made) == [("price_direction", "hold")] and made.online == Quote(Decimal(10))


def test_without_a_tax_that_is_known_nothing_that_needs_one_is_written() -> None:
    made = paper(BOOK, online=Quote(Decimal(10)), online_rate=None, till_rate=None)
    assert codes(made) == [("price_tax_unknown", "hold")] and made.till is None
    without = paper(BASE, online=Quote(Decimal(10)), till=Quote(Decimal(9)), online_rate=None, till_rate=None)
    assert codes(without) == [] and without.till == Quote(Decimal(10))


def test_a_price_that_a_target_alters_is_sent_once_and_then_held() -> None:
    made = paper(BASE, online=Quote(Decimal(10)), till=Quote(Decimal(9)))
    made.write_till = lambda quote: setattr(made, "till", Quote(Decimal("9.95")))  # type: ignore[method-assign]
    assert len(made.run().changes) == 1
    for _ in range(2):
        plan = made.run()
        assert plan.changes == [] and [hold.code for hold in plan.holds] == ["value_not_kept"]
    made.online = Quote(Decimal(12))
    assert len(made.run().changes) == 1, "another price is worth another try"


# ---------------------------------------------------------------- lines of a price book


def entries(*lines: tuple[str | None, str | None, str]) -> list[MirrorRow]:
    return [
        MirrorRow(
            id=f"e{n}",
            digest="",
            fields={"book": "book", "amount": amount, "tax": "t", "min": low, "max": high},
        )
        for n, (low, high, amount) in enumerate(lines)
    ]


def standing(*lines: tuple[str | None, str | None, str]) -> Any:
    terms = TillTerms(True, "EUR", {"t": Decimal("0.19")}, {}, {}, {"L": Book("book")})
    article = MirrorRow(id="a", digest="", fields={"amount": "1", "supply_price": None, "taxes": {}})
    return till_standing(PriceList.model_validate(BOOK), article, entries(*lines), terms)


def test_lines_that_follow_each_other_are_steps() -> None:
    found = standing(("10", None, "8"), (None, "9", "10"))
    assert found.quote == Quote(Decimal(10), ((10, Decimal(8)),))
    assert standing(("0", "4", "3"), ("5", None, "2")).quote == Quote(Decimal(3), ((5, Decimal(2)),))
    assert standing().known and standing().quote is None


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([("2.5", None, "1")], "a quantity is not a whole number"),
        ([("5", None, "1")], "there is no price below 5 units"),
        ([(None, "4", "1")], "the price from 1 on ends at 4 units"),
        ([(None, "4", "2"), ("10", None, "1")], "the price from 1 on ends at 4 units"),
        ([(None, None, "2"), ("1", None, "1")], "two lines begin at 1"),
    ],
)
def test_lines_that_no_steps_can_be_made_of_are_told(lines: list[Any], problem: str) -> None:
    found = standing(*lines)
    assert found.quote is None and found.problem == problem


def test_steps_become_lines_that_never_overlap() -> None:
    quote = Quote(Decimal(10), ((5, Decimal(9)), (20, Decimal(8))))
    found = [(line.min_units, line.max_units, line.amount) for line in lines_of(quote, "t")]
    assert found == [(None, 4, Decimal(10)), (5, 19, Decimal(9)), (20, None, Decimal(8))]


# ---------------------------------------------------------------- ownership and taxes


def test_a_write_that_todays_settings_forbid_is_refused_whoever_planned_it() -> None:
    made = paper(BASE, online=Quote(Decimal(10)), till=Quote(Decimal(9)))
    from retail_sync.sync.prices.planner import plan_prices

    (planned,) = plan_prices(made.given()).changes
    change = change_row(planned, "run")
    require_ownership([change], made.settings())
    for owner in ("lightspeed", "none"):
        made.one["owner"] = owner
        with pytest.raises(ConfigurationFault, match="in lightspeed is outside ownership"):
            require_ownership([change], made.settings())
        made.one = {**BASE}


def taxes(*lists: dict[str, Any], **more: Any) -> SyncSettings:
    classes = [{"name": "Standard", "commercetools": "s", "lightspeed": "S"}]
    return SyncSettings.model_validate(
        {
            "products": {"price": {"owner": "none"}, "tax_classes": classes},
            "prices": {"lists": list(lists), **more},
        }
    )


def online(rate: str, included: bool = True, parts: tuple[str, ...] = ()) -> TaxLine:
    return TaxLine("Standard", "s: DE", "DE", Decimal(rate), tuple(map(Decimal, parts)), included)


def till(rate: str | None, included: bool = True, parts: tuple[str, ...] = ()) -> TaxLine:
    return TaxLine(
        "Standard", "S", "", None if rate is None else Decimal(rate), tuple(map(Decimal, parts)), included
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "level", "says"),
    [
        ([online("0.19")], [till("0.19")], "ok", "19 % on both sides (DE)"),
        ([online("0.19")], [till("0.2")], "warning", "19 % in commercetools (DE), 20 % at the till"),
        ([], [till("0.2")], "warning", "its tax category has no rate for a country of any list"),
        (
            [online("0.13", parts=("0.05", "0.08"))], [till("0.13")], "warning",
            "13 % is made of 5 % + 8 % in commercetools (DE), of one part at the till",
        ),
        (
            [online("0.13", parts=("0.05", "0.08"))], [till("0.13", parts=("0.08", "0.05"))], "ok",
            "13 % on both sides",
        ),
    ],
)  # fmt: skip
def test_taxes_of_both_systems_are_compared(
    ours: list[TaxLine], theirs: list[TaxLine], level: str, says: str
) -> None:
    found = compare_taxes(ours, theirs, taxes(BASE), date(2026, 11, 25))
    first = next(one for one in found if one.subject == "tax class Standard")
    assert first.level == level and says in first.finding


def test_sides_of_tax_that_differ_are_a_warning_where_a_list_can_not_be_exact() -> None:
    def told(one: dict[str, Any]) -> tuple[str, str]:
        found = compare_taxes([online("0.19", False)], [till("0.19", True)], taxes(one), date(2026, 11, 25))
        return next((f.level, f.finding) for f in found if f.subject == "list L")

    level, finding = told(BASE)
    assert level == "warning" and "without tax in commercetools and with tax at the till" in finding
    assert told({**BASE, "rounding": {}})[0] == "ok"
    assert told({**BASE, "commercetools": {"high_precision_digits": 5}})[0] == "ok"


def test_an_old_exchange_rate_is_told() -> None:
    rates = [{"source": "GBP", "target": "EUR", "rate": "1.16", "as_of": "2026-10-01"}]
    found = compare_taxes([], [], taxes(BASE, exchange_rates=rates), date(2026, 11, 25))
    assert [(one.level, one.subject) for one in found] == [("warning", "exchange rate GBP to EUR")]


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [("0.19", "0.19", []), ("0.19", "0.16", ["19 %", "16 %"]), ("0.19", None, [])],
)
def test_rates_are_compared_by_every_run(ours: str, theirs: str | None, differ: list[str]) -> None:
    """A rate can be changed in place, long after preflight."""
    terms = Terms(
        OnlineTerms({"L": {"category": TaxTerm(Decimal(ours), True)}}, {"category": "s"}),
        TillTerms(
            tax_included=True,
            currency="EUR",
            rates={"tax": None if theirs is None else Decimal(theirs)},
            defaults={},
            outlets={},
            tax_names={"tax": "S"},
        ),
    )
    found = differing_rates(terms, taxes(BASE))
    assert len(found) == bool(differ)
    assert all(rate in str(one) for one in found for rate in differ)
