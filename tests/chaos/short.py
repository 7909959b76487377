"""The short form, for CI: one campaign that dies of everything, on its way there and on its way back."""

from __future__ import annotations

import random

from tests.chaos.arena import Arena
from tests.chaos.child import BACK, Trigger
from tests.chaos.fleets import Fleet
from tests.chaos.plots import Tally, Theatre, finish
from tests.chaos.way_back import BACK_HOME, taken_home

SPEED_OF_THE_SHORT = 60.0

TAKEN_BACK = 4
"""So many that one is proven while the rest waits for it."""


async def everything_once(theatre: Theatre, fleet: Fleet) -> list[Tally]:
    """The short form: one campaign that dies of everything; what the faults demand takes the place of a run without kills."""
    tally = Tally("everything once")

    async def plot(here: Arena) -> str:
        for trigger in _once(theatre.dice):
            life = await here.live(trigger)
            tally.count(life)
            if not life.was_killed:
                return f"was to be killed after {trigger.on}; {life.code} {life.said}"
            if trigger.on == "restarting":
                tally.kills += here.kill_listener()
            if trigger.on == "undoing":
                here.delete_engine_store()
        return await finish(here) or await _taken_back(here, tally)

    await theatre.play(fleet, tally, plot, speed=SPEED_OF_THE_SHORT)
    return [tally]


def _once(dice: random.Random) -> list[Trigger]:
    """Right after each kind of intent, and twice at a random moment."""
    at_once = [Trigger(on="command"), Trigger(on="writing"), Trigger(on="undoing"), Trigger(on="restarting")]
    return [
        Trigger(on="checked", after_ms=dice.uniform(1, 30)),
        *at_once,
        Trigger(on="arrived", after_ms=dice.uniform(1, 500)),
    ]


async def _taken_back(here: Arena, tally: Tally) -> str:
    """A rollback that dies, and the run after it that dies too."""
    names = sorted(identity for identity, state in here.where().items() if state == "settled")[:TAKEN_BACK]
    here.expected |= dict.fromkeys(names, BACK_HOME)
    for ordered, point in ((names, "writing"), ((), "restarting")):
        trigger = Trigger(on=BACK + point)
        life = await (here.take_back(ordered, trigger) if ordered else here.live(trigger))
        tally.count(life)
        if not life.was_killed:
            return f"was to be killed {point} on the way back; {life.code} {life.said}"
    return await taken_home(here)
