"""Staged files are believed only as they were written, and are seen by their owner only."""

from __future__ import annotations

import gzip
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_sync.records.errors import ConfigurationFault, StagedDataDamaged, SyncError
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.stores import Folder, Objects, store_of
from tests.sync.kept import Kept

ROWS = [{"id": number, "name": f"Schuh\u2028{number}\r"} for number in range(40)]
RUN = "products/scheduled__2026-11-30T10:00:00+00:00"


class MemoryRoot:
    """An object storage path over fsspec's store in memory."""

    def __init__(self) -> None:
        self.fs = fsspec.filesystem("memory", skip_instance_cache=True)
        self.fs.store = {}
        self.fs.pseudo_dirs = [""]
        self.protocol, self.path = "memory", "/bucket/retail-sync-runs"


@pytest.fixture(params=["folder", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return tmp_path / "staging" if request.param == "folder" else MemoryRoot()


def staged(root: Any, run_id: str = RUN, register: Kept | None = None) -> Staging:
    return Staging(root, run_id, register or Kept())


def everything(staging: Staging) -> None:
    staging.write_page("lightspeed", 0, ROWS)
    staging.write_table("lightspeed/products", pd.DataFrame(ROWS))
    staging.write_document("lightspeed/terms", {"rows": ROWS})


READS: dict[str, Callable[[Staging], Any]] = {
    "lightspeed/page-00000.jsonl.gz": lambda staging: staging.read_page("lightspeed", 0),
    "lightspeed/products.parquet": lambda staging: staging.read_table("lightspeed/products"),
    "lightspeed/terms.json.gz": lambda staging: staging.read_document("lightspeed/terms"),
}


def test_what_was_staged_is_read_back(root: Any) -> None:
    staging = staged(root)
    everything(staging)
    assert staging.read_page("lightspeed", 0) == ROWS
    assert staging.read_table("lightspeed/products").to_dict("records") == ROWS
    assert staging.read_document("lightspeed/terms") == {"rows": ROWS}


def half_the_lines(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(b"".join(lines[: len(lines) // 2]))


def of_another_run(content: bytes) -> bytes:
    other = staged(root := MemoryRoot(), "products/another")
    other.write_page("lightspeed", 0, ROWS[:7])
    found = store_of(root).read(f"{other.folder}/lightspeed/page-00000.jsonl.gz")
    assert found is not None
    return found


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="0 bytes"),
        pytest.param(half_the_lines, id="half of its lines"),
        pytest.param(lambda content: content[: len(content) // 2], id="cut off"),
        pytest.param(of_another_run, id="of another run"),
        pytest.param(lambda _: b"garbage", id="garbage"),
        pytest.param(lambda content: content[:-1] + bytes([content[-1] ^ 1]), id="one bit"),
    ],
)
def test_a2_a_staged_file_that_is_not_as_it_was_written_is_a_named_error(
    root: Any, name: str, damage: Callable[[bytes], bytes]
) -> None:
    staging = staged(root)
    everything(staging)
    place = f"{staging.folder}/{name}"
    content = staging.store.read(place)
    assert content is not None
    if damage is half_the_lines and not name.endswith(".gz"):
        content = gzip.compress(content)
    staging.store.write(place, damage(content))
    with pytest.raises(StagedDataDamaged, match="is not what this run wrote"):
        READS[name](staging)


@pytest.mark.parametrize("name", READS)
def test_a2_a_staged_file_that_is_missing_is_a_named_error(root: Any, name: str) -> None:
    staging = staged(root)
    everything(staging)
    for folder in staging.store.runs():
        staging.store.remove(folder)
    with pytest.raises(StagedDataDamaged, match="is missing"):
        READS[name](staging)


@pytest.mark.parametrize("name", READS)
def test_a2_a_file_whose_writer_was_killed_before_its_digest_is_not_believed(root: Any, name: str) -> None:
    everything(staged(root))
    with pytest.raises(StagedDataDamaged, match="not written to its end"):
        READS[name](staged(root, register=Kept()))


def test_a_retry_overwrites_what_it_wrote_before(root: Any) -> None:
    staging = staged(root)
    staging.write_page("lightspeed", 0, ROWS)
    staging.write_page("lightspeed", 0, ROWS[:3])
    assert staging.read_page("lightspeed", 0) == ROWS[:3]


def test_a_writer_that_is_killed_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.write("run/page", b"as it was")

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.write("run/page", b"half of what is to")
    assert folder.read("run/page") == b"as it was"


def test_staged_files_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        everything(staged(tmp_path / "somewhere" / "retail-sync-runs"))
    finally:
        os.umask(old)
    below = list((tmp_path / "somewhere").rglob("*"))
    assert {stat.S_IMODE(one.stat().st_mode) for one in below if one.is_file()} == {0o600}
    assert {stat.S_IMODE(one.stat().st_mode) for one in below if one.is_dir()} == {0o700}


RUN_IDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=250)


@given(RUN_IDS, RUN_IDS)
def test_runs_that_differ_never_share_a_folder(one: str, other: str) -> None:
    first, second = staged(MemoryRoot(), one).folder, staged(MemoryRoot(), other).folder
    assert (first.casefold() == second.casefold()) == (one == other)
    assert len(first.encode()) <= 255
    assert "/" not in first


@pytest.mark.parametrize(("one", "other"), [("a:b", "a+b"), ("a/b", "a-b"), ("A", "a"), ("é", "e\u0301")])
def test_run_ids_that_differ_in_what_names_cannot_hold_have_folders_of_their_own(
    one: str, other: str
) -> None:
    assert staged(MemoryRoot(), one).folder.casefold() != staged(MemoryRoot(), other).folder.casefold()


def test_a_folder_of_another_machine_is_named_instead_of_read_again(tmp_path: Path) -> None:
    register = Kept()
    elsewhere = staged(tmp_path / "one", register=register)
    everything(elsewhere)
    step = "staged lightspeed/page-00000.jsonl.gz"
    register.set(RUN, step, {**(register.get(RUN, step) or {}), "host": "worker-1"})
    with pytest.raises(ConfigurationFault, match=r"worker-1.*RETAIL_SYNC_STAGING"):
        staged(tmp_path / "two", register=register).read_page("lightspeed", 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigurationFault, match="rights"):
        Folder(tmp_path / "below").write("run/page", b"")


class Broken:
    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    def pipe_file(self, path: str, content: bytes) -> None:
        raise self.problem


class ClientError(Exception):
    """As clients of object stores raise."""


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (FileNotFoundError("NoSuchBucket"), "does not exist.*never made"),
        (PermissionError("AccessDenied"), "rights"),
        (OSError(28, "No space left on device"), "retries by itself"),
        (ClientError("SlowDown"), "ClientError: SlowDown.*retries by itself"),
    ],
)
def test_errors_of_an_object_store_leave_as_ours(problem: Exception, says: str) -> None:
    with pytest.raises(SyncError, match=says):
        Objects(Broken(problem), "bucket/x", "s3://bucket/x").write("run/page", b"")


def test_a_defect_of_ours_is_not_taken_for_an_error_of_the_store() -> None:
    with pytest.raises(RuntimeError):
        Objects(Broken(RuntimeError("a defect")), "bucket/x", "s3://bucket/x").write("run/page", b"")
