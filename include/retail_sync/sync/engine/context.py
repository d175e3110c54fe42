"""What the steps of one run work with, whoever runs them: a task of Airflow, a test, a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.ports.connector import Connector, PointOfSale, Storefront
from retail_sync.records.ports.products import Referenced, SystemName
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.staging import Staging

Mapper = TypeVar("Mapper", bound=Referenced)
Online = TypeVar("Online", covariant=True)
Till = TypeVar("Till", covariant=True)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Access(Protocol):
    """The way to the systems it was asked for. Each opening is a connector of its own, closed at the end."""

    @property
    def systems(self) -> Sequence[SystemName]: ...

    def connector(self, system: SystemName) -> AbstractAsyncContextManager[Connector]: ...

    def storefront(
        self, email_token: Callable[[str], Sequence[str]] | None = None
    ) -> AbstractAsyncContextManager[Storefront]:
        """`email_token`: what an e-mail address is recognised by, where orders need it at all."""

    def point_of_sale(self) -> AbstractAsyncContextManager[PointOfSale]: ...

    def closed_storefront(self) -> Storefront:
        """Without a way to the system, for mapping: nothing can be asked."""

    def closed_point_of_sale(self) -> PointOfSale:
        """Without a way to the system, for mapping: nothing can be asked."""


class Connect(Protocol):
    """Reads what connections say, before any event loop runs. Raises ConfigurationFault."""

    def __call__(self, context: RunContext, systems: Sequence[SystemName], /) -> Access: ...


@dataclass(frozen=True)
class RunContext:
    """One run, as one of its steps sees it. `task` names the step in the log of API calls. `secret_key`: what secrets
    in the ledger are sealed with."""

    run_id: str
    task: str
    request: RunRequest
    settings: SyncSettings
    ledger: Ledger
    staging: Staging
    connect: Connect
    secret_key: Callable[[], str]
    triggered_by: str = "somebody"
    """The person who triggered the run; of a run by the schedule, what runs it."""
    now: Callable[[], datetime] = utc_now
    """By which clock dates count: which prices are valid, which locations are open, how long orders wait."""

    def access(self, *systems: SystemName) -> Access:
        return self.connect(self, systems)

    def keep_reference(self, system: SystemName, mapper: Referenced) -> None:
        """Stage what mapping has to know of a system, beside the pages it maps."""
        self.staging.write_document(f"{system}/reference", mapper.reference())

    def ready(self, system: SystemName, mapper: Mapper) -> Mapper:
        """A mapper that knows what `keep_reference` has staged."""
        mapper.use(self.staging.read_document(f"{system}/reference"))
        return mapper

    def writing(self, entity: str) -> AbstractContextManager[None]:
        """As the one worker that writes the entity now. Raises LeaseHeld while another one may still be writing."""
        return self.ledger.leases.taken(entity, f"{self.task} of {self.run_id}")

    def looking(self) -> RunContext:
        """The same run as one that writes nothing and keeps nothing but what it saw."""
        return replace(self, request=replace(self.request, dry_run=True))


@dataclass(frozen=True)
class WriteContext(Generic[Online, Till]):
    """A run that writes, with what it writes to. `read_until`: by feed, where the read the plan was made from ended."""

    run: RunContext
    online: Online
    till: Till
    read_until: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        return self.run.ledger

    @property
    def settings(self) -> SyncSettings:
        return self.run.settings

    @property
    def run_id(self) -> str:
        return self.run.run_id

    def of(self, system: SystemName) -> Online | Till:
        return self.online if system == "commercetools" else self.till
