"""The face every adapter shows for being told of changes: webhooks of one system, a subscription of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import SystemName

RegistrationState = Literal[
    "right", "missing", "inactive", "different", "superfluous", "foreign", "unhealthy", "refused"
]
"""`right`: as the configuration wants it. `missing`: not there. `inactive`: there, but switched off. `different`: ours,
but not as the configuration wants it. `superfluous`: ours, but not wanted any more. `foreign`: somebody else's, or of
another installation: told of, never touched. `unhealthy`: right, but the system says that it can't deliver. `refused`:
asked for, and the system said no."""


@dataclass(frozen=True)
class Registration:
    """One webhook or subscription, as it is and as it is wanted.

    `name`: the type of a webhook, the key of a subscription. `address`: where it delivers to, without secrets.
    `id`: the system's own id; None = it is not there. `finding`: in words, for preflight and the log. `remedy`: what a
    person does about it; empty = `subscribe` mends it, or there is nothing to mend. `action`: what mends it.
    """

    name: str
    address: str
    state: RegistrationState
    finding: str
    id: str | None = None
    remedy: str = ""
    action: Literal["create", "update", "delete"] | None = None


class HookSystem(Protocol):
    """A system that can tell of changes. All methods may raise the errors of `retail_sync.records.errors`."""

    system: SystemName

    async def registrations(self) -> Sequence[Registration]:
        """Everything that is registered, and everything that should be, compared; nothing is written."""

    async def mend(self, registration: Registration) -> Registration:
        """Do its `action`, and tell how it is afterwards. Safe to repeat: what is there already is not made twice."""

    async def check(self) -> list[CheckResult]:
        """Preflight: the same comparison as findings; missing and inactive ones are warnings (polling goes on without
        them), what a person must mend is an error."""
