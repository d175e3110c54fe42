"""Write the DAG files into a DAGs folder of Airflow: `python -m retail_sync.pipeline.cli.write_dags FOLDER`.

Each file begins with a mark that holds the digest of the rest. By it a later call knows what it may replace: where a
file was written or changed by somebody else, nothing is written at all. Files of DAGs that this release no longer has
are removed.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import retail_sync

PACKAGED = Path(retail_sync.__file__).parent / "pipeline" / "dag_files"
"""Where a wheel has the DAG files."""
CHECKOUT = Path(retail_sync.__file__).parents[2] / "dags"
"""Where they are beside `include/`."""
_MARK = re.compile(
    r"# Written by retail-sync [^\n]*\n# sha256 of what follows: (?P<digest>[0-9a-f]{64})\n(?P<rest>.*)", re.S
)


class FilesInTheWay(Exception):
    """The folder has files under the names of DAG files that this command did not write as they are now."""


def dag_files() -> dict[str, str]:
    """The DAG files of this release: name and content."""
    folder = PACKAGED if PACKAGED.is_dir() else CHECKOUT
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}


def marked(content: str) -> str:
    """The content of a DAG file as it is written: below its mark."""
    return (
        f"# Written by retail-sync {retail_sync.__version__}: python -m retail_sync.pipeline.cli.write_dags\n"
        f"# sha256 of what follows: {_digest(content)}\n{content}"
    )


def write_dags(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Bring the folder's DAG files to those given, and say of each what was done.

    Raises FilesInTheWay, with nothing written, where a file of such a name was written or changed by somebody else.
    """
    folder.mkdir(exist_ok=True)
    present = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in folder.glob("*.py")}
    foreign = [name for name in files if name in present and not _is_as_written(present[name])]
    if foreign:
        raise FilesInTheWay(
            f"Nothing was written: {', '.join(foreign)} in {folder} were written or changed by somebody else. "
            "Move or delete them, or name another folder."
        )
    done = [
        f"{name}: {_write(folder / name, marked(content), present.get(name))}"
        for name, content in files.items()
    ]
    for name in sorted(present.keys() - files.keys()):
        if _is_as_written(present[name]):
            (folder / name).unlink()
            done.append(f"{name}: removed, this release has no such DAG")
    return done


def _write(path: Path, text: str, present: str | None) -> str:
    """Write the file in one step: Airflow reads the folder all the time."""
    if text == present:
        return "unchanged"
    half_written = path.with_suffix(".tmp")
    half_written.write_text(text, encoding="utf-8")
    half_written.replace(path)
    return "written" if present is None else "replaced"


def _is_as_written(text: str) -> bool:
    mark = _MARK.fullmatch(text)
    return mark is not None and mark["digest"] == _digest(mark["rest"])


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the DAG files, and print what was written."""
    parser = argparse.ArgumentParser(
        prog="python -m retail_sync.pipeline.cli.write_dags",
        description="Write the DAG files of retail-sync into a DAGs folder of Airflow.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="is made where it is missing; its parent is not"
    )
    folder: Path = parser.parse_args(arguments).folder
    try:
        done = write_dags(folder, dag_files())
    except (FilesInTheWay, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(
        "\n".join(
            [*done, f"The DAG files of retail-sync {retail_sync.__version__} are in {folder.resolve()}."]
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
