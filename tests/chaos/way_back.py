"""What is done to stations that are taken back: rollbacks that die, and orders for a run that dies.

A fleet is moved undisturbed.  Then some stations get a fault, so that not every
way back is a good one, drivers plug in, and all are ordered back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from migrate.simulator.control import ask
from migrate.simulator.faults import Fault
from tests.chaos.arena import Arena, Life
from tests.chaos.child import BACK, NOTHING, Trigger
from tests.chaos.fleets import Fleet, healthy
from tests.chaos.plots import AT_THE_LATEST_S, LIVES, MOMENTS, Tally, Theatre, finish

WAY_BACK = (
    *("opened", "deferred", "planned", "checked", "writing", "written", "restarting", "departed", "undoing"),
    *("arrived", "failed", "reverted", "visiting", "confirmed", "settled", "stuck", "lost"),
)
"""Everything that is journaled of a station on its way back, about in the order of its coming."""

MEANWHILE = ("checked", "planned", "writing", "restarting", "confirmed")
"""After which of them a run dies that was given an order while it was up."""

MET_ONCE = ("failed", "reverted", "visiting", "stuck", "lost")
"""Few stations come to these: for their sake alone no further campaign is played."""

AT_REST = frozenset({"settled", "skipped", "failed", "reverted", "stuck", "lost"})

BACK_HOME, KEPT = frozenset({"reverted"}), frozenset({"settled"})

SPOILT = {
    Fault.RESET_IGNORED: KEPT,
    Fault.WITHOUT_EFFECT: KEPT,
    Fault.STORES_NOTHING: KEPT,
    Fault.READ_ONLY_KEY: KEPT,
    Fault.LOST: frozenset({"lost"}),
}
"""What befalls stations that moved well, and how each has to stand then: one that cannot be taken back keeps its state."""

DRIVERS, DRIVES_S = 3, 300.0
"""How many drivers plug in before the order, and for how many campaign seconds."""

MOST_IN_VAIN = 2
"""How many lives of a campaign may wait to their limit: whoever waits for a deadline begins it anew in each of them."""

ORDERED_AT_ONCE = 2
WITHIN_S = 120.0


async def way_back(theatre: Theatre, fleet: Fleet, points: Sequence[str], *, kills: int, campaigns: int) -> Tally:
    """Kill rollbacks after each journaled state, then at random moments; runs and further orders carry them on."""
    tally, left = Tally("way back"), list(points)

    async def plot(here: Arena) -> str:
        if wrong := await _moved_and_spoilt(here, fleet):
            return wrong
        names, in_vain = sorted(here.where()), 0
        for turn in range(LIVES):
            began = time.monotonic()
            point = left[0] if left else ""
            life = await _one_life(here, names if turn % 2 == 0 else (), _trigger(theatre, point))
            tally.count(life)
            if wrong := _broken(life):
                return wrong
            is_met = life.was_killed and point in here.last_words()
            left[:] = left[1:] if is_met else [*left[1:], *left[:1]]  # what did not come may come later
            in_vain += time.monotonic() - began > AT_THE_LATEST_S
            if in_vain > MOST_IN_VAIN or not _are_ahead(here) or not (left or tally.kills < kills):
                break
        return await taken_home(here)

    unkilled = partial(_taken_back_undisturbed, fleet=fleet)
    while _wanted(left, tally, kills) and tally.campaigns < campaigns:
        await theatre.play(fleet, tally, plot, unkilled=unkilled)
    tally.missed = [f"never killed after {point}" for point in left if point not in MET_ONCE]
    return tally


async def ordered_meanwhile(theatre: Theatre, fleets: Sequence[Fleet]) -> Tally:
    """Order stations back while a run is up, and kill the run that takes them up; the first time also who orders."""
    tally = Tally("ordered while a run is up")

    async def plot(here: Arena) -> str:
        for point in MEANWHILE:
            dies_half_way = point == MEANWHILE[0]
            running = asyncio.ensure_future(here.live(_trigger(theatre, point)))
            wrong = await _order_some(here, running, Trigger(on="opened") if dies_half_way else None)
            life = await running
            tally.count(life)
            if wrong := wrong or _broken(life):
                return wrong
            if dies_half_way and not life.was_killed:
                return "the run did not take up the order whose giver had died"
            tally.kills += dies_half_way
        return await taken_home(here)

    for fleet in fleets:
        await theatre.play(fleet, tally, plot)
    return tally


async def taken_home(here: Arena) -> str:
    """Run it until nobody is on the way any more; what is wrong when it does not get there.

    A fleet that was taken back has shut its gates: the run says so when it ends.
    """
    life = await here.live()
    if wrong := _broken(life):
        return wrong
    ahead = _are_ahead(here)
    return f"the run ended {life.said} and left {', '.join(ahead)} on the way" if ahead else ""


# ── one life ───────────────────────────────────────────────────────────────


async def _one_life(here: Arena, names: Sequence[str], trigger: Trigger) -> Life:
    """An order, or a run; a run too where nobody is left to be ordered."""
    if names:
        life = await here.take_back(names, trigger, kill_after_s=AT_THE_LATEST_S)
        if life.said != NOTHING:
            return life
    return await here.live(trigger, kill_after_s=AT_THE_LATEST_S)


def _trigger(theatre: Theatre, point: str) -> Trigger:
    """Right after the point was journaled; without one at a random moment, most of them where a kill hurts."""
    dice = theatre.dice
    if point:
        return Trigger(on=BACK + point)
    wanted = dice.choice((*MOMENTS, "deferred", "departed"))
    return Trigger(on=BACK + wanted, nth=dice.choice((1, 1, 2)), after_ms=dice.uniform(0.01, 300.0))


def _wanted(left: Sequence[str], tally: Tally, kills: int) -> bool:
    return tally.kills < kills or any(point not in MET_ONCE for point in left)


def _broken(life: Life) -> str:
    """A life that neither was killed nor came to an end of its own is a defect of ours."""
    if life.was_killed or (life.code == 0 and life.said in ("done", "shut")):
        return ""
    return f"broke: {life.code} {life.said}; see child.log"


def _are_ahead(here: Arena) -> list[str]:
    """Who is on the way still, or was never begun, and where."""
    ends = here.ends()
    states = {spec.identity: ends.get(spec.identity, "forward untouched").partition(" ")[2] for spec in here.specs}
    return [f"{identity} {state}" for identity, state in states.items() if state not in AT_REST]


# ── scenes ─────────────────────────────────────────────────────────────────


async def _taken_back_undisturbed(here: Arena, fleet: Fleet) -> str:
    if wrong := await _moved_and_spoilt(here, fleet):
        return wrong
    return _broken(await here.take_back(sorted(here.where()))) or await taken_home(here)


async def _moved_and_spoilt(here: Arena, fleet: Fleet) -> str:
    """The whole fleet on the target, some with a fault since, some charging."""
    if wrong := await finish(here):
        return wrong
    moved = [identity for identity, state in here.where().items() if state == "settled"]
    here.expected |= dict.fromkeys(moved, BACK_HOME)
    specs = fleet.specs()
    well = iter(specs[place].identity for place in healthy(specs) if not specs[place].is_visit_only)
    for fault, ends in SPOILT.items():
        identity = next(well)
        here.expected[identity] = ends
        await _happens(here, op="go_wrong", identity=identity, fault=fault)
    for _ in range(DRIVERS):
        await _happens(here, op="start_transaction", identity=next(well), for_s=DRIVES_S)
    unwelcome = next(well)
    here.expected[unwelcome] = frozenset({"stuck"})
    await _happens(here, op="boot_answer", side="source", identity=unwelcome, status="Pending")
    return ""


async def _happens(here: Arena, **order: object) -> None:
    answer = await ask(here.stage.control, **order)
    if not answer["ok"]:
        raise ValueError(answer["error"])


async def _order_some(here: Arena, running: asyncio.Future[Life], trigger: Trigger | None = None) -> str:
    """Order the next few that have settled while the run is up; what is wrong if that could not be done.

    A run may die before that, over stations of the order before; then the order carries itself out.
    """
    names = await _settled(here, running)
    if not names:
        return "" if running.done() else "nobody had settled that could be ordered back"
    here.expected |= dict.fromkeys(names, BACK_HOME)
    life = await here.take_back(names, trigger)
    if trigger is not None:
        return "" if life.was_killed else f"the order was to be killed; {life.code} {life.said}"
    is_right = life.said == "ordered" or (running.done() and not _broken(life))
    return "" if is_right else f"the order was not left to the run: {life.code} {life.said}"


async def _settled(here: Arena, running: asyncio.Future[Life]) -> list[str]:
    for _ in range(round(WITHIN_S / 0.2)):
        chosen = here.every_second()
        settled = [identity for identity, end in here.ends().items() if end == "forward settled" and identity in chosen]
        if running.done():
            return []
        if here.is_held and len(settled) >= ORDERED_AT_ONCE:
            return settled[:ORDERED_AT_ONCE]
        await asyncio.sleep(0.2)
    return []
