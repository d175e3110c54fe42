"""The webhooks of X-Series: what is registered, what should be, and putting it right.

An application sees and changes its own webhooks only. Of these, whatever does not deliver to this receiver is told of
and never touched. Source: API reference "Webhooks" (2026-07): a second one of the same type and address is a 409.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from retail_sync.lightspeed.connection import LightspeedConnection
from retail_sync.lightspeed.x_series.api.client import XSeriesClient
from retail_sync.lightspeed.x_series.events.diff import ALL, Webhook, compared, wanted_of
from retail_sync.records.errors import (
    ConfigurationFault,
    DuplicateInTarget,
    ProtocolFault,
    RecordRejected,
    SyncError,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.events import Registration, RegistrationState
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import SystemName
from retail_sync.settings.models import SyncSettings

PATH = "/webhooks"
LEVELS: dict[RegistrationState, Literal["ok", "warning", "error"]] = {
    "right": "ok",
    "missing": "warning",
    "inactive": "warning",
    "different": "warning",
    "superfluous": "warning",
    "foreign": "ok",
    "unhealthy": "error",
    "refused": "error",
}
SUBSCRIBE = "Run subscribe, or wait for it."


class XSeriesWebhooks:
    """Shows `retail_sync.records.ports.events.HookSystem`."""

    system: SystemName = "lightspeed"

    def __init__(
        self, client: XSeriesClient, settings: SyncSettings, connection: LightspeedConnection
    ) -> None:
        self._client = client
        self._wanted = wanted_of(settings, connection)
        for secret in self._wanted.secrets:
            client.hide(secret)

    async def registrations(self) -> Sequence[Registration]:
        return compared(await self._there(), self._wanted)

    async def mend(self, registration: Registration) -> Registration:
        """As the face says. What to do is decided by what is there now, so an older registration does no harm."""
        before = _same(registration, await self.registrations())
        if before is None:
            return _gone(registration)
        if before.action is None:
            return before
        unsure: SyncError | None = None
        try:
            await self._do(before)
        except (DuplicateInTarget, TargetMissing, UnknownOutcome) as fault:
            unsure = fault  # somebody was quicker, or nobody knows: what is there tells
        except RecordRejected as fault:
            return self._refused(before, fault)
        after = _same(before, await self.registrations())
        if after is None:
            return _gone(before)
        if isinstance(unsure, UnknownOutcome) and after.action is not None:
            raise unsure
        if isinstance(unsure, DuplicateInTarget) and after.action is not None:
            return self._refused(after, unsure)
        return after

    async def check(self) -> list[CheckResult]:
        try:
            found = await self.registrations()
        except SyncError as fault:
            return [CheckResult("error", ALL, self._wanted.told(fault.message), fault.remedy)]
        results = [_result(one) for one in found]
        if self._wanted.nothing and all(one.state == "foreign" for one in found):
            finding = "none is wanted: what changes in Lightspeed is found by the schedules alone"
            results.insert(0, CheckResult("ok", ALL, finding))
        return results

    async def _there(self) -> list[Webhook]:
        """The webhooks this application has. Where nobody receives, none can be ours, and none is asked for."""
        if self._wanted.prefix is None:
            return []
        try:
            # Addresses hold secrets, old ones and other people's too: only the shape of the answer is kept.
            answer = await self._client.get(PATH, withhold="shape")
        except ConfigurationFault as fault:
            if fault.status == 403 and self._wanted.nothing:
                return []  # without the scope there can be none of ours
            raise
        rows = answer.value.get("data") if isinstance(answer.value, dict) else None
        if not isinstance(rows, list):
            raise ProtocolFault("The list of webhooks has no `data`.", system=self.system)
        return [_webhook(row) for row in rows]

    async def _do(self, registration: Registration) -> None:
        if registration.action == "delete":
            await self._client.delete(f"{PATH}/{registration.id}")
            return
        topic = registration.name
        body = {"type": topic, "url": self._wanted.addresses[topic], "active": True}
        if registration.action == "create":
            await self._client.post(PATH, body)
        else:
            await self._client.put(f"{PATH}/{registration.id}", body)

    def _refused(self, registration: Registration, fault: SyncError) -> Registration:
        return replace(
            registration,
            state="refused",
            finding=self._wanted.told(fault.message),
            remedy="Check that realtime.receiver_url is an address Lightspeed can reach, then run subscribe.",
            action=None,
        )


def _webhook(row: Any) -> Webhook:
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("id", "type", "url")):
        raise ProtocolFault("A webhook has no `id`, `type` or `url`.", system=XSeriesWebhooks.system)
    return Webhook(row["id"], row["type"], row["url"], row.get("active") is True)


def _same(registration: Registration, found: Sequence[Registration]) -> Registration | None:
    """The same webhook as it is now: by its id, or where it had none, the one wanted under its name."""
    if registration.id is not None:
        return next((one for one in found if one.id == registration.id), None)
    wanted = ("foreign", "superfluous")
    return next((one for one in found if one.name == registration.name and one.state not in wanted), None)


def _gone(registration: Registration) -> Registration:
    finding = f"{registration.name} is not registered any more"
    return replace(registration, state="right", finding=finding, id=None, remedy="", action=None)


def _result(one: Registration) -> CheckResult:
    remedy = one.remedy or (SUBSCRIBE if one.action is not None else "")
    return CheckResult(
        LEVELS[one.state], ALL if one.name == ALL else f"webhook {one.name}", one.finding, remedy
    )
