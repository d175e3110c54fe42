"""Child processes that never outlive the program that started them, and free TCP ports for them."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

LOOPBACK = "127.0.0.1"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def free_port() -> int:
    """A TCP port on the loopback interface that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class Running(ABC):
    """What is started and stopped; as a context manager, both."""

    @abstractmethod
    def start(self) -> Self: ...

    @abstractmethod
    def stop(self) -> None:
        """Stop what `start` started, and nothing else. Safe to call twice."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()


@dataclass
class Child:
    """One started process with everything it started itself; `log` holds what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    _known: dict[int, psutil.Process] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def log_tail(self, lines: int = 25) -> str:
        """The last lines of the log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError as error:
            return f"(no log at {self.log}: {error})"

    def ask_to_stop(self, ask: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal to the process itself, after remembering its descendants for `stop`."""
        if self.alive():
            self._remember_descendants()
            self.process.send_signal(ask)

    def stop(self, ask: signal.Signals = signal.SIGTERM, grace: float = 15.0) -> None:
        """Ask to stop, wait up to `grace` seconds, then kill what is left of this process and its descendants.

        Descendants are remembered by pid and start time, so a pid that the system gave to somebody else meanwhile
        is never touched.
        """
        self.ask_to_stop(ask)
        self.wait_or_kill(grace)

    def crash(self) -> None:
        """Kill the process alone, after remembering its descendants for `wait_or_kill`."""
        self._remember_descendants()
        self.process.kill()
        self.process.wait()

    def wait_or_kill(self, grace: float) -> None:
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self._remember_descendants()
            self.process.kill()
            self.process.wait()
        orphans = [process for process in self._known.values() if process.is_running()]
        _, stubborn = psutil.wait_procs(orphans, timeout=2.0)
        for process in stubborn:
            _kill(process)
        psutil.wait_procs(stubborn, timeout=5.0)
        self._known.clear()

    def _remember_descendants(self) -> None:
        try:
            for process in psutil.Process(self.pid).children(recursive=True):
                self._known[process.pid] = process
        except psutil.NoSuchProcess:
            return


def spawn(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    on_parent_death: signal.Signals = signal.SIGTERM,
    stdout: int | None = None,
) -> Child:
    """Start `command` in a session of its own, so that a terminal's Ctrl-C reaches only the program that stops it.

    On Linux the kernel sends `on_parent_death` to the child when the thread that called this ends, so not even a
    killed parent leaves children behind: call it from the main thread. `stdout` overrides where standard output
    goes (for instance `subprocess.PIPE`); standard error always goes to `log`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            start_new_session=True,
            preexec_fn=_die_with_parent(
                on_parent_death
            ),  # it calls nothing but prctl, so threads do it no harm
        )
    return Child(name, process, log)


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent, number = os.getpid(), int(death_signal)

    def after_fork() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # the parent ended before the line above
            os._exit(1)

    return after_fork


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
