"""What every write of every adapter promises: without an answer its outcome is unknown and it is sent once, and what
came of it is found by its key; a target that moved on, or is gone, is told as that."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from retail_sync.records.errors import StaleTarget, TargetMissing, UnknownOutcome
from sandbox.faults import FaultRule
from tests.contracts.adapters import EVERY_WRITER
from tests.contracts.writers import Writer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("standing_lease")]
Opens = Callable[[], AbstractAsyncContextManager[Writer]]
every_write = pytest.mark.parametrize("opens", EVERY_WRITER)


@every_write
@pytest.mark.parametrize("lost", ["before", "after"])
async def test_a_write_without_an_answer_is_unknown_sent_once_and_found_by_its_key(
    opens: Opens, lost: str
) -> None:
    """A gateway gives up before the system got it, or the answer is cut off after it took effect."""
    async with opens() as writer:
        kind = {"kind": "truncate_json"} if lost == "after" else {"kind": "status", "status": 502, "body": {}}
        writer.faults.clear_requests()
        writer.faults.add(FaultRule.model_validate({"match": writer.path, "method": writer.method, **kind}))
        try:
            await writer.write()
        except UnknownOutcome:
            pass
        else:
            assert lost == "after", "an answer that was cut off may be made up for by reading"
        assert writer.sent() == 1
        writer.faults.clear()
        if writer.found is not None:
            assert len(await writer.found()) == (1 if lost == "after" else 0)


@every_write
async def test_a_target_that_moved_on_is_stale_and_nothing_is_written(opens: Opens) -> None:
    async with opens() as writer:
        if writer.move is None:
            pytest.skip("it makes something new, or its system locks nothing")
        writer.move()
        with pytest.raises(StaleTarget):
            await writer.write()


@every_write
async def test_a_target_that_is_gone_is_missing(opens: Opens) -> None:
    async with opens() as writer:
        if writer.lose is None:
            pytest.skip("it makes something new")
        writer.lose()
        with pytest.raises(TargetMissing):
            await writer.write()
