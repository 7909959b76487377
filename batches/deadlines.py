"""How long a state may last, where the station has to be meanwhile, and what it means when the time is over.

The durations are the policy's, unless the family's profile knows better.  Who
counts them down is :mod:`batches.patience`; nothing here reads a clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from batches.errand import Errand
from batches.outcome import Outcome, outcome
from migrate.domain.attempt import Fact, State
from migrate.domain.evidence import Grade, Side
from migrate.domain.profile import Restart
from migrate.domain.record import Attempt, Direction
from migrate.domain.wave import Cause, Deferral
from migrate.ports import Presence

_AT_THE_ORIGIN = frozenset({State.WRITING, State.WRITTEN, State.RESTARTING, State.UNDOING})


def home_of(attempt: Attempt) -> Side | None:
    """Where a station is expected to be; away from there beyond the grace time, it is gone.  ``None``: anywhere.

    One that was refused at the door never had a session at its goal: to miss
    it there would be to call lost what knocks every few seconds.
    """
    if attempt.state in _AT_THE_ORIGIN:
        return attempt.direction.origin
    had_a_session = attempt.state is State.ARRIVED and attempt.evidence > Grade.E0
    return attempt.direction.goal if had_a_session else None


def _too_late(state: State, direction: Direction) -> str:
    origin, goal = direction.origin.value, direction.goal.value
    return {
        State.WRITING: "the write was not finished in time",
        State.WRITTEN: "no quiet moment to restart it in time",
        State.RESTARTING: f"still on the {origin} after the restart was ordered",
        State.UNDOING: "the old values could not be put back in time",
        State.DEPARTED: f"left the {origin} and was seen nowhere",
        State.ARRIVED: f"on the {goal}, but no boot",
    }.get(state, "")


def deadline_of(state: State, errand: Errand) -> timedelta | None:
    """How long an attempt may stay in a state; ``None`` is for ever."""
    timeouts, profile = errand.policy.timeouts, errand.profile
    timing = profile.timing if profile else None
    flashing = flashing_time(state, errand)
    return {
        State.PLANNED: timeouts.check,
        State.CHECKED: timeouts.check,
        State.WRITING: timeouts.write + flashing,
        State.WRITTEN: timeouts.idle
        if needs_restart(errand)
        else (timing.restart if timing else None) or timeouts.restart,
        State.RESTARTING: (timing.restart if timing else None) or timeouts.restart,
        State.UNDOING: timeouts.undo,
        State.DEPARTED: (timing.appear if timing else None) or timeouts.appear,
        State.ARRIVED: timeouts.arrive,
    }.get(state)


def needs_restart(errand: Errand) -> bool:
    """Whether written values wait for a restart; some families use them at once, and there is no quiet hour to wait for."""
    return errand.profile is None or errand.profile.restart is not Restart.NONE


def flashing_time(state: State, errand: Errand) -> timedelta:
    """How long a station may be loading, installing and restarting while its unit is written."""
    firmware = errand.profile.firmware if errand.profile else None
    if firmware is None or state is not State.WRITING:
        return timedelta(0)
    return firmware.within * len(firmware.steps)


def grace_of(state: State, errand: Errand) -> timedelta:
    """How long a station may be away before it is called gone; one that takes a firmware restarts on the way.

    For as long as one version may take, not all of them: the sooner the first
    is missed, the fewer of its model are sent the same file.
    """
    firmware = errand.profile.firmware if errand.profile else None
    installing = firmware.within if firmware is not None and state is State.WRITING else timedelta(0)
    return errand.policy.timeouts.grace + installing


def is_away(attempt: Attempt, presence: Presence) -> bool:
    """Whether it is seen to be absent from where it has to be; not to be seen is not to be absent."""
    home = home_of(attempt)
    return home is not None and home in presence.seen and presence.on(home) is None


def answers_on_both_sides(presence: Presence) -> bool:
    """Whether a session answers on either side; a socket that only looks alive does not count for long."""
    return presence.answering > 1 and all(presence.on(side) is not None for side in Side)


def run_out(attempt: Attempt, presence: Presence, *, again_at: datetime, restarts: bool = True) -> Outcome:
    """What a deadline means: where the station was found, or that it was found nowhere in time.

    ``restarts`` is false for a family that uses what is written at once.
    """
    origin, goal = attempt.direction.origin, attempt.direction.goal
    if attempt.state is State.DEPARTED and presence.on(origin) is not None:
        return outcome(Fact.ON_SOURCE, f"found on the {origin.value} at the deadline", left=True)
    if attempt.state is State.DEPARTED and presence.on(goal) is not None:
        return outcome(Fact.SEEN_ON_TARGET, f"found on the {goal.value} at the deadline", evidence=Grade.E1)
    if attempt.state is State.UNDOING and answers_on_both_sides(presence):
        return outcome(Fact.DEADLINE, "it answers on the source and on the target: two devices, or one on both")
    if attempt.state is State.PLANNED:
        return outcome(Fact.NOT_NOW, "checks took too long", deferral=Deferral.OFFLINE, due_at=again_at)
    if attempt.state is State.CHECKED:
        reason = "waited too long for its turn; looking again later"
        return outcome(Fact.NOT_NOW, reason, deferral=Deferral.BACKOFF, due_at=again_at)
    if attempt.state is State.WRITTEN and not restarts:
        return outcome(Fact.DEADLINE, f"stored, and not used: still on the {origin.value}", cause=Cause.WITHOUT_EFFECT)
    if attempt.state is State.ARRIVED and attempt.reason:
        return outcome(Fact.DEADLINE, f"on the {goal.value}, but not proven: {attempt.reason}")
    return outcome(Fact.DEADLINE, _too_late(attempt.state, attempt.direction))
