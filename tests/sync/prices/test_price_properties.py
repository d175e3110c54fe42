"""For random prices, rates, sides of tax and lists: converted, written, read back and compared, everything settles in
one run and nothing flaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from retail_sync.records.prices import Quote
from tests.sync.prices.paper import NOW, TILL_ROUNDS, Paper

CENTS = st.integers(1, 5_000_000).map(lambda cents: Decimal(cents) / 100)
FIVE = st.integers(1, 500_000_000).map(lambda units: Decimal(units) / 100_000)
RATES = st.sampled_from(
    ["0", "0.05", "0.07", "0.0825", "0.08875", "0.1", "0.15", "0.19", "0.2", "0.21", "0.255"]
).map(Decimal)
ROUNDINGS: st.SearchStrategy[dict[str, Any] | None] = st.sampled_from(
    [
        None,
        {},
        {"mode": "down"},
        {"mode": "half even", "step": "0.05"},
        {"endings": ["0.95", "0.99"]},
        {"endings": ["9.99"]},
    ]
)


@st.composite
def quotes(draw: Any, amounts: Any, with_tiers: bool) -> Quote:
    starts = sorted(draw(st.sets(st.integers(2, 500), max_size=3))) if with_tiers else []
    return Quote(draw(amounts), tuple((start, draw(amounts)) for start in starts))


@st.composite
def papers(draw: Any, owners: tuple[str, ...] = ("commercetools", "lightspeed")) -> Paper:
    owner = draw(st.sampled_from(owners))
    in_book = draw(st.booleans())
    one_way = owner in ("commercetools", "lightspeed")
    rounding = draw(ROUNDINGS) if one_way else None
    markup = draw(st.sampled_from(["0", "10", "-25", "33.3"])) if rounding is not None else "0"
    precise = draw(st.sampled_from([None, 4, 5, 8]))
    rate = draw(RATES)
    till_included = draw(st.booleans())
    paper = Paper(
        one={
            "name": "List",
            "owner": owner,
            "lightspeed": {"price_book": "Book"} if in_book else {"base": True},
            "commercetools": {"currency": "EUR", **({"high_precision_digits": precise} if precise else {})},
            "tax": draw(st.sampled_from(["included", "excluded"])),
            "markup_percent": markup,
            **({"rounding": rounding} if rounding is not None else {}),
        },
        online_included=draw(st.booleans()),
        till_included=till_included,
        online_rate=rate,
        till_rate=draw(st.one_of(st.just(rate), RATES)),
        book_rounds=draw(st.sampled_from(sorted(TILL_ROUNDS))),
        prices={"rules": {"price_jump": "off"}},
    )
    paper.online = draw(quotes(CENTS, in_book))
    typed = draw(quotes(CENTS if till_included else FIVE, in_book))
    paper.write_till(typed)
    return paper


@settings(max_examples=400)
@given(papers())
def test_a_price_settles_in_one_run_and_never_flaps(paper: Paper) -> None:
    first = paper.run()
    held = bool(first.holds)
    stands = (paper.online, paper.till)
    for _ in range(3):
        again = paper.run()
        assert again.changes == []
        assert bool(again.holds) == held
        assert (paper.online, paper.till) == stands


@settings(max_examples=300)
@given(papers())
def test_a_ledger_that_forgot_everything_finds_nothing_to_write_either(paper: Paper) -> None:
    paper.run()
    paper.link = None
    stands = (paper.online, paper.till)
    assert paper.run().changes == []
    assert (paper.online, paper.till) == stands


@settings(max_examples=300)
@given(
    papers(("newest", "review")), st.lists(st.tuples(st.sampled_from(["online", "till"]), CENTS), max_size=4)
)
def test_edits_on_either_side_travel_once_and_come_to_rest(
    paper: Paper, edits: list[tuple[str, Decimal]]
) -> None:
    paper.run()
    moment = NOW
    for side, amount in edits:
        moment += timedelta(hours=1)
        paper.moments[side] = moment
        paper.version += 1
        if side == "online":
            paper.online = Quote(amount)
        else:
            paper.write_till(Quote(amount))
        paper.run()
        stands = (paper.online, paper.till)
        assert paper.run().changes == []
        assert (paper.online, paper.till) == stands


@settings(max_examples=300)
@given(papers())
def test_what_is_written_shows_the_owners_price_to_the_customer_or_is_held(paper: Paper) -> None:
    """Where the list names no rounding, both sides cost a customer the same to the smallest unit."""
    if "rounding" in paper.one or paper.online_rate != paper.till_rate:
        return
    plan = paper.run()
    if plan.holds:
        return
    assert paper.online is not None and paper.till is not None
    rate = 1 + (paper.online_rate or 0)
    till_included = paper.till_included and not paper.in_book
    for online, till in zip(paper.online.amounts(), paper.till.amounts(), strict=True):
        gross_online = online if paper.online_included else online * rate
        gross_till = till if till_included else till * rate
        cent = Decimal("0.01")
        assert abs(gross_online - gross_till) < cent


@settings(max_examples=200)
@given(papers(), st.booleans())
def test_unknown_is_neither_no_price_nor_a_reason_to_write(paper: Paper, online: bool) -> None:
    given_ = paper.given()
    from retail_sync.sync.prices.planner import plan_prices

    if online:
        row = given_.variants["p:1"]
        rows = {"p:1": replace(row, fields={**row.fields, "offers": {}})}
        plan = plan_prices(replace(given_, variants=rows))
    else:
        if paper.in_book:
            return
        row = given_.articles["a"]
        plan = plan_prices(
            replace(given_, articles={"a": replace(row, fields={**row.fields, "amount": None})})
        )
    assert plan.changes == [] and plan.holds == []
