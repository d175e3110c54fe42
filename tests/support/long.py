"""Which tests take long: those that `long.txt` names."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LIST = Path(__file__).parents[1] / "long.txt"


@cache
def long_tests() -> frozenset[str]:
    """The lines of the list: files, tests, and tests with parameters."""
    lines = LIST.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def names_of(nodeid: str) -> tuple[str, str, str]:
    """What the list may call a test: its file, the test, and the test with these parameters."""
    file, _, _ = nodeid.partition("::")
    test, _, _ = nodeid.partition("[")
    return file, test, nodeid
