"""Ringing the doorbells of entities from Airflow's API server.

Airflow 3.3.2 can lose the events of assets (apache/airflow#56050), and a process can end between an event's row in the
inbox and its ring. So the inbox decides: as long as something there is due and no run has taken it, its doorbell rings
again, soon at first and then less and less often (a paused DAG, or a scheduler that is down, answers later).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retail_sync.ledger.inbox import Waiting

log = logging.getLogger(__name__)

APART_SECONDS = 0.3
"""A burst rings once in this time: one run sees to all of it."""
LOOK_SECONDS = 1.0
"""How often the inbox is looked at."""
AGAIN_SECONDS = 5.0
"""What still waits after a ring is rung for again after this, then after twice as long, and so on."""
SELDOM_SECONDS = 300.0


@dataclass
class _Bell:
    """When an entity was last rung for, and how long to wait before the next ring without an answer."""

    rung_at: float = 0.0
    patience: float = AGAIN_SECONDS


@dataclass
class Ringer:
    """A thread that rings. `ring_assets` rings these entities' doorbells in Airflow, and gives those that nobody can
    answer now; `waiting` is what the inbox holds. Both may fail: it is logged without content, and tried again."""

    ring_assets: Callable[[Iterable[str]], Collection[str]]
    waiting: Callable[[], list[Waiting]]
    clock: Callable[[], float] = time.monotonic
    _asked: set[str] = field(default_factory=set)
    _bells: dict[str, _Bell] = field(default_factory=dict)
    _unaligned: set[str] = field(default_factory=set)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None

    def ring(self, entities: Iterable[str]) -> None:
        """Ring soon; never blocks, never fails."""
        with self._wake:
            self._asked.update(entities)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="doorbells", daemon=True)
                self._thread.start()
            self._wake.notify()

    def start(self) -> None:
        """Look at the inbox from now on, whether or not anything comes in."""
        self.ring(())

    def _work(self) -> None:
        looked_at = float("-inf")
        while True:
            with self._wake:
                if not self._asked:
                    self._wake.wait(LOOK_SECONDS)
                asked, self._asked = self._asked, set()
            now = self.clock()
            if now - looked_at >= LOOK_SECONDS:
                asked |= self.overdue(now)
                looked_at = now
            if asked:
                self.ring_now(asked, now)
                time.sleep(APART_SECONDS)

    def overdue(self, now: float) -> set[str]:
        """Entities that something waits for, and that were rung for long enough ago. `now`: seconds of `clock`."""
        try:
            found_waiting = self.waiting()
        except Exception as problem:
            log.warning("The inbox can't be looked at (%s); trying again.", type(problem).__name__)
            return set()
        self._tell_of_unaligned({one.entity for one in found_waiting if not one.aligned})
        waiting = {one.entity for one in found_waiting if one.aligned}
        found = set()
        for entity in list(self._bells):
            if entity not in waiting:
                del self._bells[entity]
        for entity in waiting:
            bell = self._bells.setdefault(entity, _Bell())
            if now - bell.rung_at >= bell.patience or not bell.rung_at:
                if bell.rung_at:
                    bell.patience = min(bell.patience * 2, SELDOM_SECONDS)
                found.add(entity)
        return found

    def _tell_of_unaligned(self, entities: set[str]) -> None:
        """Once for each: a run of theirs would only fail, and schedules say the same."""
        for entity in sorted(entities - self._unaligned):
            log.warning(
                "Events of %s start no run: it has had no first alignment. What to do: run `backfill`, or leave it out "
                "of realtime.entities.",
                entity,
            )
        self._unaligned = entities

    def ring_now(self, entities: set[str], now: float) -> None:
        """Ring, and remember when. A bell nobody can answer now was not rung in vain: it is tried as soon again."""
        for entity in entities:
            self._bells.setdefault(entity, _Bell()).rung_at = now
        try:
            for entity in self.ring_assets(sorted(entities)):
                self._bells[entity].patience = AGAIN_SECONDS
        except Exception as problem:
            log.warning("Doorbells could not be rung (%s); trying again.", type(problem).__name__)


def ring_doorbells(entities: Iterable[str]) -> frozenset[str]:
    """Ring in Airflow's own process: an asset event each, in one transaction of Airflow's metadata. Gives the entities
    whose DAG is paused, not there, or without its doorbell: Airflow forgets a ring that no DAG can answer, so theirs
    are not rung.

    `AssetManager` is not public API: this function is the only place that knows it. From outside, the same is done by
    `POST /api/v2/assets/events`.
    """
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from retail_sync.pipeline.runtime.entities import entity

    doorbells = {entity(one).doorbell: one for one in entities}
    with create_session() as session:
        awake = set(
            session.scalars(
                select(DagModel.dag_id).where(
                    DagModel.dag_id.in_(doorbells.values()), ~DagModel.is_paused, ~DagModel.is_stale
                )
            )
        )
        rung = set()
        for asset in session.scalars(select(AssetModel).where(AssetModel.name.in_(doorbells))).all():
            if doorbells[asset.name] in awake:
                asset_manager.register_asset_change(asset=asset, session=session, source_is_api=True)
                rung.add(doorbells[asset.name])
    return frozenset(doorbells.values()) - rung
