"""What is done at stations that have settled, on order only: a higher security profile, a new password, a slot emptied.

Which stations such an order reaches, which writes are still due, whether a
restart is, and how a station has to come back, is decided here.  Nothing of
it is part of a move, and nothing of it is ever done by itself.  Pure: events
and values come in, rulings go out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from batches.ordered import PassedOver
from batches.recovery import NO_ANSWER
from migrate.domain.attempt import State
from migrate.domain.evidence import Kind, Side
from migrate.domain.policy import GatePolicy
from migrate.domain.profile import SECURITY_PROFILE_KEYS, Profile, Readback
from migrate.domain.record import Attempt, Direction, Event, EventKind
from migrate.domain.unit import PreparedWrite
from migrate.domain.wave import PlannedStation
from migrate.domain.ways import Finish

ONE_WAY = frozenset({Finish.RAISE_SECURITY, Finish.PASSWORD})
"""After these the source takes the station back no more: its password is another, or its profile is too high."""

REBOOT_REQUIRED = "RebootRequired"

BEGUN = "begun"
"""Of a one-way step in the journal, before its first write."""


class Ended(StrEnum):
    """What an order has come to at one station."""

    DONE = "done"  # written and read back, and back on the target where it had to restart
    ALREADY = "already"  # a look showed that nothing was due
    NOT_NOW = "not_now"  # not there, in use, or an order lies on it: nothing was written
    REFUSED = "refused"
    UNKNOWN = "unknown"  # a write went unanswered, or is not seen: look, then order again
    UNPROVEN = "unproven"  # it is on the target, and not as it should be
    MISSING = "missing"  # it has not come back; the watch reports it lost when its time is over

    @property
    def is_well(self) -> bool:
        return self in (Ended.DONE, Ended.ALREADY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One station, and what the order has come to there."""

    identity: str
    ended: Ended
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What an order comes to before anybody is touched."""

    stations: tuple[PlannedStation, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()

    def one_way(self, step: Finish) -> int:
        """How many stations it takes the way back from."""
        return len(self.stations) if step in ONE_WAY else 0


def within(
    step: Finish,
    names: Iterable[str],
    planned: Mapping[str, PlannedStation],
    attempts: Iterable[Attempt],
    profile_of: Callable[[str], Profile | None],
) -> Within:
    """Which of the named stations a step reaches: those that have settled on the target, by a profile that knows it."""
    known = {attempt.identity: attempt for attempt in attempts}
    reached, passed_over = list[PlannedStation](), list[PassedOver]()
    for name in dict.fromkeys(names):
        if name not in planned:
            why = "the current plan does not hold it"
        else:
            why = _why_not(step, planned[name], known.get(name), profile_of(planned[name].profile))
        if why:
            passed_over.append(PassedOver(identity=name, reason=why))
        else:
            reached.append(planned[name])
    found = tuple(known[station.identity] for station in reached)
    return Within(stations=tuple(reached), attempts=found, passed_over=tuple(passed_over))


def _why_not(step: Finish, planned: PlannedStation, attempt: Attempt | None, profile: Profile | None) -> str:
    if profile is None or not profile.finish.get(step):
        return f"profile {planned.profile or 'none'} has no step {step.value}"
    if attempt is None:
        return "it has not been moved"
    if attempt.direction is Direction.BACK:
        return "it is on its way back, or back, on the source"
    if attempt.state is not State.SETTLED:
        return f"it is {attempt.state.value}: only what has settled on the target is finished"
    return ""


def ways_lost(told: Iterable[Event]) -> dict[str, str]:
    """The stations whose way back a finished step has taken, each with which; one that was refused has lost nothing.

    What was begun and never ended was killed in its middle: that may have taken it too.
    """
    kept = (Ended.ALREADY.value, Ended.NOT_NOW.value, Ended.REFUSED.value)
    lost, begun = dict[str, str](), set[tuple[str, str]]()
    for event in told:
        step, ended = str(event.data.get("step", "")), event.data.get("ended")
        if event.kind is not EventKind.FINISHED or step not in ONE_WAY:
            continue
        if ended == BEGUN:
            begun.add((event.identity, step))
            continue
        begun.discard((event.identity, step))
        if ended not in kept:
            lost[event.identity] = step
    for identity, step in sorted(begun):
        lost.setdefault(identity, step)
    return {name: f"the source takes it back no more since {step} was ordered" for name, step in lost.items()}


def why_stopped(done: Iterable[Finished], gate: GatePolicy) -> str:
    """Why nobody else is touched by an order, by what it has come to so far; empty while it may go on."""
    ends = Counter(one.ended for one in done)
    away, failed = ends[Ended.MISSING] + ends[Ended.UNPROVEN], ends[Ended.REFUSED] + ends[Ended.UNKNOWN]
    if away > gate.max_lost:
        return f"the order was stopped: {away} not back as they should be, at most {gate.max_lost} allowed"
    if failed > gate.max_failed:
        return f"the order was stopped: {failed} refused or unknown, at most {gate.max_failed} allowed"
    return ""


def reads_of(profile: Profile, step: Finish) -> tuple[str, ...]:
    """The keys to look at before anything of a step is written."""
    slots = profile.slots
    slot_keys = (*slots.keys, slots.priority_key, *filter(None, [slots.active_key])) if slots else ()
    own = tuple(name for write in profile.finish[step] for name in write.names if "$" not in name)
    by_slot = (SECURITY_PROFILE_KEYS[1],) if slots and step is Finish.RAISE_SECURITY else ()
    return tuple(dict.fromkeys((*slot_keys, *own, *by_slot)))


def is_raised(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> bool:
    """Whether the station has the security profile already that a slot of the unit would bring: no slot is filled again."""
    held, wanted = now.get(SECURITY_PROFILE_KEYS[1]) or "", wanted_security(unit)
    brings_it = any(write.new.startswith("{") for write in unit)
    return brings_it and wanted is not None and held.isdigit() and int(held) >= wanted


def still_due(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> tuple[PreparedWrite, ...]:
    """The writes whose value the station does not show yet.  What it hides is written: twice the same is the same."""
    return tuple(w for w in unit if w.secret or w.readback is not Readback.EXACT or now.get(w.key) != w.new)


def restart_is_due(told: Iterable[Event], keys: Iterable[str]) -> bool:
    """Whether a value was taken that waits for a restart, and the station has not booted on the target since.

    A process that died between the two has left the one without the other.
    """
    wanted, due = set(keys), False
    for event in told:
        data = event.data
        if event.kind is EventKind.ANSWER and data.get("key") in wanted:
            due = due or data.get("status") == REBOOT_REQUIRED
        elif event.kind is EventKind.SIGHTING and _is_boot_of_its_own(data):
            due = False
    return due


def is_unanswered(told: Iterable[Event], keys: Iterable[str]) -> bool:
    """Whether a value went out whose answer nobody kept, and the station has not booted on the target since.

    It may show the value and wait for a restart to use it.
    """
    wanted, is_open = set(keys), set[object]()
    for event in told:
        data = event.data
        if event.kind is EventKind.COMMAND and data.get("key") in wanted:
            is_open.add(data["key"])
        elif event.kind is EventKind.ANSWER and (data.get("status") != NO_ANSWER or data.get("sent") is False):
            is_open.discard(data.get("key"))
        elif event.kind is EventKind.SIGHTING and _is_boot_of_its_own(data):
            is_open.clear()
    return bool(is_open)


def _is_boot_of_its_own(data: Mapping[str, object]) -> bool:
    is_boot = data.get("kind") == Kind.BOOT.value and data.get("side") == Side.TARGET.value
    return is_boot and not data.get("solicited")


def wanted_security(unit: Iterable[PreparedWrite]) -> int | None:
    """The security profile that the station has to come back with; ``None`` where the step raises none."""
    said = [value for write in unit for value in _security_in(write)]
    return max(said, default=None)


def _security_in(write: PreparedWrite) -> Iterable[int]:
    if write.key in SECURITY_PROFILE_KEYS and write.new.isdigit():
        yield int(write.new)
    elif write.new.startswith("{"):
        value = json.loads(write.new).get("securityProfile")
        if isinstance(value, int):
            yield value


def not_stored(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> tuple[str, ...]:
    """Keys that were acknowledged and do not show their new value; what is hidden shows nothing either way."""
    telling = [w for w in unit if w.readback is Readback.EXACT and not w.secret]
    return tuple(w.key for w in telling if now.get(w.key) != w.new)
