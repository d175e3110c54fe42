"""The algebra of stock in random histories (see `histories`): a thousand here; 100,000 were played by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.histories import GAMES, play

HISTORIES = 130
"""Articles in each of the worlds, each with a history of its own."""


@pytest.mark.parametrize("seed", range(len(GAMES)), ids=[game.name for game in GAMES])
def test_no_write_offers_more_than_there_is_and_at_rest_exactly_the_intended_figure_is_offered(
    seed: int, ledger_url: str, tmp_path: Path
) -> None:
    played = play(seed, HISTORIES, ledger_url, tmp_path)
    assert played.written > HISTORIES, "little happened"
