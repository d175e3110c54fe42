"""Customer groups of a store, and which of them is which online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.api.models import read_live
from retail_sync.lightspeed.x_series.api.store import ALL_CUSTOMERS, same_name
from retail_sync.lightspeed.x_series.api.wire import Named
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.models.customers import GroupPair

PATH = "/customer_groups"
PAGE_SIZE = 200


@dataclass(frozen=True)
class Groups:
    """The live groups of a store, and the pairs that the configuration makes."""

    groups: Sequence[Named]
    pairs: Sequence[GroupPair]

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {group.id: group.name for group in self.groups}

    @cached_property
    def default_id(self) -> str | None:
        """The group of everybody who is in no other one; None where none of that name is there."""
        return self._id_named(ALL_CUSTOMERS)

    def key_of(self, group_id: str) -> str | None:
        """The online key of a group: "" for the one of everybody, None (unknown) where no pair names it."""
        name = self._names.get(group_id)
        if name is None:
            return None
        pair = next((one for one in self.pairs if same_name(one.lightspeed) == same_name(name)), None)
        if pair is not None:
            return pair.commercetools
        return "" if group_id == self.default_id else None

    def id_of(self, key: str) -> str | None:
        """The group for an online key, "" is that of everybody; None where there is not just one."""
        if not key:
            return self.default_id
        pair = next((one for one in self.pairs if one.commercetools == key), None)
        return None if pair is None else self._id_named(pair.lightspeed)

    def problem_of(self, pair: GroupPair) -> str | None:
        """Why a pair can't be used, as a sentence."""
        same = self._named(pair.lightspeed)
        if len(same) == 1:
            return None
        if same:
            return f"There are {len(same)} customer groups {pair.lightspeed!r}."
        known = ", ".join(sorted(group.name for group in self.groups)) or "none"
        return f"There is no customer group {pair.lightspeed!r}; the store has {known}."

    def require_all(self) -> None:
        """Raises ConfigurationFault naming every pair whose group is not there, or not the only one of its name."""
        problems = [problem for pair in self.pairs if (problem := self.problem_of(pair))]
        if problems:
            raise ConfigurationFault(" ".join(problems), system=SYSTEM, remedy=REMEDY)

    def _named(self, name: str) -> list[Named]:
        return [group for group in self.groups if same_name(group.name) == same_name(name)]

    def _id_named(self, name: str) -> str | None:
        same = self._named(name)
        return same[0].id if len(same) == 1 else None


REMEDY = "Create the group at the till, or correct `customers.groups`."


async def read_groups(client: XSeriesClient, pairs: Sequence[GroupPair]) -> Groups:
    """All live groups of the store. Their names say nothing of a person."""
    return Groups(await read_live(client, PATH, Named, page_size=PAGE_SIZE), pairs)
