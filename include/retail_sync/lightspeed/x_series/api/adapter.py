"""What the adapters of all entities have in common: a client, what `prepare` read of the store, and preflight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Generic, TypeVar

from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings

Reference = TypeVar("Reference")


class EntityAdapter(Generic[Reference]):
    """One entity of one store. `prepare` comes first, or `use` with what it read elsewhere; the client is opened and
    closed by whoever made it."""

    system: SystemName = "lightspeed"
    records: ClassVar[str]
    """What is read and written, as a sentence calls it."""
    reference_type: type[Reference]
    _reference: Reference | None = None
    preflight: ClassVar[Callable[[XSeriesClient, SyncSettings], Awaitable[list[CheckResult]]]]

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        self._client = client
        self._settings = settings

    @property
    def known(self) -> Reference:
        """What is known of the store."""
        if self._reference is None:
            raise RuntimeError(f"`prepare` has to be awaited before {self.records} are read or written.")
        return self._reference

    def know(self, reference: Reference) -> None:
        self._reference = reference

    def reference(self) -> Any:
        return to_document(self.known)

    def use(self, reference: Any) -> None:
        self.know(from_document(self.reference_type, reference))

    async def check(self) -> list[CheckResult]:
        """Preflight of everything this entity needs at the till."""
        return await type(self).preflight(self._client, self._settings)
