"""What `make setup` and a deployment install is pinned, file by file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "include/demo/uv.lock")
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s]+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    found = PIN.findall((ROOT / file).read_text(encoding="utf-8"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


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
    ("lock", "required"),
    [
        ("requirements.lock", "requirements.txt"),
        ("requirements-dev.lock", "requirements.txt"),
        ("requirements-dev.lock", "requirements-dev.txt"),
        ("include/demo/uv.lock", "include/demo/uv.txt"),
    ],
)
def test_a_lock_holds_what_is_required(lock: str, required: str) -> None:
    locked = pins(lock)
    assert {name: locked.get(name) for name in pins(required)} == pins(required)


def test_setup_takes_nothing_without_a_hash() -> None:
    script = (ROOT / "include" / "demo" / "setup.sh").read_text(encoding="utf-8")
    installs = [line for line in script.replace("\\\n", " ").splitlines() if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps --editable ." in line for line in installs), installs
