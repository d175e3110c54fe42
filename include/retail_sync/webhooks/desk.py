"""Where every request is seen to: told apart, kept, counted and answered, in the same way for every sender."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from retail_sync.records.events import Hint, UnreadableEvent
from retail_sync.settings.models import SyncSettings
from retail_sync.webhooks.answers import (
    AGAIN_SECONDS,
    KEPT,
    KNOWN,
    LATER,
    MALFORMED,
    REFUSED_SECONDS,
    TOO_MANY_REFUSED,
    ComeAgain,
    Refused,
    answer,
)
from retail_sync.webhooks.counting import Tally
from retail_sync.webhooks.deliveries import Delivery, Sender, in_time
from retail_sync.webhooks.limiting import Refusals, Taken, host_of
from retail_sync.webhooks.ports import Ports, ReceiverSecrets
from retail_sync.webhooks.workers import Workers

KEEP_SECONDS = 4.0
"""Lightspeed waits 5 s for its answer."""
KEEPING_THREADS = 8
"""The ledger has ten connections."""
MOST_WAITING = 512


class Desk:
    def __init__(self, ports: Ports, refusals: Refusals) -> None:
        self._ports = ports
        self._refusals = refusals
        self._taken = Taken()
        self._tally = Tally()
        self._readers = Workers(4, MOST_WAITING, KEEP_SECONDS, "settings and secrets")
        self._keepers = Workers(KEEPING_THREADS, MOST_WAITING, KEEP_SECONDS, "ledger")

    def endpoint(self, sender: Sender) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint that takes what `sender` makes of a request."""

        async def answered(request: Request) -> Response:
            return await self._answered(request, sender)

        return answered

    async def refuse(self, request: Request, refused: Refused) -> Response:
        """The answer to a request that is for no sender."""

        async def nobody(_: Request, __: SyncSettings, ___: ReceiverSecrets) -> Response:
            raise refused

        return await self._answered(request, nobody)

    async def _answered(self, request: Request, sender: Sender) -> Response:
        try:
            settings, secrets = await self._readers.do(self._known)
            try:
                delivery = await sender(request, settings, secrets)
                self._refusals.believe(host_of(request))
                return delivery if isinstance(delivery, Response) else await self._take(delivery, settings)
            except UnreadableEvent:
                raise Refused(MALFORMED, "what came is not what its sender sends") from None
            except Refused as refused:
                return self._refusal(request, refused, settings)
        except Refused as refused:
            # Known senders are never counted as forgers: what they send is wrong, not who they are.
            self._tally.count(logging.WARNING, refused.reason, refused=1)
            return answer(refused.status, refused.headers)
        except ComeAgain as problem:
            self._tally.count(logging.ERROR, problem.reason, put_off=1)
        except ClientDisconnect:
            self._tally.count(logging.INFO, "a sender went away", unheard=1)
        except Exception as problem:
            self._tally.count(logging.ERROR, _named(problem), put_off=1)
        return answer(LATER, {"Retry-After": str(AGAIN_SECONDS)})

    def _known(self) -> tuple[SyncSettings, ReceiverSecrets]:
        return self._ports.settings(), self._ports.secrets()

    def _refusal(self, request: Request, refused: Refused, settings: SyncSettings) -> Response:
        self._tally.count(logging.WARNING, refused.reason, refused=1)
        if self._refusals.is_one_too_many(host_of(request), settings.realtime.refused_per_minute):
            return answer(TOO_MANY_REFUSED, {"Retry-After": str(REFUSED_SECONDS)})
        return answer(refused.status, refused.headers)

    async def _take(self, delivery: Delivery, settings: SyncSettings) -> Response:
        """Answered only when everything is safe."""
        if not self._taken.has_room(settings.realtime.events_per_minute):
            raise ComeAgain("more events than are taken in a minute (events_per_minute)")
        fresh = in_time(delivery.hints, settings.realtime.oldest_hours)
        anew = await self._keepers.do(lambda: self._keep_and_ring(fresh)) if fresh else frozenset()
        self._taken.add(len(delivery.hints) + delivery.ignored + delivery.unreadable)
        self._count(delivery, kept=len(fresh))
        return answer(KEPT if anew else KNOWN)

    def _keep_and_ring(self, hints: list[Hint]) -> frozenset[str]:
        """The entities that were told something new. In one thread, so that what is kept is rung for even where its
        sender could not wait."""
        kept = self._ports.keep(hints)
        if kept.ring:
            self._ports.ring(kept.ring)
        return kept.anew

    def _count(self, delivery: Delivery, kept: int) -> None:
        numbers: Mapping[str, int] = {
            "received": kept,
            "too_old": len(delivery.hints) - kept,
            "ignored": delivery.ignored,
            "unreadable": delivery.unreadable,
        }
        level = logging.WARNING if delivery.unreadable else logging.INFO
        self._tally.count(level, delivery.name, **numbers)

    def close(self) -> None:
        self._readers.close()
        self._keepers.close()


def _named(problem: Exception) -> str:
    """Kind and place of an error. Its message may repeat what came, or hold a secret."""
    place = traceback.extract_tb(problem.__traceback__)[-1]
    return f"{type(problem).__name__} in {Path(place.filename).name}:{place.lineno}"
