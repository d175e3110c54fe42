"""A plan of the prices of some articles is what the plan of all of them says about these."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from retail_sync.ledger import Ledger
from retail_sync.ledger.rows import Link, MirrorRow
from retail_sync.sync.prices.feeds import ARTICLES, ENTITY, ONLINE
from retail_sync.sync.prices.loading import PRODUCTS, load_given
from retail_sync.sync.prices.mirror import ARTICLE, VARIANT
from retail_sync.sync.prices.planner import PricePlan, plan_prices
from tests.support.links import pair
from tests.sync.prices.paper import LATER, NOW, Paper

LIST: dict[str, Any] = {"name": "L", "owner": "commercetools", "lightspeed": {"base": True}}
AMOUNTS = st.sampled_from(["10", "11", "0", "99"])
PLACES = range(6)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    def pairs() -> list[tuple[int, int]]:
        matched = zip(draw(st.permutations(PLACES)), draw(st.permutations(PLACES)), strict=True)
        return list(matched)[: draw(st.integers(0, 6))]

    return {
        "online": [draw(st.one_of(st.none(), AMOUNTS)) for _ in PLACES],
        "till": [draw(st.one_of(st.none(), AMOUNTS)) for _ in PLACES],
        "paired": pairs(),
        "agreed": [(*pair, draw(AMOUNTS)) for pair in pairs()],
        "articles": draw(st.sets(st.sampled_from(PLACES), max_size=3)),
    }


def keep(ledger: Ledger, world: dict[str, Any]) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("TRUNCATE mirror, links"))
    variants = [_variant(n, amount) for n, amount in enumerate(world["online"])]
    articles = [_article(n, amount) for n, amount in enumerate(world["till"])]
    ledger.mirror.see(ENTITY, VARIANT, ONLINE, "run", variants)
    ledger.mirror.see(ENTITY, ARTICLE, ARTICLES, "run", articles)
    ledger.links.add([_link(PRODUCTS, "variant", *pair, {}) for pair in world["paired"]])
    ledger.links.add(
        [
            _link(
                ENTITY,
                "L",
                online,
                till,
                dict.fromkeys(("commercetools", "lightspeed", "wanted"), {"amount": one}),
            )
            for online, till, one in world["agreed"]
        ]
    )


def _variant(number: int, amount: str | None) -> MirrorRow:
    offer = {
        "id": "o", "amount": amount, "from": None, "until": None, "tiers": [], "own": True, "version": None,
    }  # fmt: skip
    offers = {"L": [offer] if amount is not None else []}
    return MirrorRow(
        id=f"v{number}", parent_id="p", label=f"S{number}", digest=str(amount), version=1, modified_at=NOW,
        fields={"tax": "tax", "standalone": False, "offers": offers, "elsewhere": []},
        carry={"n": 1, "prices": {}},
    )  # fmt: skip


def _article(number: int, amount: str | None) -> MirrorRow:
    return MirrorRow(
        id=f"a{number}", label=f"S{number}", digest=str(amount), version=1, modified_at=NOW,
        fields={"amount": amount, "supply_price": None, "taxes": {}},
    )  # fmt: skip


def _link(entity: str, kind: str, online: int, till: int, base: dict[str, Any]) -> Link:
    return pair(f"v{online}", f"a{till}", entity, kind, base=base, run_id="run")


def told(plan: PricePlan, articles: set[str]) -> dict[str, Any]:
    """What a plan says about these articles."""
    return {
        "changes": [
            (one.case.article.id, one.case.variant.id, one.target, one.action, one.quote, one.reason)
            for one in plan.changes
            if one.case.article.id in articles
        ],
        "findings": [one for one in [*plan.holds, *plan.warnings] if one.id in articles],
        "agreed": [
            (case.article.id, case.variant.id, agreed)
            for case, agreed in plan.agreed
            if case.article.id in articles
        ],
        "status": {article: status for article, status in plan.status.items() if article in articles},
    }


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_the_plan_of_some_articles_is_the_plan_of_all(module_ledger: Ledger, world: dict[str, Any]) -> None:
    keep(module_ledger, world)
    rate = Decimal("0.19")
    paper = Paper(LIST, online_included=True, till_included=True, online_rate=rate, till_rate=rate).given()
    articles = {f"a{n}" for n in world["articles"]}
    part, whole = (
        plan_prices(load_given(module_ledger, paper.settings, paper.terms, LATER, some))
        for some in (articles, None)
    )
    assert told(part, articles) == told(whole, articles)
    assert set(part.status) <= articles
    assert set(part.retired) <= set(whole.retired)
    # A link that another article had with a variant of these is ended with either plan.
    mine = {f"v{online}" for online, till in world["paired"] if f"a{till}" in articles}
    ended = {
        one.id
        for one in module_ledger.links.read(ENTITY, "L")
        if one.id in whole.retired and (one.lightspeed_id in articles or one.commercetools_id in mine)
    }
    assert ended <= set(part.retired)
