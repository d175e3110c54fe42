"""No cell of the table of rules and entities is empty, and each names tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from retail_sync.sync.registry import ENTITIES as REGISTERED
from tests.contracts.rules import ENTITIES, GUARDS, Because
from tests.support.plays import STAGES

PROJECT = Path(__file__).parents[2]


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("rule", GUARDS)
def test_every_entity_has_somebody_who_tries_to_break_the_rule(rule: int) -> None:
    assert tuple(GUARDS[rule]) == ENTITIES
    for entity, cell in GUARDS[rule].items():
        if isinstance(cell, Because):
            assert len(cell.reason) > 20, (rule, entity)
            continue
        assert cell, (rule, entity)
        for name in cell:
            file, _, test = name.partition("::")
            assert functions_of(file), name
            assert not test or test in functions_of(file), name


def test_the_table_has_every_rule_and_every_entity() -> None:
    pages = (PROJECT / "docs" / "design.md").read_text(encoding="utf-8")
    rules = {int(number) for number in re.findall(r"^\| (\d+) \| [A-Z]", pages, re.MULTILINE)}
    assert set(GUARDS) == rules
    assert set(ENTITIES) == set(REGISTERED) == set(STAGES)
