"""Bulk data between tasks: raw pages as gzipped JSON lines, mapped tables as Parquet, small documents as JSON.

Only paths and counts travel through XCom. Names come from run, system and page number, so that a retried task
overwrites its own files. The root is any path object (a local folder, or an object store's path).
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from include.records.types import canonical_json


@dataclass(frozen=True)
class Staging:
    """The staged files of one run. `root` shows the `pathlib.Path` face (`/`, `open`, `mkdir`)."""

    root: Any
    run_id: str

    @property
    def folder(self) -> Any:
        # Run ids hold ':' and '+', which some stores refuse in names.
        return self.root / re.sub(r"[^A-Za-z0-9_.-]", "-", self.run_id)

    def _file(self, name: str) -> Any:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_page(self, system: str, number: int, rows: list[dict[str, Any]]) -> None:
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=3, mtime=0) as packed:
            for row in rows:
                packed.write(canonical_json(row).encode() + b"\n")
        with self._file(f"{system}/page-{number:05d}.jsonl.gz").open("wb") as target:
            target.write(buffer.getvalue())

    def read_page(self, system: str, number: int) -> list[dict[str, Any]]:
        path = self._file(f"{system}/page-{number:05d}.jsonl.gz")
        with path.open("rb") as source, gzip.GzipFile(fileobj=source) as packed:
            return [json.loads(line) for line in packed]

    def pages(self, system: str, count: int) -> Iterator[list[dict[str, Any]]]:
        for number in range(count):
            yield self.read_page(system, number)

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        with self._file(f"{name}.parquet").open("wb") as target:
            target.write(buffer.getvalue())

    def read_table(self, name: str) -> pd.DataFrame:
        with self._file(f"{name}.parquet").open("rb") as source:
            return pd.read_parquet(io.BytesIO(source.read()))

    def write_document(self, name: str, document: Any) -> None:
        with self._file(f"{name}.json.gz").open("wb") as target:
            target.write(gzip.compress(canonical_json(document).encode(), compresslevel=3, mtime=0))

    def read_document(self, name: str) -> Any:
        with self._file(f"{name}.json.gz").open("rb") as source:
            return json.loads(gzip.decompress(source.read()))
