"""Small things that others refer to are made once, whatever becomes of the answer (fault A8)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from retail_sync.records.errors import (
    DuplicateInTarget,
    LeaseLost,
    RecordRejected,
    StaleTarget,
    SyncError,
    SystemUnavailable,
    UnknownOutcome,
)
from retail_sync.transport.creating import SENT_AT_MOST, NotMade, made_once

pytestmark = pytest.mark.anyio
SILENT = UnknownOutcome("POST /brands answered 504.")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retail_sync.transport.creating.PAUSE_SECONDS", 0.0)


class System:
    """`answers`: what each request comes to; a pair is an error of a request that was carried out all the same.
    `shows_after`: looks until the list shows what is there."""

    def __init__(self, *answers: SyncError | tuple[SyncError] | str | None, shows_after: int = 0) -> None:
        self.answers = list(answers)
        self.there: list[str] = []
        self.sent = self.looks = 0
        self.shows_after = shows_after

    async def send(self) -> str | None:
        self.sent += 1
        answer = self.answers.pop(0) if self.answers else "made"
        if isinstance(answer, tuple) or answer is None or isinstance(answer, str):
            self.there.append(f"made {self.sent}")
        if isinstance(answer, tuple):
            raise answer[0]
        if isinstance(answer, SyncError):
            raise answer
        return self.there[-1] if answer else None

    async def look(self) -> str | None:
        self.looks += 1
        return self.there[0] if self.there and self.looks > self.shows_after else None

    async def made(self) -> str:
        return await made_once("The brand 'Acme'", system="lightspeed", send=self.send, look=self.look)


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        (("made",), 1),
        ((SILENT,), 2),
        ((SILENT, SILENT), 3),
        (((SILENT,),), 1),
        ((SILENT, (SILENT,)), 2),
        ((None,), 1),
        (((DuplicateInTarget("taken"),),), 1),
        (((StaleTarget("moved"),),), 1),
        (((RecordRejected("Name is taken"),),), 1),
    ],
)
async def test_an_answer_that_never_came_is_looked_for_and_only_what_is_not_there_is_sent_again(
    answers: Sequence[SyncError | tuple[SyncError] | None], sent: int
) -> None:
    system = System(*answers)
    assert await system.made() in system.there
    assert (system.sent, len(system.there)) == (sent, 1)


async def test_what_shows_a_moment_later_is_not_made_twice() -> None:
    system = System((SILENT,), shows_after=1)
    assert await system.made() == "made 1"
    assert (system.sent, system.there) == (1, ["made 1"])


@pytest.mark.parametrize(
    ("answers", "sent", "code"),
    [
        ((SILENT,) * 9, SENT_AT_MOST, "reference_unanswered"),
        ((DuplicateInTarget("taken"),), 1, "reference_not_shown"),
    ],
)
async def test_what_cannot_be_had_now_is_a_refusal_of_those_who_need_it(
    answers: Sequence[SyncError], sent: int, code: str
) -> None:
    system = System(*answers)
    with pytest.raises(NotMade) as told:
        await system.made()
    assert (system.sent, told.value.code) == (sent, code)


@pytest.mark.parametrize("problem", [LeaseLost("late"), SystemUnavailable("away"), RecordRejected("no")])
async def test_other_errors_are_what_they_are(problem: SyncError) -> None:
    system = System(problem)
    with pytest.raises(type(problem)) as told:
        await system.made()
    assert told.value is problem and system.sent == 1
