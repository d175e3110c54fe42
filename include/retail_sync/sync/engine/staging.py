"""Bulk data between tasks: raw pages as gzipped JSON lines, mapped tables as Parquet, small documents as JSON.

Only paths and counts travel through XCom. Names come from run, system and page number, so that a retried task
overwrites its own files. What each file held when it was written (its SHA-256, and the rows of pages and tables) is
kept in the ledger, and compared whenever the file is read: what is not as it was written is read from the systems
again, never believed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pandas as pd

from retail_sync.records.errors import ConfigurationFault, StagedDataDamaged
from retail_sync.records.types import canonical_json
from retail_sync.sync.engine.stores import SYSTEM, VARIABLE, Store, store_of

STEP = "staged "
"""Checkpoints of staged files begin with this, followed by the file's name."""
_READABLE = 100
"""So much of a run's id is in the name of its folder; a file system takes 255 bytes at most."""


class Register(Protocol):
    """Where the digests of a run's files are kept: the ledger's checkpoints."""

    def get(self, run_id: str, step: str) -> Mapping[str, Any] | None: ...

    def set(self, run_id: str, step: str, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Staging:
    """The staged files of one run. `root`: a folder's path, or an object storage path.

    Reading raises StagedDataDamaged where a file is not as it was written, or was never finished. Every method may
    raise ConfigurationFault and SystemUnavailable, as the store does. Used off the event loop only.
    """

    root: Any
    run_id: str
    register: Register

    def __post_init__(self) -> None:
        # Opened here, before any event loop runs: some object stores can't be opened inside one.
        assert self.store is not None

    @cached_property
    def store(self) -> Store:
        return store_of(self.root)

    @cached_property
    def folder(self) -> str:
        """The name of the run's folder. Run ids hold ':' and '+', which some stores refuse in names, and some stores
        take two spellings for one: the digest keeps runs apart that only such characters tell apart."""
        readable = re.sub(r"[^A-Za-z0-9_.-]", "-", self.run_id)[:_READABLE]
        return f"{readable}-{hashlib.sha256(self.run_id.encode()).hexdigest()[:16]}"

    def place(self, name: str) -> str:
        """Where a document is, for people."""
        return f"{self.store.place}/{self.folder}/{name}.json.gz"

    # --- pages ---

    def write_page(self, system: str, number: int, rows: list[dict[str, Any]]) -> None:
        for step, written in self.put_page(system, number, rows).items():
            self.register.set(self.run_id, step, written)

    def put_page(self, system: str, number: int, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Write a page that is not believed yet. What is given back makes it so once it is stored as a checkpoint."""
        lines = b"".join(canonical_json(row).encode() + b"\n" for row in rows)
        return self._put(_page(system, number), _packed(lines), rows=len(rows))

    def read_page(self, system: str, number: int) -> list[dict[str, Any]]:
        return [json.loads(line) for line in gzip.decompress(self._read(_page(system, number))).splitlines()]

    def pages(self, system: str, count: int) -> Iterator[list[dict[str, Any]]]:
        for number in range(count):
            yield self.read_page(system, number)

    # --- tables and documents ---

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        self._write(f"{name}.parquet", buffer.getvalue(), rows=len(frame))

    def read_table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(io.BytesIO(self._read(f"{name}.parquet")))

    def write_document(self, name: str, document: Any) -> None:
        self._write(f"{name}.json.gz", _packed(canonical_json(document).encode()))

    def read_document(self, name: str) -> Any:
        return json.loads(gzip.decompress(self._read(f"{name}.json.gz")))

    # --- bytes ---

    def _write(self, name: str, content: bytes, rows: int | None = None) -> None:
        """The file first, then its digest: whoever is killed between the two leaves a file that is not believed."""
        for step, written in self._put(name, content, rows).items():
            self.register.set(self.run_id, step, written)

    def _put(self, name: str, content: bytes, rows: int | None = None) -> dict[str, dict[str, Any]]:
        self.store.write(f"{self.folder}/{name}", content)
        about = {"bytes": len(content), "rows": rows, "host": socket.gethostname()}
        return {f"{STEP}{name}": {"sha256": _digest(content), **about}}

    def _read(self, name: str) -> bytes:
        written = self.register.get(self.run_id, f"{STEP}{name}")
        if written is None:
            raise self._damaged(name, "was not written to its end, or is to be read again")
        content = self.store.read(f"{self.folder}/{name}")
        if content is None:
            self._require_this_store(name, written)
            raise self._damaged(name, "is missing")
        if _digest(content) != written["sha256"]:
            rows = "" if written["rows"] is None else f" with {written['rows']} rows"
            raise self._damaged(
                name,
                f"is not what this run wrote: {len(content)} bytes were found, {written['bytes']} were written{rows}",
            )
        return content

    def _damaged(self, name: str, how: str) -> StagedDataDamaged:
        return StagedDataDamaged(
            f"The staged file {self.folder}/{name} in {self.store.place} {how}.", system=SYSTEM
        )

    def _require_this_store(self, name: str, written: Mapping[str, Any]) -> None:
        """Raises ConfigurationFault where the run's whole folder is on another machine."""
        here = socket.gethostname()
        if self.store.shared or written["host"] == here or self.store.has(self.folder):
            return
        raise ConfigurationFault(
            f"The staged file {self.folder}/{name} was written on {written['host']} and is not in "
            f"{self.store.place} on {here}.",
            system=SYSTEM,
            remedy=f"Set {VARIABLE} to a folder or an object store that all workers share, then trigger the DAG again.",
        )


def _page(system: str, number: int) -> str:
    return f"{system}/page-{number:05d}.jsonl.gz"


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=3, mtime=0)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
