"""The subscription in commercetools: what is there, what should be, and putting it right.

Whatever has another key is somebody else's: told of where it tells the same destination, and never touched. Creating
one, and giving one another destination, sends a test notification first and is refused where that can't be delivered.
Source: API reference "Subscriptions".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import CommercetoolsConnection
from retail_sync.commercetools.events.diff import (
    Json,
    compared,
    has_other_format,
    told_without,
    updates,
    wanted_of,
)
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    ProtocolFault,
    RecordRejected,
    StaleTarget,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.events import Registration, RegistrationState
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings

PATH = "/subscriptions"
MOST = 500
"""A project has at most 50 subscriptions: one page holds them all."""
LEVELS: dict[RegistrationState, Literal["ok", "warning", "error"]] = {
    "right": "ok",
    "missing": "warning",
    "inactive": "warning",
    "different": "warning",
    "superfluous": "warning",
    "foreign": "warning",
    "unhealthy": "error",
    "refused": "error",
}
SUBSCRIBE = "Run subscribe, or wait for it."


class CommercetoolsSubscriptions:
    """Shows `retail_sync.records.ports.events.HookSystem`."""

    system: SystemName = "commercetools"

    def __init__(
        self, client: CommercetoolsClient, settings: SyncSettings, connection: CommercetoolsConnection
    ) -> None:
        self._client = client
        self._wanted = wanted_of(settings, connection)

    async def registrations(self) -> Sequence[Registration]:
        return compared(await self._ours(), await self._others(), self._wanted)

    async def mend(self, registration: Registration) -> Registration:
        """As the face says. What to do is decided by what is there now, so an older registration does no harm."""
        if registration.name != self._wanted.key:
            return registration  # somebody else's
        ours = await self._ours()
        before = self._state(ours, registration)
        if before.action is None:
            return before
        unsure: SyncError | None = None
        try:
            await self._do(before, ours)
        except (DuplicateInTarget, StaleTarget, TargetMissing, UnknownOutcome) as fault:
            unsure = fault  # somebody was quicker, or nobody knows: what is there tells
        except RecordRejected as fault:
            return self._refused(self._state(await self._ours(), registration), fault)
        after = self._state(await self._ours(), registration)
        if isinstance(unsure, UnknownOutcome) and after.action is not None:
            raise unsure
        if before.state == "unhealthy" and after.state == "right":
            lost = "delivery was started again; what was not delivered before is lost, and found by the schedules"
            return replace(after, finding=f"{after.finding}; {lost}")
        return after

    async def check(self) -> list[CheckResult]:
        key = self._wanted.key
        try:
            found = await self.registrations()
        except SyncError as fault:
            return [CheckResult("error", f"subscription {key}", self._told(fault.message), fault.remedy)]
        if not found:
            finding = "none is wanted: what changes in commercetools is found by the schedules alone"
            return [CheckResult("ok", "subscription", finding)]
        return [_result(one) for one in found]

    async def _ours(self) -> Json | None:
        try:
            answer = await self._client.get(f"{PATH}/key={self._wanted.key}")
        except TargetMissing:
            return None
        except ConfigurationFault as fault:
            if fault.status == 403 and self._wanted.nothing:
                return None  # without the scope nobody made one
            raise
        return _readable(answer.json())

    async def _others(self) -> list[Json]:
        """Those with another key or none. They matter only where ours is wanted, and what is in them is not ours to
        keep: only the shape of the answer is."""
        if self._wanted.draft is None:
            return []
        rows, _ = await self._client.page(PATH, [("sort", "id asc")], MOST, withhold="shape")
        return [_readable(row) for row in rows if row.get("key") != self._wanted.key]

    async def _do(self, registration: Registration, ours: Json | None) -> None:
        draft = self._wanted.draft
        if ours is not None and (draft is None or has_other_format(ours, draft)):
            await self._client.delete(f"{PATH}/key={self._wanted.key}", {"version": ours["version"]})
            ours = None
        if draft is None:
            return
        if ours is None:
            await self._client.post(PATH, draft)
            return
        body = {"version": ours["version"], "actions": updates(ours, draft)}
        await self._client.post(f"{PATH}/key={self._wanted.key}", body)

    def _state(self, ours: Json | None, registration: Registration) -> Registration:
        found = compared(ours, (), self._wanted)
        if found:
            return found[0]
        finding = f"{registration.name} is not there any more"
        return replace(registration, state="right", finding=finding, id=None, remedy="", action=None)

    def _refused(self, registration: Registration, fault: SyncError) -> Registration:
        return replace(
            registration,
            state="refused",
            finding=self._told(fault.message),
            remedy=f"{self._wanted.remedy} Then run subscribe.".strip(),
            action=None,
        )

    def _told(self, text: str) -> str:
        return told_without(text, self._wanted.draft)


def _readable(row: Any) -> Json:
    if (
        not isinstance(row, dict)
        or not isinstance(row.get("destination"), dict)
        or not {"id", "version"} <= row.keys()
    ):
        raise ProtocolFault(
            "A subscription has no `id`, `version` or `destination`.",
            system=CommercetoolsSubscriptions.system,
        )
    return row


def _result(one: Registration) -> CheckResult:
    remedy = one.remedy or (SUBSCRIBE if one.action is not None else "")
    return CheckResult(LEVELS[one.state], f"subscription {one.name}", one.finding, remedy)
