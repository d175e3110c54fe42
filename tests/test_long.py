"""The list of tests that take long names tests that there are."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.support.long import LIST, long_tests, names_of

PROJECT = Path(__file__).parents[1]


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((PROJECT / file).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_line_names_a_test_that_is_there() -> None:
    for line in long_tests():
        file, test, _ = names_of(line)
        assert test == file or test.partition("::")[2] in functions_of(file), line


def test_no_line_is_there_twice_or_below_one_that_names_more() -> None:
    lines = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted(set(lines))
    for line in lines:
        assert not long_tests() & (set(names_of(line)) - {line}), line
