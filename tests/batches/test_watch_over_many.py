"""Thousands of deferrals that are due at one look, as after an order for a whole fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from batches.watch import AT_ONCE, MOST_BATCHES, Watch
from migrate.domain.attempt import State
from migrate.domain.record import Attempt, Change, Event, EventKind
from migrate.domain.wave import Deferral
from tests.doubles.clock import EPOCH
from tests.doubles.journal import MemoryJournal
from tests.doubles.scene import Scene, an_attempt


class QuickJournal(MemoryJournal):
    """The double without its look over all attempts at every change, which is the square of thousands."""

    def _check(self, change: Change) -> None:
        for attempt in change.attempts:
            known = self._attempts.get(attempt.id)
            assert attempt.version == (known.version + 1 if known else 1)


@pytest.mark.parametrize("how_many", [1, AT_ONCE, AT_ONCE + 1, 6000])
async def test_what_is_due_together_is_dispatched_in_few_batches_and_nobody_is_forgotten(how_many: int) -> None:
    async with Scene.of() as scene:
        journal, sent = QuickJournal(), list[tuple[str, int]]()
        ports = replace(scene.ports, journal=journal)

        async def dispatch(attempts: Sequence[Attempt]) -> None:
            (batch,) = {attempt.batch for attempt in attempts}
            sent.append((batch, len(attempts)))

        waiting = [
            an_attempt(State.DEFERRED, identity=f"AC{n}", deferral=Deferral.BACKOFF, due_at=EPOCH)
            for n in range(how_many)
        ]
        opened = Event(kind=EventKind.ATTEMPT_OPENED, at=EPOCH)
        await journal.commit(Change(events=(opened,), attempts=tuple(waiting)))
        watch = Watch(ports, lambda _: scene.errand, lambda _: None, lambda _: True, dispatch)
        for attempt in waiting:
            watch.learn(attempt)

        await watch.tick()

        assert sum(count for _, count in sent) == how_many
        assert len({batch for batch, _ in sent}) == len(sent) <= MOST_BATCHES
        assert Counter(a.state for a in watch.known.values()) == {State.PLANNED: how_many}
