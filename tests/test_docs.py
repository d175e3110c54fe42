"""The documentation names what exists, leads to files that exist, and says of holds what the code says of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_sync.settings.models.products import ProductRules
from retail_sync.sync.engine.findings import RELEASES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATIONS = ROOT / "docs" / "operations.md"
DESIGN = ROOT / "docs" / "design.md"
CODE = [*ROOT.glob("include/**/*.py"), *ROOT.glob("dags/*.py"), *ROOT.glob("plugins/*.py")]

_SET_BY_OTHERS = {"NO_PROXY", "no_proxy"}
_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


def written() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def lines_about(code: str) -> list[str]:
    """Table rows of the operations page whose first cell names the code."""
    rows = OPERATIONS.read_text(encoding="utf-8").splitlines()
    return [row for row in rows if row.startswith("|") and f"`{code}`" in row.split("|")[1]]


@pytest.mark.parametrize("dag_id", sorted(path.stem for path in ROOT.glob("dags/*.py")))
def test_every_dag_is_mentioned(dag_id: str) -> None:
    assert f"`{dag_id}`" in written()


def variables_read() -> set[str]:
    """Environment variables the code reads: texts given to `os.environ` or `os.getenv`, and constants whose text is
    the name of one of ours."""
    found: set[str] = set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found.update(_asked_for(node))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.findall(r"RETAIL_SYNC_[A-Z_]+", node.value))
    return found - _SET_BY_OTHERS


def _asked_for(node: ast.AST) -> Iterator[str]:
    if (
        isinstance(node, ast.Call)
        and node.args
        and ast.unparse(node.func).endswith(("environ.get", "getenv"))
    ):
        asked: ast.expr = node.args[0]
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
        asked = node.slice
    else:
        return
    if isinstance(asked, ast.Constant) and isinstance(asked.value, str) and _NAME.fullmatch(asked.value):
        yield asked.value


def test_every_environment_variable_is_mentioned() -> None:
    read = variables_read()
    assert {"RETAIL_SYNC_LEDGER", "RETAIL_SYNC_CONFIG", "AIRFLOW_HOME"} <= read, (
        "the search finds what is known"
    )
    assert sorted(name for name in read if f"`{name}`" not in written()) == []


def test_every_make_target_is_mentioned() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert "demo" in targets
    assert [target for target in targets if f"`make {target}`" not in written()] == []


@pytest.mark.parametrize("code", sorted(RELEASES))
def test_what_releases_a_hold_is_said_in_the_words_of_the_code(code: str) -> None:
    rows = lines_about(code)
    assert any(row.endswith(f"| {RELEASES[code]} |") for row in rows), (
        f"operations.md, {code}: {RELEASES[code]}"
    )


@pytest.mark.parametrize("code", sorted(ProductRules.model_fields))
def test_a_rule_is_described_as_in_the_settings(code: str) -> None:
    field = ProductRules.model_fields[code]
    meaning = " ".join(str(field.description).split()).split(";")[0].removesuffix(".")
    start = f"| `{code}` | {field.default} | {meaning}"
    assert any(row.startswith(start) for row in lines_about(code)), (
        f"operations.md lacks a row that begins {start}"
    )


def refusal_codes() -> set[str]:
    """Codes the adapters give to refusals: `code="..."`, and the first argument of `rejected(...)`."""
    found: set[str] = set()
    for path in CODE:
        if not path.is_relative_to(ROOT / "include" / "retail_sync"):
            continue
        if path.relative_to(ROOT / "include" / "retail_sync").parts[0] not in (
            "commercetools",
            "lightspeed",
            "transport",
        ):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                given = [word.value for word in node.keywords if word.arg == "code"]
                if ast.unparse(node.func) == "rejected":
                    given += node.args[:1]
                found |= {text for value in given for text in _texts(value)}
    return found


def _texts(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)


def test_every_code_of_a_refusal_is_mentioned() -> None:
    codes = refusal_codes()
    assert {"refused", "sku_change", "not_a_family", "unaddressable"} <= codes, (
        "the search finds what is known"
    )
    page = OPERATIONS.read_text(encoding="utf-8")
    assert sorted(code for code in codes if f"`{code}`" not in page) == []


def test_the_tests_of_the_rules_are_named() -> None:
    files = ("tests/scenarios/test_twelve_rules.py", "tests/contracts/test_entities.py")
    source = "".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    tests = set(re.findall(r"^def (test_rule_\w+)", source, re.MULTILINE))
    named = set(re.findall(r"`(test_rule_\w+)`", DESIGN.read_text(encoding="utf-8")))
    everywhere = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "tests").rglob("test_*.py"))
    assert tests <= named <= set(re.findall(r"^(?:async )?def (test_rule_\w+)", everywhere, re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                yield page, target


@pytest.mark.parametrize(
    ("page", "target"), [pytest.param(page, target, id=f"{page.name}-{target}") for page, target in links()]
)
def test_every_relative_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    found = (page.parent / path).resolve() if path else page
    assert found.exists()
    if anchor:
        assert anchor in anchors(found)


def test_the_pages_speak_of_files_that_exist() -> None:
    """Paths in backticks that begin with one of our folders, and modules named by the end of their path."""
    named = set(re.findall(r"`((?:include|dags|plugins|tests|docs)/[\w./-]+)`", written()))
    assert sorted(path for path in named if not (ROOT / path).exists()) == []
    modules = set(re.findall(r"`([\w./]+\.py)`", written()))
    assert sorted(module for module in modules - {TO_COME} if not files_called(module)) == []


TO_COME = "r_series/connector.py"
"""What adding a series would make."""


def files_called(path: str) -> list[Path]:
    """Files of ours whose path ends with this one."""
    everything = (*CODE, *(ROOT / "tests").rglob("*.py"))
    return [file for file in everything if f"/{file.relative_to(ROOT)}".endswith(f"/{path}")]


def test_the_pages_speak_of_modules_that_exist() -> None:
    """Dotted names, such as those of commands: a package, a module, or a name in one."""
    named = set(re.findall(r"\b(?:retail_sync|sandbox|demo)(?:\.\w+)+", written()))
    assert "retail_sync.settings.reference" in named, "the search finds what is known"
    assert sorted(name for name in named if not is_there(name.split("."))) == []


def is_there(parts: list[str]) -> bool:
    base = ROOT / "include"
    for position, part in enumerate(parts):
        if (base / part).is_dir():
            base /= part
        elif (module := base / f"{part}.py").is_file():
            return all(mentions(module, name) for name in parts[position + 1 :])
        else:
            return position > 0 and all(mentions(base / "__init__.py", name) for name in parts[position:])
    return True


def mentions(file: Path, name: str) -> bool:
    return file.is_file() and re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")) is not None


def test_the_pages_speak_of_names_that_their_files_have() -> None:
    """`NAME` in `file.py`, as tables of what is assumed say it."""
    named = set(re.findall(r"`([A-Za-z_]\w+)`(?:, `\w+`)* in `([\w./]+\.py)`", written()))
    assert ("PROBE_SHARE", "ledger/budget.py") in named, "the search finds what is known"
    gone = [
        f"{name} in {path}" for name, path in named if not any(mentions(f, name) for f in files_called(path))
    ]
    assert sorted(gone) == []
