"""What is done to a campaign: each plot kills its processes in one way until it comes to its end."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.chaos.arena import Arena, Life, arena
from tests.chaos.child import Trigger
from tests.chaos.fleets import Fleet
from tests.chaos.judge import Verdict, judge_campaign

SPEED = 40.0
SPEED_OF_REDIALLING = 20.0
SPEED_OF_SLOTS = 4.0
"""Stations notice a missing relay: leave them the time to dial again.  A family with two slots turns to the other after
half a minute, which is then where the toolkit finds it, and no fault of a kill."""

TOGETHER = 0.25
"""How often the run dies with its listening process; it takes some seconds more until somebody listens again."""

RARE = ("skipped", "visiting", "failed", "reverted", "stuck", "lost")
"""What happens to a few stations only: there may be no second."""

LIVES = 40
"""More of them in one campaign mean that it makes no headway."""

MOMENTS = ("writing", "restarting", "undoing")
"""The states in which something may be under way to a station: a kill hurts there."""

AT_THE_LATEST_S = 25.0
"""When no station comes to the wanted state any more, the process dies all the same."""

SWEEP = (
    *("opened", "batch", "wave", "checked", "writing", "command", "written", "restarting", "departed", "skipped"),
    *("visiting", "deferred", "undoing", "failed", "arrived", "planned", "confirmed", "reverted", "settled"),
    *("stuck", "lost"),
)
"""Everything that is journaled of an attempt, its dispatch and its wave, about in the order of its coming."""


@dataclass(slots=True)
class Tally:
    """One line of the table, and what there is to say about it."""

    plot: str
    campaigns: int = 0
    kills: int = 0
    moments: Counter[str] = field(default_factory=Counter)  # kills with at least one station in that state
    hot: int = 0  # kills with a station in one of ``MOMENTS``
    verdict: Verdict = field(default_factory=Verdict)
    missed: list[str] = field(default_factory=list)

    def count(self, life: Life) -> None:
        if life.was_killed:
            self.kills += 1
            self.moments.update(life.states.keys())
            self.hot += any(life.states[state] for state in MOMENTS)

    def add(self, verdict: Verdict, where: str) -> None:
        self.campaigns += 1
        self.verdict.lost += [f"{where}: {line}" for line in verdict.lost]
        self.verdict.endings += [f"{where}: {line}" for line in verdict.endings]
        self.verdict.blind += verdict.blind
        self.verdict.cut += verdict.cut

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and not self.missed


Plot = Callable[[Arena], Awaitable[str]]
"""What is done to a campaign; what went wrong, if anything did."""


class Theatre:
    """Stages campaigns, remembers how each fleet ends undisturbed, and keeps the folders of those that went wrong."""

    def __init__(self, say: Callable[[str], None], dice: random.Random) -> None:
        self.say = say
        self.dice = dice
        self._undisturbed: dict[tuple[str, Plot], Mapping[str, str]] = {}

    async def undisturbed(self, fleet: Fleet, plot: Plot) -> Mapping[str, str]:
        """How each station of a fleet ends when nothing is killed in what is done to it."""
        known = (fleet.name, plot)
        if known not in self._undisturbed:
            async with arena(fleet, speed=SPEED) as here:
                wrong = await plot(here)
                verdict = await judge_campaign(here, {})
                if wrong or not verdict.is_clean:
                    raise RuntimeError(f"{here.folder}: wrong without any kill: {wrong} {list(verdict.lines())}")
                self._undisturbed[known] = here.ends()
            shutil.rmtree(here.folder)
            self.say(f"  {fleet.name}: undisturbed {dict(Counter(self._undisturbed[known].values()))}")
        return self._undisturbed[known]

    async def play(
        self,
        fleet: Fleet,
        tally: Tally,
        plot: Plot,
        *,
        speed: float = SPEED,
        unkilled: Plot | None = None,
    ) -> None:
        """One campaign of a fleet, with this plot, to its end and its verdict.

        ``unkilled`` is the same without a kill, by which the ends are judged;
        without it what the faults demand has to do.
        """
        undisturbed = await self.undisturbed(fleet, unkilled) if unkilled else {}
        before = tally.kills
        async with arena(fleet, speed=speed) as here:
            wrong = await plot(here)
            verdict = await judge_campaign(here, undisturbed)
        verdict.endings += [wrong] if wrong else []
        tally.add(verdict, str(here.folder))
        self.say(
            f"  {tally.plot}, {fleet.name}: {tally.kills - before} kills, {'clean' if verdict.is_clean else 'WRONG'}"
        )
        for line in verdict.lines():
            self.say(f"    {line}")
        if verdict.is_clean:
            shutil.rmtree(here.folder)


async def finish(here: Arena) -> str:
    """Let it run to its end; what is wrong when it does not get there."""
    life = await here.live()
    return "" if life.is_done else f"came to no end: {life.code} {life.said}; see child.log"


def crashed(life: Life) -> str:
    """A life that neither was killed nor came to an end is a defect of ours."""
    return "" if life.was_killed or life.is_done else f"broke: {life.code} {life.said}; see child.log"


async def sweep(theatre: Theatre, fleet: Fleet, points: Sequence[str], campaigns: int) -> Tally:
    """Kill right after each kind of event was journaled, one after the other, in as few campaigns as it takes."""
    tally, left = Tally("right after each journaled state"), list(points)

    async def plot(here: Arena) -> str:
        for point in list(left):
            life = await here.live(Trigger(on=point, nth=1 if point in RARE else theatre.dice.choice((1, 1, 2))))
            tally.count(life)
            if wrong := crashed(life):
                return wrong
            left.remove(point)
            if life.is_done:
                left.append(point)  # it came no more in this campaign
                return ""
        return await finish(here)

    while left and tally.campaigns < campaigns:
        await theatre.play(fleet, tally, plot, unkilled=finish)
    tally.missed = [f"never killed after {point}" for point in left]
    return tally


async def random_moments(theatre: Theatre, fleets: Sequence[Fleet], kills: int, *, hot: int, each: int) -> Tally:
    """Kill at random moments until there were enough, most of them while something is under way to a station."""
    tally, turn = Tally("random moments"), 0

    def enough() -> bool:
        return tally.kills >= kills and tally.hot >= hot and all(tally.moments[state] >= each for state in MOMENTS)

    async def plot(here: Arena) -> str:
        for _ in range(LIVES):
            if enough():
                break
            life = await _killed_at_random(here, theatre.dice, _wanted(tally, kills, hot, each, theatre.dice))
            tally.count(life)
            if wrong := crashed(life):
                return wrong
            if life.is_done or not here.has_more_ahead:
                break
        return await finish(here)

    while not enough() and tally.kills < 3 * kills:
        await theatre.play(fleets[turn % len(fleets)], tally, plot, unkilled=finish)
        turn += 1
    tally.missed = [] if enough() else [f"only {tally.kills} kills, {dict(tally.moments)}"]
    return tally


def _wanted(tally: Tally, kills: int, hot: int, each: int, dice: random.Random) -> str:
    """The state that has been met too seldom, or none: then any moment will do."""
    cold_left = (kills - hot) - (tally.kills - tally.hot)
    if cold_left > 0 and dice.random() < 0.15:
        return ""
    scarce = [state for state in MOMENTS if tally.moments[state] < each]
    return dice.choice(scarce or MOMENTS)


async def _killed_at_random(here: Arena, dice: random.Random, wanted: str) -> Life:
    """At a random moment soon after a station has reached the wanted state; or at any moment, if none does."""
    if not wanted:
        return await here.live(kill_after_s=dice.uniform(1.0, 6.0))
    spread_ms = 300.0 if wanted == "restarting" else 6.0
    after_ms = dice.uniform(0.01, spread_ms)
    trigger = Trigger(on=wanted, nth=dice.choice((1, 1, 2)), after_ms=after_ms, intents=dice.randint(2, 6))
    return await here.live(trigger, kill_after_s=AT_THE_LATEST_S)


async def listen_killed(theatre: Theatre, fleets: Sequence[Fleet], kills: int) -> Tally:
    """Kill the process that holds the stations' sockets; now and then the run together with it."""
    tally = Tally("listen killed")

    async def plot(here: Arena, fleet: Fleet) -> str:
        life: asyncio.Future[Life] = asyncio.ensure_future(here.live())
        for _ in range(kills):
            await asyncio.wait({life}, timeout=theatre.dice.uniform(*_pause_s(fleet)))
            states = here.states()
            if life.done():
                break
            if here.kill_listener():
                tally.count(Life(code=-signal.SIGKILL, states=states))
            if fleet.keeps_to_one and theatre.dice.random() < TOGETHER:
                here.kill_child()
                await life
                life = asyncio.ensure_future(here.live())
        ended = await life
        return "" if ended.is_done else f"came to no end: {ended.code} {ended.said}; see child.log"

    for fleet in fleets:
        speed = _speed_without_listen(fleet)
        await theatre.play(fleet, tally, partial(plot, fleet=fleet), speed=speed, unkilled=finish)
    return tally


def _pause_s(fleet: Fleet) -> tuple[float, float]:
    """From one kill to the next.  Where two slots are there is time to come back between: two kills in a row are one long absence."""
    return (1.0, 10.0) if fleet.keeps_to_one else (9.0, 15.0)


def _speed_without_listen(fleet: Fleet) -> float:
    return SPEED_OF_REDIALLING if fleet.keeps_to_one else SPEED_OF_SLOTS


async def store_deleted(theatre: Theatre, fleets: Sequence[Fleet], points: Sequence[str]) -> Tally:
    """Kill, take dbos's store away, and run again."""
    tally = Tally("dbos store deleted")

    async def plot(here: Arena) -> str:
        for point in points:
            life = await here.live(Trigger(on=point, nth=2, after_ms=theatre.dice.uniform(0.01, 20)))
            tally.count(life)
            if life.is_done or crashed(life):
                return crashed(life)
            here.delete_engine_store()
        return await finish(here)

    for fleet in fleets:
        await theatre.play(fleet, tally, plot, unkilled=finish)
    return tally
