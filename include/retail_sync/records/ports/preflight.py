"""What preflight finds out about a system before anything runs: the rows of its table, and how they come about.

Each entity of an adapter has one function that looks at things in turn and puts down what it finds:

    @preflight
    async def check(report: PreflightReport, client: Client, settings: SyncSettings) -> None: ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, TypeVar

from retail_sync.records.errors import SyncError

Level = Literal["ok", "warning", "error"]
LEVELS: Sequence[Level] = ("error", "warning", "ok")
"""The gravest first."""
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class CheckResult:
    """One line of preflight: how grave it is, what was looked at, what was found, what to do."""

    level: Level
    subject: str
    finding: str
    remedy: str = ""

    @classmethod
    def of_fault(cls, subject: str, fault: SyncError) -> CheckResult:
        return cls("error", subject, fault.message, fault.remedy)


class PreflightEnded(Exception):
    """Nothing else can be looked at."""


class PreflightReport:
    """The findings of one look at a system, in the order they were made."""

    def __init__(self) -> None:
        self.results: list[CheckResult] = []

    @property
    def has_errors(self) -> bool:
        return any(result.level == "error" for result in self.results)

    def ok(self, subject: str, finding: str) -> None:
        self.results.append(CheckResult("ok", subject, finding))

    def warn(self, subject: str, finding: str, remedy: str = "") -> None:
        self.results.append(CheckResult("warning", subject, finding, remedy))

    def error(self, subject: str, finding: str, remedy: str) -> None:
        self.results.append(CheckResult("error", subject, finding, remedy))

    def end(self) -> None:
        """Look at nothing else."""
        raise PreflightEnded

    @contextmanager
    def faults_of(self, subject: str, *, end: bool = False) -> Iterator[None]:
        """A fault inside is an error of this subject. `end`: nothing else can be looked at without it."""
        try:
            yield
        except SyncError as fault:
            self.results.append(CheckResult.of_fault(subject, fault))
            if end:
                raise PreflightEnded from None

    async def probe(self, subject: str, asked: Awaitable[Answer], finding: str) -> None:
        """Ask the system as a run would: what it finds where it answers, or the fault."""
        with self.faults_of(subject):
            await asked
            self.ok(subject, finding)

    def names(
        self,
        subject: str,
        named: Iterable[str],
        known: Container[str],
        finding: str,
        remedy: str,
        *,
        level: Level = "error",
    ) -> None:
        """Every name of the settings that the system does not know, in order. `finding` says so of `{name}`."""
        self.results += [
            CheckResult(level, subject, finding.format(name=name), remedy)
            for name in sorted(set(named))
            if name not in known
        ]


def preflight(
    check: Callable[Concatenate[PreflightReport, Asked], Awaitable[None]],
) -> Callable[Asked, Awaitable[list[CheckResult]]]:
    """A look at a system, from its first finding to its last, or to the one that ends it."""

    @wraps(check)
    async def checked(*args: Asked.args, **kwargs: Asked.kwargs) -> list[CheckResult]:
        report = PreflightReport()
        with suppress(PreflightEnded):
            await check(report, *args, **kwargs)
        return report.results

    return checked
