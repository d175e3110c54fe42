"""Customers whom a list does not show, and customers who were made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.test_customers import settled
from tests.support.builders.customers import Peopled, peopled

PEOPLE = ("ada", "bob", "cyd", "dan", "eve", "flo")


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Peopled]:
    with peopled(ledger_url, tmp_path) as made:
        made.set(deletions={"in_commercetools": "delete", "in_lightspeed": "delete"})
        for name in PEOPLE:
            made.sign_up(f"{name}@example.com", firstName=name.title(), lastName="Byron")
        made.run("full")
        yield made


@pytest.mark.parametrize("system", ["commercetools", "lightspeed"])
@pytest.mark.parametrize("kind", ["short_list", "twice_list"])
def test_nobody_is_deleted_because_a_list_came_short(shop: Peopled, system: str, kind: str) -> None:
    before = shop.state()
    rule = {"match": "/customers$", "method": "GET", "times": None, "kind": kind}
    shop.world.faults[system].add(rule)
    assert shop.run("full").writes == 0
    shop.world.faults[system].clear()
    assert shop.state() == before
    settled(shop)


@pytest.mark.parametrize("kind", ["short_list", "empty_list"])
def test_nobody_is_deleted_because_an_answer_came_short_just_before_a_write(shop: Peopled, kind: str) -> None:
    """What a run is about to write it reads once more, many to a request."""
    accounts = [one["id"] for one in shop.accounts_online()]
    for account in accounts:
        shop.edit_online(account, {"action": "setFirstName", "firstName": "Ada"})

    def short() -> None:
        rule = {"match": "/customers$", "method": "GET", "times": None, "kind": kind, "share": 0.5}
        shop.world.faults["commercetools"].add(rule)

    shop.run(before_load=short)
    assert {one.fault for one in shop.world.requests("commercetools")} >= {kind}
    shop.world.faults["commercetools"].clear()
    assert {one["id"] for one in shop.accounts_online()} == {*accounts}
    assert [one["first_name"] for one in shop.profiles()] == ["Ada"] * len(PEOPLE)
    settled(shop)


def test_an_account_made_anew_is_linked_again_by_the_delta_though_deletions_are_followed(
    shop: Peopled,
) -> None:
    (old,) = [one for one in shop.accounts_online() if one["email"] == "ada@example.com"]
    profile = shop.partner(old["id"])
    shop.online.delete("customers", id=old["id"])
    new = shop.sign_up("ada@example.com", firstName="Ada", lastName="Byron")
    shop.run()
    assert shop.partner(new) == profile and shop.held() == {}
    assert not shop.at_till(profile).get("deleted_at")
    assert len(shop.profiles()) == len(PEOPLE)
    settled(shop)


def test_a_profile_made_anew_is_linked_again_by_the_delta(shop: Peopled) -> None:
    (account,) = [one for one in shop.accounts_online() if one["email"] == "bob@example.com"]
    shop.till.delete_customer(shop.partner(account["id"]))
    profile = shop.enrol(email="bob@example.com", first_name="Bob", last_name="Byron")
    shop.run()
    assert shop.partner(profile) == account["id"] and shop.held() == {}
    assert len(shop.accounts_online()) == len(PEOPLE)
    settled(shop)
