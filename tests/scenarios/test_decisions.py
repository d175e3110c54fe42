"""What a person decides about holds, through whole runs over HTTP: what both systems show afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retail_sync.ledger.rows import Hold
from retail_sync.records.errors import ConfigurationFault
from retail_sync.sync.queries.hold_actions import choices, choose, partners, settle
from sandbox.shop import Shop
from tests.support.builders.customers import Peopled, peopled
from tests.support.runs import Ran
from tests.support.worlds import World, world_of

REVIEW = {"products": {"fields": {"name": {"owner": "review"}}}}
AMBIGUOUS = "UL-PFEIFE"
"""One article online, two at the till with the same SKU."""


@pytest.fixture
def reviewed(sample_shop: Shop, ledger_url: str, tmp_path: Path) -> Iterator[World]:
    """The sample shop, aligned; a person decides where a name was changed on both sides."""
    with world_of(sample_shop, ledger_url, tmp_path, REVIEW) as world:
        world.run("products", "full")
        yield world


def linked_sku(world: World) -> str:
    """An article that is linked and of which nothing is held, alone in its product."""
    held = {hold.subject for hold in world.holds()}
    by_id = {product["id"]: product for product in world.online_products()}
    for link in sorted(world.ledger.links.read("products", "variant"), key=lambda one: one.commercetools_id):
        product, _, number = link.commercetools_id.partition(":")
        current = by_id[product]["masterData"]["current"]
        subjects = {f"commercetools:{product}", f"commercetools:{link.commercetools_id}"}
        if not current["variants"] and number == str(current["masterVariant"]["id"]) and not subjects & held:
            return str(current["masterVariant"]["sku"])
    raise LookupError("no article is free of holds")


def name_online(world: World, sku: str) -> str:
    product, _ = world.online_variant(sku)
    return str(product["masterData"]["current"]["name"]["de-DE"])


def rename_both(world: World, sku: str, online: str, till: str) -> None:
    world.rename_online(world.online_variant(sku)[0], online)
    world.till.edit_product(world.till_product(sku)["id"], name=till)


def conflict_of(world: World, sku: str) -> Hold:
    """The hold of the article's name."""
    product, _ = world.online_variant(sku)
    subject = f"commercetools:{product['id']}"
    (found,) = [hold for hold in world.holds() if hold.subject == subject]
    assert (found.code, found.field) == ("conflict", "name.de-DE")
    return found


def decide(world: World, entity: str, *decisions: Any) -> None:
    """Keep decisions and let the next run look at what they are about, as the console does."""
    world.ledger.decisions.add(entity, list(decisions))
    subjects = {one.subject for one in decisions}
    about = {one.about for one in decisions}
    due = [hold for one in about for hold in world.ledger.holds.about(entity, one)]
    assert subjects <= {hold.subject for hold in due}
    world.ledger.holds.make_due([hold.id for hold in due])


def written(world: World, ran: Ran) -> list[tuple[str, str, dict[str, Any]]]:
    return [(c.system, c.outcome, dict(c.after)) for c in world.ledger.changes.read(ran.run_id)]


def quiet(world: World) -> None:
    """Runs of either kind have nothing to write any more."""
    before = world.state()
    world.forget_requests()
    for mode in ("delta", "full", "delta"):
        assert world.run("products", mode).accounts.changes == 0
    assert world.writes() == [] and world.state() == before


# ---------------------------------------------------------------- conflicts of products


@pytest.mark.parametrize(("side", "expected"), [("left", "Online"), ("right", "Kasse")])
def test_a_conflict_of_products_is_settled_for_one_side_in_one_run(
    reviewed: World, side: Any, expected: str
) -> None:
    sku = linked_sku(reviewed)
    rename_both(reviewed, sku, "Online", "Kasse")
    reviewed.run("products", "delta")
    conflict = conflict_of(reviewed, sku)
    assert choices(conflict) == ("settle", "retry", "dismiss")
    before = {hold.subject for hold in reviewed.holds()}
    decide(reviewed, "products", settle(conflict, side, "kim", "asked the shop"))
    reviewed.forget_requests()
    ran = reviewed.run("products", "delta")
    loser = "lightspeed" if side == "left" else "commercetools"
    assert written(reviewed, ran) == [(loser, "applied", {"name.de-DE": expected})]
    assert len(reviewed.writes(loser)) == len(reviewed.writes()) == 1
    assert (name_online(reviewed, sku), reviewed.till_product(sku)["name"]) == (expected, expected)
    assert {hold.subject for hold in reviewed.holds()} == before - {conflict.subject}
    (change,) = reviewed.ledger.changes.read(ran.run_id)
    winner = "commercetools" if side == "left" else "lightspeed"
    assert change.reasons == {"name.de-DE": f"changed on both sides; kim decided for {winner}"}
    quiet(reviewed)


