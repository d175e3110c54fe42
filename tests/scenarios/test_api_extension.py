"""An API Extension of the merchant's rewrites and refuses our product writes (products since 24 September 2026)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from sandbox.commercetools.extensions import Extension, Refused, Trigger
from sandbox.shop import Shop
from tests.support.worlds import world_of

LONGEST = 12
WORDS = "Names of winter products are frozen until the catalogue is printed."
EDITED = 30


def trimmed_and_every_tenth_refused() -> Extension:
    """Trims blanks and cuts every name, and refuses each tenth product that it is asked about for the first time."""
    numbers = itertools.count(1)
    refused: dict[str, bool] = {}

    def respond(trigger: Trigger, product: dict[str, Any]) -> list[dict[str, Any]]:
        if refused.setdefault(product["id"], next(numbers) % 10 == 0):
            raise Refused(WORDS)
        name = product["masterData"]["staged"]["name"]
        short = {locale: text.strip()[:LONGEST].strip() for locale, text in name.items()}
        return [] if short == name else [{"action": "changeName", "name": short, "staged": False}]

    return Extension("merchant", "product", respond)


SETTINGS = {"products": {"fields": {"name": {"owner": "lightspeed"}}}}


def test_an_extension_that_trims_and_refuses_ends_in_holds_with_its_words_and_no_more_writes(
    sample_shop: Shop, ledger_url: str, tmp_path: Path
) -> None:
    with world_of(sample_shop, ledger_url, tmp_path, SETTINGS) as world:
        world.run("products", "full")
        links = world.ledger.links.read("products", "product")[:EDITED]
        world.online.project().extensions.append(trimmed_and_every_tenth_refused())
        for number, link in enumerate(links):
            world.till.edit_product(
                link.lightspeed_id, name=f"{number} a name of the till's, all winter long "
            )
        first = world.run("products", "full")
        assert (first.accounts.applied, first.accounts.failed) == (27, 3)
        refused = [hold for hold in world.holds() if WORDS in hold.message]
        assert len(refused) == 3
        before = world.state()
        world.forget_requests()
        second = world.run("products", "full")
        assert second.accounts.changes == 0
        assert world.writes() == []
        assert world.state() == before
        held = world.holds()
        assert sum(WORDS in hold.message for hold in held) == 3
        assert sum(hold.code == "value_not_kept" and hold.field.startswith("name") for hold in held) == 27
