"""What ``retry`` and ``rollback`` share: an order is looked at, agreed to, journaled, and carried out.

The order is in the journal before anything else happens.  A run that is up
takes it up at its next look; without one, this process carries it out itself,
for the ordered stations and nobody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from batches.ordered import Order, PassedOver, Reach, Wish, openings
from migrate.cli.exits import Exit
from migrate.cli.left_behind import write_left_behind
from migrate.cli.live import Progress, Silent, open_progress
from migrate.cli.options import Context, print_json, talk
from migrate.cli.people import who
from migrate.cli.work import at_work, run_to_the_end
from migrate.domain.counted import counted
from migrate.domain.errors import Locked, PlanProblem, Stale
from migrate.domain.record import Attempt
from migrate.domain.wave import Plan, PlannedStation
from migrate.engine.beat import RUN
from migrate.wiring import SHOWN, Wired
from reports.ordered import ordered_document, ordered_lines
from reports.words import display

AT_ONCE = 500
"""Attempts opened in one change: ten thousand in one transaction would keep every other process waiting."""

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How the verb was called, as far as both verbs need it."""

    context: Context
    order: Order
    reason: str
    as_json: bool


async def place(call: Call, wired: Wired, plan: Plan, found: Reach) -> int:
    """Journal the order, and carry it out unless a run that is up will.  The exit code."""
    wish = Wish(
        order=call.order,
        reason=call.reason,
        by=who(),
        at=wired.clock.now(),
        token=wired.dice.token()[:8],
        fingerprint=plan.fingerprint,
    )
    found = await _open(wired, wish, found)
    try:
        lease = await wired.journal.acquire_lease()
    except Locked as held:
        call.context.say(
            f"Ordered for {counted(len(found.stations), 'station')}. {held.message} It takes them up at its next look."
        )
        call.context.say("Watch it: `migrate status --watch`.")
        return await _tell(call, wired, found, "ordered")
    try:
        return await _carry_out(call, wired, plan, found)
    finally:
        await wired.journal.release_lease(lease)


async def _open(wired: Wired, wish: Wish, found: Reach) -> Reach:
    """Journal the order; what has moved while it was being agreed to is passed over, and stops nobody else."""
    opened, passed_over = list[PlannedStation](), list(found.passed_over)
    for part in _parts(found.stations):
        for few in [part] if await _is_stored(wired, wish, found, part) else [[station] for station in part]:
            if len(few) == len(part) or await _is_stored(wired, wish, found, few):
                opened += few
            else:
                passed_over += [PassedOver(identity=station.identity, reason=_MOVED) for station in few]
    return replace(found, stations=tuple(opened), passed_over=tuple(passed_over))


async def _is_stored(wired: Wired, wish: Wish, found: Reach, part: Sequence[PlannedStation]) -> bool:
    """Whether the attempts were opened.  Whoever moves one before it is put off works on it already."""
    opened, waiting = openings(wish, found, part)
    try:
        await wired.journal.commit(opened)
    except Stale:
        return False
    with suppress(Stale):
        await wired.journal.commit(waiting)
    return True


_MOVED = "it has moved since it was looked at: look again, then order again"


async def _carry_out(call: Call, wired: Wired, plan: Plan, found: Reach) -> int:
    is_silent = call.as_json or call.context.verbosity < 0
    progress: Progress = Silent() if is_silent else open_progress(talk())
    names = [station.identity for station in found.stations]
    async with at_work(wired, plan, RUN) as at:
        ended = await run_to_the_end(at, progress, ordered=names)
    standing = await wired.standing(is_running=False)
    progress.update(standing)
    progress.close()
    if left := write_left_behind(wired.settings.folder, standing):
        call.context.say(left)
    code = await _tell(call, wired, found, ended)
    return Exit.INTERRUPTED if at.interrupts else code


async def _tell(call: Call, wired: Wired, found: Reach, ended: str) -> int:
    names = [station.identity for station in found.stations]
    document = ordered_document(
        call.order.value,
        stations=names,
        passed_over=[(p.identity, p.reason) for p in found.passed_over],
        by_rollback={kind.value: count for kind, count in found.by_rollback.items()},
        tries=await _tries(wired, found),
        ended=ended,
    )
    if call.as_json:
        print_json(document)
    elif ended != "ordered":
        call.context.say("\n".join(ordered_lines(document)))
        call.context.say(_how_it_ended(call.order, ended))
    return _code(document, ended)


async def _tries(wired: Wired, found: Reach) -> dict[str, Attempt]:
    """The attempt that the order opened at each station, void ones too."""
    newest = {a.identity: a for a in await wired.journal.attempts(identities=[s.identity for s in found.stations])}
    void = {a.identity: a for a in await wired.journal.rollbacks() if a.is_void and a.identity in newest}
    return {identity: _later(attempt, void.get(identity)) for identity, attempt in newest.items()}


def _later(attempt: Attempt, void: Attempt | None) -> Attempt:
    return void if void is not None and void.number > attempt.number else attempt


def _code(document: dict[str, Any], ended: str) -> int:
    outcomes = document["outcomes"]
    if outcomes.get("lost") or outcomes.get("stuck"):
        return Exit.SOME_LOST
    if ended == "stopped":
        return Exit.STOPPED
    return Exit.SOME_FAILED if outcomes.get("kept") or outcomes.get("failed") else Exit.OK


_STOPPED = {
    Order.RETRY: "Stopped: a gate is shut, or a kind or profile is. `migrate status` says which; after `migrate resume` order it again.",
    Order.ROLLBACK: "Stopped: too much went wrong. Look at `migrate status`; ordering the rollback again takes note of it.",
}


def _how_it_ended(order: Order, ended: str) -> str:
    return {
        "done": "Every ordered station has come to rest.",
        "stopped": _STOPPED[order],
        "ending": f"Stopped on request. Nothing is lost; `migrate run` goes on with it, or order the {order.value} again.",
    }.get(ended, ended)


def show(call: Call, found: Reach, plan: Plan) -> None:
    """What the order reaches, and what it passes over, before anybody is asked."""
    say = call.context.say
    classes = ", ".join(f"{count} {kind.value}" for kind, count in found.by_rollback.items())
    waves = Counter(station.wave for station in found.stations)
    where = ", ".join(f"{count} of wave {wave}" for wave, count in sorted(waves.items()))
    if found.stations:
        say(
            f"{call.order.value.capitalize()} of {counted(len(found.stations), 'station')} ({where}); rollback: {classes}."
        )
    say_passed_over(call.context, found.passed_over)
    if not found.stations:
        raise PlanProblem(
            f"There is nothing to {_VERB[call.order]}: none of the named stations can be reached by it.",
            hint=f"The reasons are above; plan {plan.fingerprint[:SHOWN]}, see `migrate status --stations`.",
        )


_VERB = {Order.RETRY: "try again", Order.ROLLBACK: "take back"}


def say_passed_over(context: Context, passed_over: Sequence[PassedOver]) -> None:
    """Each reason once, with how many it holds for and the first of them."""
    by_reason: dict[str, list[str]] = {}
    for one in passed_over:
        by_reason.setdefault(one.reason.replace(one.identity, "IDENTITY"), []).append(one.identity)
    for reason, names in by_reason.items():
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        context.say(f"Passed over, {display(reason, limit=200)}: {', '.join(map(display, names[:_SHOWN]))}{more}")


def _parts(stations: Sequence[PlannedStation]) -> Iterator[Sequence[PlannedStation]]:
    return (stations[start : start + AT_ONCE] for start in range(0, len(stations), AT_ONCE))
