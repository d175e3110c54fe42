"""Two customer bases that overlap, aligned over HTTP and held against the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bases import CUSTOMERS, judge, move_in
from tests.support.builders.customers import peopled
from tests.support.population import make_population

SIZE, OVERLAP = 250, 0.3


@pytest.mark.parametrize("seed", [1])
def test_two_bases_become_one_and_nobody_is_doubled_or_mistaken(
    ledger_url: str, tmp_path: Path, seed: int
) -> None:
    with peopled(ledger_url, tmp_path, **CUSTOMERS, groups=[], consents={}, external_id_field=None) as shop:
        # The accounts are older than the profiles: which of two is the newest is no question.
        shop.online.clock.advance(hours=-1)
        bases = move_in(shop.online, shop.till, make_population(SIZE, OVERLAP, seed))
        shop.online.clock.run()

        run = shop.run("full")
        assert run.accounts.add_up and run.accounts.failed == 0
        assert run.plan.changes["commercetools create"] > 0 < run.plan.changes["lightspeed create"]
        found = judge(bases, shop.accounts_online(), shop.profiles(), shop.links(), shop.holds())
        print("", *found.lines(), sep="\n")
        assert found.precision == 1.0 and found.wrong == []
        assert found.silent == []
        assert found.doubled == found.loose == []
        assert found.apart == []
        assert found.recall > 0.9

        before, held = shop.state(), shop.held()
        shop.world.forget_requests()
        for mode in ("full", "delta"):
            assert shop.run(mode).accounts.changes == 0
        assert shop.customer_writes() == [] and shop.state() == before and shop.held() == held


def test_a_namesake_is_told_apart_by_what_his_partner_has_so_that_one_run_is_enough(
    ledger_url: str, tmp_path: Path
) -> None:
    ada = {"firstName": "Ada", "lastName": "Byron"}
    home = {"key": "home", "country": "DE", "phone": "+493023125017"}
    with peopled(ledger_url, tmp_path) as shop:
        known = shop.sign_up("ada@example.com", **ada, addresses=[home], defaultShippingAddress=0)
        namesake = shop.sign_up("another.ada@example.com", **ada)
        bare = shop.enrol(first_name="Ada", last_name="Byron", phone="030 23125017")
        shop.run("full")
        assert shop.partner(known) == bare and shop.partner(namesake) != bare
        assert shop.run("full").writes == 0 and len(shop.profiles()) == 2
