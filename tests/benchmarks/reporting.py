"""Measured runs as tables a person reads, and as they stand in docs/performance.md."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.running import Run, Step

MIB = 2**20
HEAD = ["task", "s", "CPU s", "database CPU s", "peak MiB", "requests"]


def report(title: str, runs: Mapping[str, tuple[Run, int]]) -> None:
    """Print all runs, each with the least number of requests it could do with. `RETAIL_SYNC_BENCH_REPORT` names a file
    that gets the same text."""
    lines = [title]
    for name, (run, least) in runs.items():
        lines += ["", *_table(name, run), "", *_requests(run, least)]
    tell(lines)


def report_steps(title: str, steps: Sequence[Step]) -> None:
    """As `report`, for tasks that ask nobody."""
    rows = [HEAD, ["---"] * len(HEAD), *(_row(step.name, [step]) for step in steps)]
    tell([title, "", *(_line(row[:-1]) for row in rows)])


def tell(lines: Sequence[str]) -> None:
    """Print text, and append it to the file that `RETAIL_SYNC_BENCH_REPORT` names."""
    text = "\n".join(lines)
    print(f"\n{text}")
    if path := os.environ.get("RETAIL_SYNC_BENCH_REPORT"):
        with Path(path).open("a") as file:
            file.write(text + "\n\n")


def _table(name: str, run: Run) -> list[str]:
    loads = run.named("load")
    rows = [_row(step.name, [step]) for step in run.steps if step not in loads]
    if loads:
        rows.insert(-1, _row(f"load ({len(loads)} tasks)", loads))
    rows.append(_row("all", run.steps))
    return [f"{name}:", "", _line(HEAD), _line(["---"] * len(HEAD)), *map(_line, rows)]


def _row(name: str, steps: list[Step]) -> list[str]:
    return [
        name,
        f"{sum(step.seconds for step in steps):.1f}",
        f"{sum(step.cpu for step in steps):.1f}",
        f"{sum(step.database_cpu for step in steps):.1f}",
        f"{max(step.peak for step in steps) / MIB:.0f}",
        str(sum(step.asked() for step in steps)),
    ]


def _requests(run: Run, least: int) -> list[str]:
    made = sum(run.requests.values())
    lines = [f"{made} requests, {least} at least ({made / least - 1:+.1%}):"]
    lines += [f"  {count:6} {kind}" for kind, count in run.requests.items()]
    starts = sorted(step.start_cpu for step in run.steps)
    lines.append(f"CPU seconds to start a task's process: {starts[len(starts) // 2]:.1f}")
    return lines


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
