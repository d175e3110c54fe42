"""Both stand-ins with two customer bases that overlap, in a process of their own (see `server`).

`python -m tests.benchmarks.customerserver 5000`: that many profiles on each side.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from sandbox.commercetools import CommercetoolsStore
from sandbox.lightspeed import LightspeedStore
from tests.benchmarks.server import StandIns, an_hour_ago
from tests.support.bases import COUNTRY, CUSTOMERS, customer_type, move_in
from tests.support.population import make_population

OVERLAP, SEED = 0.3, 7


class CustomerShops(StandIns):
    orders = ("ids", "people", "later", "edit")

    def __init__(self, size: int) -> None:
        # The accounts are older than the profiles.
        self.clock = an_hour_ago()
        super().__init__(CommercetoolsStore(clock=self.clock), LightspeedStore())
        self.online.set_project(currencies=["EUR"], countries=[COUNTRY], languages=["de"])
        self.online.create("types", customer_type())
        self.till.add_register("Till", self.till.add_outlet("Shop"))
        self.bases = move_in(self.online, self.till, make_population(size, OVERLAP, SEED))
        self.clock.run()

    # --- orders ---

    def ids(self) -> dict[str, list[str]]:
        """Ids of all profiles that were there at first, by position in the population."""
        return {"online": self.bases.online, "till": self.bases.till}

    def people(self) -> dict[str, list[dict[str, Any]]]:
        """Everybody, as both systems show them."""
        return {
            "online": self.online.all("customers"),
            "till": [_judged(row) for row in self.till.all_customers()],
        }

    def later(self) -> bool:
        """An hour has passed online."""
        self.clock.advance(hours=1)
        return True

    def edit(self, online: Sequence[str], till: Sequence[str]) -> int:
        """These accounts get another family name, these profiles another telephone number."""
        for number, record in enumerate(online):
            self.online.update(
                "customers", [{"action": "setLastName", "lastName": f"Neuname{number}"}], id=record
            )
        for number, record in enumerate(till):
            self.till.edit_customer(record, phone=f"+4930231261{number:04d}")
        # A window ends a minute behind the clock.
        self.clock.advance(minutes=2)
        return len(online) + len(till)


def _judged(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "first_name", "last_name", "email", "phone")}


def main() -> None:
    size = int(sys.argv[1])
    CustomerShops(size).serve({"customers": CUSTOMERS})


if __name__ == "__main__":
    main()