def test_a_decision_means_nothing_once_a_value_has_moved_on(reviewed: World) -> None:
    sku = linked_sku(reviewed)
    rename_both(reviewed, sku, "Online", "Kasse")
    reviewed.run("products", "delta")
    first = conflict_of(reviewed, sku)
    decide(reviewed, "products", settle(first, "left", "kim"))
    reviewed.till.edit_product(reviewed.till_product(sku)["id"], name="Theke")
    reviewed.forget_requests()
    ran = reviewed.run("products", "delta")
    assert ran.accounts.changes == 0 and reviewed.writes() == []
    assert (name_online(reviewed, sku), reviewed.till_product(sku)["name"]) == ("Online", "Theke")
    again = conflict_of(reviewed, sku)
    assert again.id == first.id and again.fingerprint != first.fingerprint
    assert again.evidence["lightspeed"] == "Theke"
    decide(reviewed, "products", settle(again, "right", "kim"))
    reviewed.run("products", "delta")
    assert (name_online(reviewed, sku), reviewed.till_product(sku)["name"]) == ("Theke", "Theke")
    quiet(reviewed)


def test_an_edit_between_plan_and_write_is_never_overwritten_by_an_older_decision(reviewed: World) -> None:
    sku = linked_sku(reviewed)
    rename_both(reviewed, sku, "Online", "Kasse")
    reviewed.run("products", "delta")
    decide(reviewed, "products", settle(conflict_of(reviewed, sku), "right", "kim"))
    ran = reviewed.run(
        "products",
        "delta",
        before_load=lambda: reviewed.rename_online(reviewed.online_variant(sku)[0], "Ganz neu"),
    )
    assert name_online(reviewed, sku) == "Ganz neu" and reviewed.till_product(sku)["name"] == "Kasse"
    ((_, outcome, _),) = written(reviewed, ran)
    assert outcome == "failed"
    reviewed.clock_ahead = timedelta(days=2)
    reviewed.run("products", "delta")
    conflict = conflict_of(reviewed, sku)
    assert conflict.evidence["commercetools"] == "Ganz neu"


def test_an_edit_of_another_field_between_plan_and_write_leaves_the_decision_in_force(
    reviewed: World,
) -> None:
    sku = linked_sku(reviewed)
    rename_both(reviewed, sku, "Online", "Kasse")
    reviewed.run("products", "delta")
    decide(reviewed, "products", settle(conflict_of(reviewed, sku), "right", "kim"))
    product, _ = reviewed.online_variant(sku)

    def describe() -> None:
        reviewed.online.update(
            "products",
            [{"action": "setMetaTitle", "metaTitle": {"de-DE": "Neu"}, "staged": False}],
            id=product["id"],
        )

    ran = reviewed.run("products", "delta", before_load=describe)
    assert written(reviewed, ran) == [("commercetools", "applied", {"name.de-DE": "Kasse"})]
    after, _ = reviewed.online_variant(sku)
    assert after["masterData"]["current"]["metaTitle"] == {"de-DE": "Neu"}
    assert name_online(reviewed, sku) == "Kasse"
    quiet(reviewed)


def test_settings_that_changed_since_the_plan_refuse_what_a_person_decided(reviewed: World) -> None:
    sku = linked_sku(reviewed)
    rename_both(reviewed, sku, "Online", "Kasse")
    reviewed.run("products", "delta")
    decide(reviewed, "products", settle(conflict_of(reviewed, sku), "left", "kim"))

    def own() -> None:
        fields = {
            **reviewed.settings.products.model_dump(mode="json")["fields"],
            "name": {"owner": "lightspeed"},
        }
        data = reviewed.settings.model_dump(mode="json")
        data["products"]["fields"] = fields
        reviewed.settings = type(reviewed.settings).model_validate(data)

    reviewed.forget_requests()
    with pytest.raises(ConfigurationFault, match="outside ownership"):
        reviewed.run("products", "delta", before_load=own)
    assert reviewed.writes() == [] and reviewed.till_product(sku)["name"] == "Kasse"


def test_a_dry_run_shows_what_a_decision_would_do_and_does_not_use_it_up(reviewed: World) -> None:
    sku = linked_sku(reviewed)
    rename_both(reviewed, sku, "Online", "Kasse")
    reviewed.run("products", "delta")
    decide(reviewed, "products", settle(conflict_of(reviewed, sku), "left", "kim"))
    reviewed.forget_requests()
    dry = reviewed.run("products", "delta", dry_run=True)
    assert written(reviewed, dry) == [("lightspeed", "not_applied", {"name.de-DE": "Online"})]
    assert reviewed.writes() == []
    reviewed.run("products", "full")
    assert reviewed.till_product(sku)["name"] == "Online"
    quiet(reviewed)


