"""Small things that others refer to (a brand, a tag, a channel, a price book) are made once, whatever becomes of the
answer.

Where no answer tells, and where somebody else was quicker, what is there now tells. Only what is not there after two
looks is sent again, a few times; then only those who need it wait: a record is held and tried again by itself, the
others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from retail_sync.records.errors import DuplicateInTarget, RecordRejected, StaleTarget, UnknownOutcome

log = logging.getLogger(__name__)

SENT_AT_MOST = 3
"""How often the same creation is sent where no answer comes and nothing shows it."""
PAUSE_SECONDS = 2.0
"""Between two looks: a gateway may give up (504) on a request that is still being carried out behind it, and a list may
lag. Neither system documents for how long."""

T = TypeVar("T")


class NotMade(RecordRejected):
    """It was asked for, and nothing shows it: who needs it has to wait."""

    default_remedy = (
        "Nothing: it is tried again by itself. If it stays, create it by hand under exactly this name."
    )


async def made_once(
    what: str,
    *,
    system: str,
    send: Callable[[], Awaitable[T | None]],
    look: Callable[[], Awaitable[T | None]],
) -> T:
    """The thing called `what`, which `send` creates (None: its answer does not say what it became), as `look` finds it
    (None: it is not there).

    Raises NotMade: with the code `reference_unanswered` where no answer came to any of several requests, with
    `reference_not_shown` where it was created, or exists, and is not shown. Other refusals are raised as `send` raises
    them, unless `look` finds it in spite of them.
    """
    exchanges: list[str] = []
    for number in range(1, SENT_AT_MOST + 1):
        try:
            made = await send()
        except UnknownOutcome as problem:
            exchanges += problem.exchange_ids
            log.warning("%s: %s was sent and no answer tells what became of it (%d).", system, what, number)
        except (DuplicateInTarget, StaleTarget) as problem:
            return await _shown(what, system, look, problem)
        except RecordRejected:
            # A duplicate is not always called one (422 with a sentence): it counts as one if the thing is there.
            found = await look()
            if found is None:
                raise
            return found
        else:
            return made if made is not None else await _shown(what, system, look, None)
        found = await _found(look)
        if found is not None:
            return found
    raise NotMade(
        f"{what} was sent {SENT_AT_MOST} times without an answer, and is not there.",
        code="reference_unanswered",
        system=system,
        details={"exchanges": exchanges},
    )


async def _found(look: Callable[[], Awaitable[T | None]]) -> T | None:
    found = await look()
    if found is None:
        await asyncio.sleep(PAUSE_SECONDS)
        found = await look()
    return found


async def _shown(
    what: str, system: str, look: Callable[[], Awaitable[T | None]], problem: RecordRejected | None
) -> T:
    found = await _found(look)
    if found is None:
        raise NotMade(
            f"{what} was created, or exists, but nothing shows it.",
            code="reference_not_shown",
            system=system,
            exchange_id=problem.exchange_id if problem else None,
        )
    return found
