"""What the console needs of the house it is built into."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.sealing import Seal
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.staging import Staging


@dataclass(frozen=True)
class Person:
    """Who looks. `name` is kept with every decision. `sees`: ids of DAGs whose runs this person may look at; `acts`: of
    those this person may start."""

    name: str
    sees: frozenset[str]
    acts: frozenset[str]


class Refused(Exception):
    """Nobody is signed in (401), or somebody who may not (403)."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class CannotStart(Exception):
    """A run could not be started; the message says why, and what to do."""


@dataclass(frozen=True)
class Ports:
    """`person`: who asks; raises Refused. `start`: start a run of a DAG with these params in a person's name, and give
    its id in Airflow; raises CannotStart. `staging`: the files of a run by its id in the ledger. `secret`: what forms
    are signed with, the same in every process. `settings` raises ConfigurationFault. `seal`: what customers are
    recognised by; None where nobody can be looked up by e-mail address. `airflow`: path of Airflow's own pages, empty
    at the top of their host. `host`: what browsers call that host, where a proxy calls it otherwise."""

    person: Callable[[Request], Awaitable[Person]]
    ledger: Callable[[], Ledger]
    settings: Callable[[], SyncSettings]
    start: Callable[[str, Mapping[str, Any], Person], str]
    staging: Callable[[str], Staging]
    secret: str
    seal: Callable[[], Seal] | None = None
    airflow: str = ""
    host: str = ""
