"""What flows between two customers that are one: properties of every owner, every history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models.base import Owner
from retail_sync.sync.customers.merge import Decision, Sides, decide, decide_consent

START = datetime(2026, 11, 1, tzinfo=UTC)
SKEW = timedelta(minutes=2)
OWNERS: tuple[Owner, ...] = ("commercetools", "lightspeed", "newest", "review")
VALUES = ("", "a", "b", "c", "4111 1111")


def spelt(system: str, value: Any) -> Any:
    """How a system shows what it is sent: the till blanks out what looks like a card number."""
    return "****" if system == "lightspeed" and value == "4111 1111" else value


@dataclass
class Field:
    """One field of a pair, and both systems that hold it."""

    values: dict[str, Any]
    at: dict[str, datetime] = field(default_factory=lambda: {"commercetools": START, "lightspeed": START})
    base: tuple[Any, Any] | None = None
    writes: int = 0

    def edit(self, system: str, value: Any, minutes: int) -> None:
        self.values[system] = spelt(system, value)
        self.at[system] = max(self.at.values()) + timedelta(minutes=minutes)

    def sides(self) -> Sides:
        return Sides(
            self.values["commercetools"],
            self.values["lightspeed"],
            self.base,
            self.at["commercetools"],
            self.at["lightspeed"],
        )

    def run(self, owner: Owner) -> Decision:
        found = decide(owner, self.sides(), SKEW)
        if found.verdict == "agreed":
            self.base = (self.values["commercetools"], self.values["lightspeed"])
        if found.verdict == "write" and found.target is not None:
            self.writes += 1
            source = "lightspeed" if found.target == "commercetools" else "commercetools"
            self.values[found.target] = spelt(found.target, self.values[source])
            self.at[found.target] = max(self.at.values()) + timedelta(seconds=1)
            self.base = (self.values["commercetools"], self.values["lightspeed"])
        return found


edits = st.lists(
    st.tuples(st.sampled_from(("commercetools", "lightspeed")), st.sampled_from(VALUES), st.integers(3, 60)),
    max_size=6,
)


@given(st.sampled_from(OWNERS), st.sampled_from(VALUES), st.sampled_from(VALUES), edits)
def test_after_any_history_a_second_run_writes_nothing(
    owner: Owner, online: str, till: str, history: list[tuple[str, str, int]]
) -> None:
    one = Field({"commercetools": online, "lightspeed": spelt("lightspeed", till)})
    for system, value, minutes in history:
        one.edit(system, value, minutes)
        one.run(owner)
        written = one.writes
        one.run(owner)
        assert one.writes == written


@given(st.sampled_from(("commercetools", "lightspeed")), st.sampled_from(VALUES), edits)
def test_the_owners_value_is_never_changed_by_a_run(
    owner: SystemName, value: str, history: list[tuple[str, str, int]]
) -> None:
    one = Field({"commercetools": value, "lightspeed": spelt("lightspeed", value)})
    one.run(owner)
    for system, edited, minutes in history:
        one.edit(system, edited, minutes)
        before = one.values[owner]
        one.run(owner)
        assert one.values[owner] == before


@given(st.sampled_from(OWNERS), st.sampled_from(VALUES[1:4]), st.sampled_from(VALUES[1:]))
def test_an_edit_on_the_owning_side_arrives_in_one_run(owner: Owner, before: str, after: str) -> None:
    one = Field({"commercetools": before, "lightspeed": spelt("lightspeed", before)})
    one.run(owner)
    mover = "lightspeed" if owner == "lightspeed" else "commercetools"
    one.edit(mover, after, 10)
    one.run(owner)
    other = "commercetools" if mover == "lightspeed" else "lightspeed"
    assert one.values[other] == spelt(other, one.values[mover])


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize(("online", "till"), [("", "a"), ("a", "")])
def test_at_first_an_empty_value_never_wipes_out_a_filled_one(owner: Owner, online: str, till: str) -> None:
    one = Field({"commercetools": online, "lightspeed": till})
    one.run(owner)
    assert "a" in one.values.values()
    assert one.values["commercetools"] != "" or one.values["lightspeed"] != ""


@pytest.mark.parametrize("owner", OWNERS)
def test_a_value_that_is_emptied_later_is_emptied_on_the_other_side_too(owner: Owner) -> None:
    one = Field({"commercetools": "a", "lightspeed": "a"})
    one.run(owner)
    one.edit("lightspeed" if owner == "lightspeed" else "commercetools", "", 10)
    one.run(owner)
    assert set(one.values.values()) == {""}


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize(("online", "till"), [(None, "a"), ("a", None), (None, None)])
def test_what_one_side_does_not_say_is_left_alone(owner: Owner, online: Any, till: Any) -> None:
    assert decide(owner, Sides(online, till, None, START, START), SKEW).verdict == "nothing"


def test_two_changes_at_the_same_time_are_a_conflict_for_a_person() -> None:
    at = Sides("b", "c", ("a", "a"), START, START + timedelta(seconds=90))
    assert decide("newest", at, SKEW).verdict == "conflict"
    later = Sides("b", "c", ("a", "a"), START, START + timedelta(minutes=5))
    assert decide("newest", later, SKEW).target == "commercetools"
    assert decide("review", later, SKEW).verdict == "conflict"


# ---------------------------------------------------------------- consents

FLAGS = (True, False, None)
said = st.lists(st.tuples(st.sampled_from(("commercetools", "lightspeed")), st.booleans()), max_size=6)
trusted_sides = st.sampled_from(
    (("commercetools",), ("lightspeed",), ("commercetools", "lightspeed"))  # at least one side asks
)


@given(st.sampled_from(FLAGS), st.sampled_from(FLAGS), said, trusted_sides)
def test_a_yes_reaches_the_other_side_only_from_where_consent_is_asked_for(
    online: bool | None, till: bool | None, history: list[tuple[str, bool]], trusted: tuple[SystemName, ...]
) -> None:
    values: dict[str, bool | None] = {"commercetools": online, "lightspeed": till}
    base: tuple[Any, Any] | None = None
    for system, answer in [("commercetools", online), *history]:
        values[system] = answer
        for _ in range(2):
            sides = Sides(values["commercetools"], values["lightspeed"], base)
            found = decide_consent(sides, trusted)
            if found.verdict == "write" and found.target is not None:
                source = "lightspeed" if found.target == "commercetools" else "commercetools"
                if values[source] is True:
                    assert source in trusted
                values[found.target] = values[source]
            if found.verdict in ("write", "agreed"):
                base = (values["commercetools"], values["lightspeed"])
        again = decide_consent(Sides(values["commercetools"], values["lightspeed"], base), trusted)
        assert again.verdict != "write"


@given(st.sampled_from(FLAGS), trusted_sides, st.sampled_from(("commercetools", "lightspeed")))
def test_a_no_always_travels(other_says: bool | None, trusted: tuple[SystemName, ...], refusing: str) -> None:
    values: dict[str, bool | None] = {"commercetools": other_says, "lightspeed": other_says}
    base = (other_says, other_says) if other_says is not None else None
    values[refusing] = False
    sides = Sides(values["commercetools"], values["lightspeed"], base)
    found = decide_consent(sides, trusted)
    assert found.verdict == "agreed" if other_says is False else found.target != refusing and found.target


def test_a_consent_given_anew_where_it_is_asked_for_travels() -> None:
    agreed_no = (False, False)
    assert decide_consent(Sides(True, False, agreed_no), ("commercetools",)).target == "lightspeed"
    assert (
        decide_consent(Sides(False, True, agreed_no), ("commercetools",)).target == "lightspeed"
    )  # set back
