"""A rule set of stock is validated when it is loaded: what, on which line, and the way out."""

from __future__ import annotations

import pytest

from retail_sync.settings.loader import parse_settings
from tests.support.settings_files import refused

LOCATIONS = """
locations:
  - {name: Nord, outlet: Nord}
  - {name: Süd, outlet: Süd, channel: sued}
  - {name: Depot, outlet: Depot, owner: external, channel: depot}
"""


@pytest.mark.parametrize(
    ("inventory", "says"),
    [
        ("  channels: [{key: web, locations: [Nrod]}]", "no location 'Nrod'. What to do: Did you mean 'Nord'?"),
        ("  channels: [{key: web, locations: [Nord, Nord]}]", "'Nord' would feed channel 'web' twice"),
        ("  channels:\n  - {key: web, locations: [Nord]}\n  - {key: web, locations: [Süd]}", "'web' is declared twice"),
        ("  channels: [{key: web, locations: [Depot]}]", "external counts the stock of Depot"),
        ("  channels: [{key: sued, locations: [Nord]}]", "Süd names this channel, but is not among its locations"),
        ("  channels: [{key: web, locations: [Nord], fulfilled_by: Süd}]", "'Süd' does not feed channel 'web'"),
        ("  channels: [{key: web, locations: [Nord], shares: {Nord: 5}, aggregate: sum}]", "Shares mean nothing"),
        ("  channels: [{key: web, locations: [Nord], safety_stock_at: {Süd: 5}}]", "There is no location 'Süd' here"),
        ("  channels: [{key: web, locations: [Nord], floor: 5, show_at_most: 3}]", "nothing would be left"),
        ("  channels: [{key: web, locations: [Nord], pack_shows: packs}]", "Packs need a size"),
        ("  channels: [{key: web, locations: []}]", "channels[0].locations"),
        ("  channels: [{key: web, locations: [Nord], offer: {attribute: attr.x}}]", "belong together"),
        (
            "  channels: [{key: web, locations: [Nord], offer: {attribute: attr.x, attribute_value: 1}}]",
            "maps no 'attr.x'",
        ),
        ("  overrides: [{show_at_most: 3}]", "by exactly one of categories, tags, brands, skus"),
        ("  overrides: [{skus: [A], tags: [b]}]", "by exactly one of categories, tags, brands, skus"),
        ("  overrides: [{skus: [A], channels: [suend]}]", "no channel 'suend'. What to do: Did you mean 'sued'?"),
        ("  overrides: [{skus: [A], buffer_percent: 101}]", "buffer_percent"),
        ("  count_incoming: [Ost]", "There is no location 'Ost'"),
        ("  defaults: {pack_size: 0}", "pack_size"),
    ],
)  # fmt: skip
def test_a_rule_set_that_cannot_work_is_refused_by_line_with_the_way_out(inventory: str, says: str) -> None:
    told = refused(f"{LOCATIONS}\ninventory:\n{inventory}")
    assert says in told and "sync.yaml:" in told and "What to do" in told


@pytest.mark.parametrize(
    ("locations", "says"),
    [
        ("locations: [{name: A, outlet: A, owner: external}]", "no channel says what is there"),
        (
            "locations: [{name: A, outlet: A, channel: x}, {name: B, outlet: B, channel: x}]",
            "add it to `inventory.channels`",
        ),
        ("locations: [{name: A, outlet: A}, {name: B, outlet: A}]", "'A' is used by two locations"),
        ("locations: [{name: A, outlet: A, opening: {time_zone: Berlin}}]", "there is no time zone 'Berlin'"),
        (
            "locations: [{name: A, outlet: A, opening: {closed: [{first: 2026-02-01, last: 2026-01-01}]}}]",
            "last is before first",
        ),
    ],
)
def test_locations_that_contradict_each_other_are_refused(locations: str, says: str) -> None:
    assert says in refused(f"{locations}\ninventory:\n  channels: []")


def test_several_locations_may_share_a_channel_that_is_declared() -> None:
    settings = parse_settings(
        "locations: [{name: A, outlet: A, channel: x}, {name: B, outlet: B, channel: x}]\n"
        "inventory: {channels: [{key: x, locations: [A, B]}]}"
    )
    assert settings.inventory.channels[0].locations == ("A", "B")