# ---------------------------------------------------------------- partners of products


def articles(world: World) -> list[dict[str, Any]]:
    return [row for row in world.till.all_products() if row["sku"] == AMBIGUOUS]


def correct(world: World, article: str) -> None:
    """The other article gets a SKU of its own: the till changes no codes as long as two bear one."""
    world.till.edit_product(article, sku="UL-HUPE")
    world.clock_ahead = timedelta(days=2)
    world.run("products", "delta")


def test_a_chosen_partner_is_linked_and_the_other_one_is_left_as_it_is(sample: World) -> None:
    sample.run("products", "full")
    first, second = sorted(articles(sample), key=lambda row: str(row["id"]))
    online = next(h for h in sample.holds() if h.code == "ambiguous" and h.system == "commercetools")
    shown = partners(online)
    assert {one["id"] for one in shown} == {first["id"], second["id"]}
    assert all(one["sku"] == AMBIGUOUS and one["product"] for one in shown)
    assert choices(online) == ("choose", "retry", "dismiss")
    linked = {one.id for one in sample.ledger.links.read("products", "variant")}
    others = {hold.subject for hold in sample.holds() if hold.label != AMBIGUOUS}
    decide(sample, "products", choose(online, str(second["id"]), "kim", "the one with the cord"))
    sample.run("products", "delta")
    (link,) = [one for one in sample.ledger.links.read("products", "variant") if one.id not in linked]
    pair = (link.commercetools_id, link.lightspeed_id, link.matched_by)
    assert pair == (online.source_id, second["id"], "a person")
    product, _ = sample.online_variant(AMBIGUOUS)
    rows = {str(row["id"]): row for row in articles(sample)}
    assert rows[str(second["id"])]["name"] == product["masterData"]["current"]["name"]["de-DE"]
    # Nobody else is touched: the other article is held for a reason of its own, and made nowhere.
    assert rows[str(first["id"])] == first
    left = {hold.subject: hold.code for hold in sample.holds()}
    assert left[f"lightspeed:{first['id']}"] == "sku_duplicate" and "ambiguous" not in left.values()
    assert others <= left.keys()
    correct(sample, str(first["id"]))
    assert sample.till_product(AMBIGUOUS)["id"] == second["id"]
    assert sample.online_variant("UL-HUPE")[0]["id"] != product["id"]
    assert not [hold for hold in sample.holds() if hold.label in (AMBIGUOUS, "UL-HUPE")]
    quiet(sample)


def test_a_choice_is_linked_from_the_tills_side_as_well_and_edits_flow_from_then_on(sample: World) -> None:
    sample.run("products", "full")
    till = next(h for h in sample.holds() if h.code == "ambiguous" and h.system == "lightspeed")
    (partner,) = partners(till)
    decide(sample, "products", choose(till, str(partner["id"]), "kim"))
    sample.run("products", "delta")
    (link,) = sample.ledger.links.read("products", "variant", lightspeed_ids=[str(till.source_id)])
    assert link.commercetools_id == partner["id"]
    sample.rename_online(sample.online_variant(AMBIGUOUS)[0], "Trillerpfeife")
    sample.run("products", "delta")
    named = {str(row["id"]): row["name"] for row in articles(sample)}
    assert named.pop(str(till.source_id)) == "Trillerpfeife" and "Trillerpfeife" not in named.values()
    correct(sample, next(iter(named)))
    quiet(sample)


def test_a_choice_among_candidates_that_changed_meanwhile_links_nobody(sample: World) -> None:
    sample.run("products", "full")
    first, second = sorted(articles(sample), key=lambda row: str(row["id"]))
    online = next(h for h in sample.holds() if h.code == "ambiguous" and h.system == "commercetools")
    decide(sample, "products", choose(online, str(second["id"]), "kim"))
    sample.till.edit_product(str(second["id"]), sku="UL-HUPE")
    sample.run("products", "delta")
    linked = {link.lightspeed_id for link in sample.ledger.links.read("products", "variant")}
    # The one that still bears the SKU is the only candidate now, and matches by itself.
    (link,) = sample.ledger.links.read("products", "variant", commercetools_ids=[str(online.source_id)])
    assert (link.lightspeed_id, link.matched_by) == (first["id"], "sku") and first["id"] in linked
    assert not [h for h in sample.holds() if h.code == "ambiguous" and h.label == AMBIGUOUS]


# ---------------------------------------------------------------- conflicts of customers


