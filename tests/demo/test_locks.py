"""What `make setup` and a deployment install is what pyproject.toml declares, pinned file by file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock", "include/demo/uv.lock")
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s]+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    found = PIN.findall((ROOT / file).read_text(encoding="utf-8"))
    return {canonicalize_name(name): version for name, version in found}


def declared() -> Iterator[Requirement]:
    """What the package needs, with all of its extras."""
    yield from map(Requirement, PROJECT["project"]["dependencies"])
    for extra in PROJECT["project"]["optional-dependencies"].values():
        yield from map(Requirement, extra)


def of_groups() -> Iterator[Requirement]:
    """What demo, tests, linters and builds need."""
    for group in PROJECT["dependency-groups"].values():
        yield from (Requirement(entry) for entry in group if isinstance(entry, str))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    without = [
        entry.splitlines()[0]
        for entry in re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
        if "--hash=sha256:" not in entry
    ]
    assert pins(lock)
    assert without == []


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", [*declared()]),
        ("requirements-dev.lock", [*declared(), *of_groups()]),
    ],
)
def test_a_lock_holds_what_is_declared(lock: str, wanted: list[Requirement]) -> None:
    locked = pins(lock)
    assert wanted
    outside = [
        str(one) for one in wanted if locked.get(canonicalize_name(one.name), "0") not in one.specifier
    ]
    assert outside == []


def test_uv_itself_is_locked() -> None:
    assert pins("include/demo/uv.lock") == pins("include/demo/uv.txt")


def test_deployments_and_developers_run_the_same_releases() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_requirements_are_the_locked_releases_of_what_is_declared_but_for_airflow_itself() -> None:
    locked = pins("requirements.lock")
    names = {canonicalize_name(one.name) for one in declared()} - {
        "apache-airflow",
        "apache-airflow-task-sdk",
    }
    assert pins("requirements.txt") == {name: locked[name] for name in names}


def test_setup_takes_nothing_without_a_hash() -> None:
    script = (ROOT / "include" / "demo" / "setup.sh").read_text(encoding="utf-8")
    installs = [line for line in script.replace("\\\n", " ").splitlines() if "pip install" in line]
    bare = "--no-deps --no-build-isolation --editable ."
    assert all("--require-hashes" in line or bare in line for line in installs), installs
    assert set(PROJECT["build-system"]["requires"]) <= set(PROJECT["dependency-groups"]["build"])
