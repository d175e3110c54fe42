"""Where staged bytes are kept: a folder, or an object store.

A name is either absent or whole in both: a folder gets each file under a temporary name first, and an object store
takes an object at once. Stores are opened and used off the event loop: the file systems of object stores run loops of
their own.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from retail_sync.records.errors import ConfigurationFault, SystemUnavailable

SYSTEM = "staging"
VARIABLE = "RETAIL_SYNC_STAGING"
OWNER_ONLY_FILE = 0o600
OWNER_ONLY_FOLDER = 0o700
_LOCAL = frozenset({"", "file", "local"})
_REMOTE_FOLDERS = frozenset({"dir", "ftp", "hdfs", "sftp", "smb", "ssh", "webhdfs"})
"""File systems behind a URL that, unlike object stores, want a folder to be there before a file is put into it."""
_WRONG_SETTING = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
)


class Store(Protocol):
    """Bytes by name. A name is `folder/.../file`; the first part is one run's folder.

    Every method may raise ConfigurationFault (no rights, no such bucket) and SystemUnavailable (try again later).
    """

    @property
    def place(self) -> str:
        """The store as a person would name it."""

    @property
    def shared(self) -> bool:
        """Whether other machines reach the same bytes whatever is mounted where."""

    def write(self, name: str, content: bytes) -> None: ...

    def read(self, name: str) -> bytes | None:
        """None = there is nothing of this name."""

    def has(self, folder: str) -> bool:
        """Whether a run has anything here."""

    def runs(self) -> dict[str, datetime]:
        """The folders of runs, with the time (UTC) their newest file was written."""

    def remove(self, folder: str) -> None: ...


def store_of(root: Any) -> Store:
    """The store at a path: a `pathlib.Path`, or an object storage path (`protocol`, `path`, `fs`), whose file system is
    opened here, so outside any event loop."""
    if isinstance(root, Path):
        return Folder(root)
    if root.protocol in _LOCAL:
        return Folder(Path(root.path))
    with _said(str(root), "opened"):
        return Objects(root.fs, str(root.path).rstrip("/"), str(root), root.protocol in _REMOTE_FOLDERS)


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or one that is mounted here. Only its owner may read what is in it."""

    root: Path

    @property
    def place(self) -> str:
        return str(self.root)

    @property
    def shared(self) -> bool:
        return False

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        with _said(self.place, "written"):
            self._make(path.parent)
            # A name of its own: two tries at once must not write into one file.
            draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            try:
                handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
                with os.fdopen(handle, "wb") as target:
                    target.write(content)
                    target.flush()
                    os.fsync(target.fileno())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            _sync_folder(path.parent)

    def read(self, name: str) -> bytes | None:
        with _said(self.place, "read"):
            try:
                return (self.root / name).read_bytes()
            except FileNotFoundError:
                return None

    def has(self, folder: str) -> bool:
        return (self.root / folder).exists()

    def runs(self) -> dict[str, datetime]:
        with _said(self.place, "listed"):
            if not self.root.exists():
                return {}
            return {one.name: _newest(one) for one in sorted(self.root.iterdir())}

    def remove(self, folder: str) -> None:
        path = self.root / folder
        with _said(self.place, "cleared"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        """The folder with all above it; `mkdir(parents=True)` would leave those above open to everybody."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)


@dataclass(frozen=True)
class Objects:
    """An object store by its fsspec file system. Nothing makes a bucket: a misspelt one is an error."""

    fs: Any
    root: str
    place: str
    has_folders: bool = False

    @property
    def shared(self) -> bool:
        return True

    def write(self, name: str, content: bytes) -> None:
        path = f"{self.root}/{name}"
        with _said(self.place, "written"):
            if self.has_folders:
                self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self.fs.pipe_file(path, content)

    def read(self, name: str) -> bytes | None:
        with _said(self.place, "read"):
            try:
                found: bytes = self.fs.cat_file(f"{self.root}/{name}")
                return found
            except FileNotFoundError:
                return None

    def has(self, folder: str) -> bool:
        return bool(self._listed(folder))

    def runs(self) -> dict[str, datetime]:
        """One listing, whatever the number of files: none is asked for its age by itself."""
        found: dict[str, datetime] = {}
        for path, about in self._listed("").items():
            folder = path.removeprefix(self._own).partition("/")[0]
            written = _written(about)
            found[folder] = max(written, found.get(folder, written))
        return found

    def remove(self, folder: str) -> None:
        with _said(self.place, "cleared"):
            try:
                self.fs.rm(f"{self.root}/{folder}", recursive=True)
            except FileNotFoundError:
                return

    def _listed(self, folder: str) -> dict[str, Any]:
        path = f"{self.root}/{folder}".rstrip("/")
        with _said(self.place, "listed"):
            # Listings are remembered by the file system, and other machines write here.
            self.fs.invalidate_cache()
            try:
                found: dict[str, Any] = self.fs.find(path, detail=True)
            except FileNotFoundError:
                return {}
        return {name: about for name, about in found.items() if name.startswith(self._own)}

    @property
    def _own(self) -> str:
        return f"{self.root}/"


def _newest(folder: Path) -> datetime:
    """When the newest file below was written; the folder's own time where it holds none."""
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return max(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files or [folder])


def _written(about: dict[str, Any]) -> datetime:
    """When an object was written, by whatever name its file system has for that; an object without any is new."""
    for name in ("LastModified", "mtime", "updated", "last_modified", "created"):
        found = about.get(name)
        if isinstance(found, int | float):
            return datetime.fromtimestamp(found, UTC)
        if isinstance(found, str):
            found = datetime.fromisoformat(found)
        if isinstance(found, datetime):
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    return datetime.now(UTC)


def _sync_folder(folder: Path) -> None:
    """A rename is safe from a power cut only when its folder is written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as problem:  # some mounted folders can't be synced; the digest notices what they lose
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


@contextmanager
def _said(place: str, what: str) -> Iterator[None]:
    """Errors of a store as the package's own. What a defect of ours raises is left as it is."""
    try:
        yield
    except ImportError as problem:
        raise ConfigurationFault(
            f"The staging store {place} can't be opened: {problem}.",
            system=SYSTEM,
            remedy="Install what that store needs beside its Airflow provider: s3fs for s3://, gcsfs for gs://, adlfs "
            "for abfs://.",
        ) from problem
    except FileNotFoundError as problem:
        raise ConfigurationFault(
            f"The staging store {place} can't be {what}: the bucket or folder does not exist.",
            system=SYSTEM,
            remedy=f"Correct {VARIABLE}, or make the bucket. It is never made by this package.",
        ) from problem
    except OSError as problem:
        reason = f"The staging store {place} can't be {what}: {type(problem).__name__}: {problem}."
        if isinstance(problem, PermissionError) or problem.errno in _WRONG_SETTING:
            raise ConfigurationFault(
                reason, system=SYSTEM, remedy=f"Check {VARIABLE} and the rights of the workers there."
            ) from problem
        raise SystemUnavailable(
            reason,
            system=SYSTEM,
            remedy="Look at the store's free space and network. The task retries by itself.",
        ) from problem
    except Exception as problem:
        if type(problem).__module__ == "builtins":
            raise
        # Clients of object stores have families of errors of their own.
        raise SystemUnavailable(
            f"The staging store {place} can't be {what}: {type(problem).__name__}: {str(problem)[:300]}.",
            system=SYSTEM,
            remedy=f"Check {VARIABLE}, its credentials and the network. The task retries by itself.",
        ) from problem