@pytest.fixture
def ada(ledger_url: str, tmp_path: Path) -> Iterator[tuple[Peopled, str, str]]:
    """Ada, aligned: the shop, her account, her profile."""
    with peopled(ledger_url, tmp_path) as shop:
        account = shop.sign_up("ada@example.com", firstName="Ada", lastName="Byron")
        profile = shop.enrol(email="ada@example.com", first_name="Ada", last_name="Byron")
        shop.run("full")
        yield shop, account, profile


def marry(shop: Peopled, account: str, profile: str, online: str, till: str) -> None:
    """Both sides learn of another last name, at the same moment."""
    shop.edit_till(profile, last_name=till)
    shop.edit_online(account, {"action": "setLastName", "lastName": online})


def names(shop: Peopled, account: str, profile: str) -> tuple[str, str]:
    return str(shop.account(account)["lastName"]), str(shop.at_till(profile)["last_name"])


def still(shop: Peopled) -> None:
    before = shop.state()
    shop.world.forget_requests()
    for mode in ("delta", "full"):
        assert shop.run(mode).writes == 0
    assert shop.customer_writes() == [] and shop.state() == before


@pytest.mark.parametrize(("side", "expected"), [("left", "Lovelace"), ("right", "King")])
def test_a_conflict_of_customers_is_settled_for_one_side_in_one_run(
    ada: tuple[Peopled, str, str], side: Any, expected: str
) -> None:
    shop, account, profile = ada
    marry(shop, account, profile, "Lovelace", "King")
    shop.run()
    (conflict,) = shop.holds()
    assert conflict.field == "last_name" and choices(conflict) == ("settle", "retry", "dismiss")
    decide(shop.world, "customers", settle(conflict, side, "kim"))
    shop.world.forget_requests()
    assert shop.run().writes == 1
    assert names(shop, account, profile) == (expected, expected)
    assert len(shop.customer_writes()) == 1 and shop.holds() == []
    still(shop)


def test_a_decision_about_a_customer_means_nothing_for_other_values(ada: tuple[Peopled, str, str]) -> None:
    shop, account, profile = ada
    marry(shop, account, profile, "Lovelace", "King")
    shop.run()
    (first,) = shop.holds()
    decide(shop.world, "customers", settle(first, "left", "kim"))
    marry(shop, account, profile, "Lovelace", "Noel")
    shop.world.forget_requests()
    shop.run()
    assert names(shop, account, profile) == ("Lovelace", "Noel") and shop.customer_writes() == []
    (again,) = shop.holds()
    assert again.evidence["about"] != first.evidence["about"]
    decide(shop.world, "customers", settle(again, "right", "kim"))
    shop.run()
    assert names(shop, account, profile) == ("Noel", "Noel") and shop.holds() == []
    still(shop)


def test_an_edit_during_the_run_is_not_overwritten_by_a_decision_about_the_value_before(
    ada: tuple[Peopled, str, str],
) -> None:
    shop, account, profile = ada
    marry(shop, account, profile, "Lovelace", "King")
    shop.run()
    (conflict,) = shop.holds()
    decide(shop.world, "customers", settle(conflict, "left", "kim"))
    run = shop.run(before_load=lambda: shop.edit_till(profile, last_name="Noel"))
    assert names(shop, account, profile) == ("Lovelace", "Noel")
    assert run.writes == 0


def test_an_edit_of_another_field_during_the_run_leaves_the_decision_about_a_customer_in_force(
    ada: tuple[Peopled, str, str],
) -> None:
    shop, account, profile = ada
    marry(shop, account, profile, "Lovelace", "King")
    shop.run()
    (conflict,) = shop.holds()
    decide(shop.world, "customers", settle(conflict, "left", "kim"))
    shop.run(before_load=lambda: shop.edit_till(profile, mobile="0151 23456789"))
    assert names(shop, account, profile) == ("Lovelace", "Lovelace")
    assert shop.holds() == []


def test_nothing_that_is_kept_of_a_decision_tells_who_it_is_about(ada: tuple[Peopled, str, str]) -> None:
    shop, account, profile = ada
    marry(shop, account, profile, "Lovelace", "King")
    shop.run()
    (conflict,) = shop.holds()
    decide(shop.world, "customers", settle(conflict, "left", "kim"))
    shop.run()
    with shop.ledger.engine.connect() as connection:
        kept = [
            json.dumps(dict(row._mapping), default=str)
            for table in ("decisions", "holds", "changes", "mirror", "links")
            for row in connection.execute(sa.text(f"SELECT * FROM {table}"))
        ]
    assert kept and not [one for one in kept if "Lovelace" in one or "King" in one or "Byron" in one]
