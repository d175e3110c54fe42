"""Who is who: uniquely, of one name, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_sync.sync.customers.pairing import pair_up
from retail_sync.sync.customers.planner import plan_customers
from retail_sync.sync.customers.world import Ruling
from tests.support.population import make_population
from tests.sync.customers.paper import NOW, customer, link, people_of, settings, world

ADA = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Byron"}


def pairs(*people, **more):  # type: ignore[no-untyped-def]
    return {pair.ids for pair in pair_up(world(people, **more)).pairs}


@pytest.mark.parametrize(
    ("online", "till"),
    [
        ({"email": "Ada@example.com"}, {"email": "ada@EXAMPLE.com"}),
        ({"number": "K-17"}, {"number": "k-17"}),
        ({"loyalty_id": "77"}, {"loyalty_id": "77"}),
        ({"external_id": "l"}, {}),
        ({}, {"external_id": "c"}),
        (
            {"phone": "+493023125000", **ADA, "email": "a@example.com"},
            {"mobile": "+493023125000", **ADA, "email": ""},
        ),
    ],
)
def test_each_step_of_the_chain_finds_a_partner(online: dict[str, str], till: dict[str, str]) -> None:
    people = customer("commercetools", "c", **online), customer("lightspeed", "l", **till)
    assert pairs(*people) == {("c", "l")}


@pytest.mark.parametrize(
    "empty", [{}, {"email": ""}, {"email": "?no address"}, {"number": ""}, {"phone": "?12"}]
)
def test_empty_and_unreadable_identifiers_never_match(empty: dict[str, str]) -> None:
    assert pairs(customer("commercetools", "c", **empty), customer("lightspeed", "l", **empty)) == set()


@pytest.mark.parametrize(
    "address",
    ["?foo..bar@docomo.ne.jp", "?foo.@docomo.ne.jp", "?ada@my_shop.com", "ada@localhost", "?a@x.de, b@x.de"],
)
def test_an_address_that_is_not_valid_still_makes_one_pair_of_two_profiles(address: str) -> None:
    ada = {**ADA, "email": address}
    people = customer("commercetools", "c", **ada), customer("lightspeed", "l", **ada)
    assert pairs(*people) == {("c", "l")}
    assert [one for one in plan_customers(world(people)).changes if one.action == "create"] == []


def test_who_shares_one_of_several_addresses_in_a_field_is_not_made_a_second_time() -> None:
    people = [
        customer("lightspeed", "l", **{**ADA, "email": "?ada@x.de; ada@work.example"}),
        customer("commercetools", "c1", **{**ADA, "email": "ada@x.de"}),
        customer("commercetools", "c2", **{**ADA, "email": "ada@work.example"}),
    ]
    plan = plan_customers(world(people))
    assert plan.changes == []
    assert plan.holds


def test_nobody_gets_an_online_account_by_an_address_that_cannot_be_read() -> None:
    plan = plan_customers(world([customer("lightspeed", "l", **{**ADA, "email": "?foo..bar@docomo.ne.jp"})]))
    assert plan.changes == []
    assert [(one.subject, one.code) for one in plan.holds] == [("lightspeed:l", "email_invalid")]


def test_a_phone_number_alone_makes_no_pair() -> None:
    people = (
        customer("commercetools", "c", email="a@example.com", first_name="Ada", phone="+493023125000"),
        customer("lightspeed", "l", first_name="Ben", phone="+493023125000"),
    )
    assert pairs(*people) == set()


def test_two_who_bear_one_identifier_are_held_and_nobody_is_created() -> None:
    people = [
        customer("commercetools", "c", **ADA),
        customer("lightspeed", "l1", **ADA),
        customer("lightspeed", "l2", **{**ADA, "email": "ADA@example.com"}),
    ]
    plan = plan_customers(world(people))
    assert plan.changes == [] and plan.agreed == []
    assert {one.subject for one in plan.holds if one.code == "ambiguous"} == {
        "commercetools:c",
        "lightspeed:l1",
        "lightspeed:l2",
    }
    (evidence,) = [one.evidence for one in plan.holds if one.subject == "commercetools:c"]
    assert {one["id"] for one in evidence["candidates"]} == {"l1", "l2"}
    assert "name" in evidence["candidates"][0]["compared"]["same"]


def test_who_is_ambiguous_by_a_stronger_step_is_not_matched_by_a_weaker_one() -> None:
    people = [
        customer("commercetools", "c", number="1", **ADA),
        customer("lightspeed", "l1", number="1", email="x@example.com"),
        customer("lightspeed", "l2", number="1", **ADA),
    ]
    assert pairs(*people) == set()


def test_a_name_that_does_not_match_keeps_the_pair_for_a_person_and_is_overwritten_by_nobody() -> None:
    people = [
        customer("commercetools", "c", **ADA),
        customer("lightspeed", "l", **{**ADA, "first_name": "Grace", "last_name": "Hopper"}),
    ]
    plan = plan_customers(world(people))
    assert plan.changes == [] and [one.code for one in plan.holds] == ["name_differs"]
    assert {status for status, _ in plan.status.values()} == {"held"}
    approved = plan_customers(world(people, ruling=Ruling(same=frozenset({("c", "l")}))))
    assert approved.holds == [] or {one.code for one in approved.holds} == {"conflict"}
    assert approved.agreed[0].pair.ids == ("c", "l")
    apart = plan_customers(world(people, ruling=Ruling(apart=frozenset({("c", "l")}))))
    assert apart.agreed == []


@pytest.mark.parametrize(
    ("online", "till"),
    [
        (("Ada", "Byron"), ("ADA", "  byron ")),
        (("Jürgen", "Groß"), ("Juergen", "Gross")),
        (("Ada", "King-Byron"), ("Ada", "Byron")),
        (("Renée", "Müller"), ("Renee", "Mueller")),
        (("Ada", "Byron"), ("", "Byron")),
        (("Byron", "Ada"), ("Ada", "Byron")),
        (("Ada", "Byron"), ("", "")),
    ],
)
def test_spellings_of_one_name_are_one_name(online: tuple[str, str], till: tuple[str, str]) -> None:
    people = (
        customer("commercetools", "c", email="a@example.com", first_name=online[0], last_name=online[1]),
        customer("lightspeed", "l", email="a@example.com", first_name=till[0], last_name=till[1]),
    )
    assert pairs(*people) == {("c", "l")}


def test_who_looks_like_somebody_who_is_linked_already_is_not_made_a_second_time() -> None:
    people = [
        customer("commercetools", "c", **ADA),
        customer("lightspeed", "l", **ADA),
        customer("lightspeed", "l2", **{**ADA, "first_name": "A."}),
    ]
    plan = plan_customers(world(people, links=[link("c", "l")]))
    assert [one.action for one in plan.changes] == ["update"]  # only marks the pair
    assert {(one.subject, one.code) for one in plan.holds} == {("lightspeed:l2", "duplicate_profile")}
    ruled = plan_customers(
        world(people, links=[link("c", "l")], ruling=Ruling(out=frozenset({"lightspeed:l2"})))
    )
    assert ruled.holds == [] and ruled.status["lightspeed:l2"] == ("ignored", "ruled out by a person")


def test_two_profiles_with_one_number_are_a_question_and_a_household_is_only_told() -> None:
    number = "+493023125000"
    people = [
        customer(
            "lightspeed", "l1", email="a@example.com", first_name="Ada", last_name="Byron", phone=number
        ),
        customer(
            "lightspeed", "l2", email="b@example.com", first_name="Ada", last_name="King Byron", mobile=number
        ),
        customer("lightspeed", "l3", email="c@example.com", first_name="Byron", phone=number),
    ]
    plan = plan_customers(world(people))
    assert plan.changes == []
    assert {(one.subject, one.code) for one in plan.holds} == {
        ("lightspeed:l1", "duplicate_profile"),
        ("lightspeed:l2", "duplicate_profile"),
        ("lightspeed:l3", "duplicate_profile"),
    }
    household = [
        people[0],
        customer("lightspeed", "l4", email="d@example.com", first_name="Max", phone=number),
    ]
    told = plan_customers(world(household))
    assert told.holds == [] and len(told.changes) == 2
    assert {one.code for one in told.warnings} == {"phone_shared"}


def test_of_one_whole_name_and_nothing_to_tell_them_apart_nobody_is_created() -> None:
    bare = customer("lightspeed", "l", first_name="Ada", last_name="Byron")
    person = customer("commercetools", "c", **ADA)
    plan = plan_customers(world([person, bare]))
    assert plan.changes == [] and [one.code for one in plan.holds] == ["duplicate_profile"]
    other = customer("lightspeed", "l", first_name="Ada", last_name="Byron", email="other@example.com")
    assert {one.target for one in plan_customers(world([person, other])).changes} == {
        "commercetools",
        "lightspeed",
    }


def test_a_profile_merged_at_the_till_hands_its_link_on_to_its_heir() -> None:
    people = [
        customer("commercetools", "c", **ADA),
        customer("lightspeed", "old", deleted_at=NOW, **ADA),
        customer("lightspeed", "heir", **ADA),
    ]
    plan = plan_customers(world(people, links=[link("c", "old")]))
    assert [one.lightspeed_id for one in plan.retired] == ["old"]
    assert [one.pair.ids for one in plan.agreed] == [("c", "heir")]
    assert all(one.action == "update" for one in plan.changes)


def test_customers_of_other_stores_take_no_part_but_their_identity_is_taken() -> None:
    people = [
        customer("commercetools", "c", takes_part=False, **ADA),
        customer("lightspeed", "l", **ADA),
    ]
    plan = plan_customers(world(people))
    assert plan.changes == [] and [one.code for one in plan.holds] == ["duplicate_profile"]


def test_an_account_needs_an_address_so_who_has_none_stays_at_the_till() -> None:
    plan = plan_customers(world([customer("lightspeed", "l", first_name="Ada", phone="+493023125000")]))
    assert plan.changes == [] and plan.holds == []
    assert plan.status["lightspeed:l"][0] == "ignored" and "e-mail" in plan.status["lightspeed:l"][1]


@hypothesis_settings(max_examples=8)
@for_all(st.integers(0, 10_000), st.integers(20, 120))
def test_whatever_the_population_no_pair_is_wrong_and_nobody_is_made_twice(seed: int, size: int) -> None:
    found = make_population(size, 0.4, seed)
    plan = plan_customers(world(people_of(found)))
    truth = {(f"c{a}", f"l{b}") for a, b in found.pairs}
    for one in plan.agreed:
        ids = one.pair.ids
        assert found.online[int(ids[0][1:])].person == found.till[int(ids[1][1:])].person
    people = {"commercetools": {p.person for p in found.online}, "lightspeed": {p.person for p in found.till}}
    for change in plan.changes:
        if change.action == "create":
            side = found.online if change.source.system == "commercetools" else found.till
            assert side[int(change.source.id[1:])].person not in people[change.target]
    linked = {one.pair.ids for one in plan.agreed}
    assert len(linked & truth) == len(linked)


def test_the_settings_decide_who_is_created_where() -> None:
    people = [customer("commercetools", "c", **ADA), customer("lightspeed", "l", email="b@example.com")]
    assert plan_customers(world(people, settings(create=[]))).changes == []
    assert [one.target for one in plan_customers(world(people, settings(create=["lightspeed"]))).changes] == [
        "lightspeed"
    ]
