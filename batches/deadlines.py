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
from migrate.domain.record import Attempt
from migrate.domain.wave import Deferral
from migrate.ports import Presence

HOME: dict[State, Side] = {
    State.WRITING: Side.SOURCE,
    State.WRITTEN: Side.SOURCE,
    State.RESTARTING: Side.SOURCE,
    State.UNDOING: Side.SOURCE,
    State.ARRIVED: Side.TARGET,
}
"""Where a station is expected to be; away from there beyond the grace time, it is gone."""

_TOO_LATE: dict[State, str] = {
    State.WRITING: "the write was not finished in time",
    State.WRITTEN: "no quiet moment to restart it in time",
    State.RESTARTING: "still on the source after the restart was ordered",
    State.UNDOING: "the old values could not be put back in time",
    State.DEPARTED: "left the source and was seen nowhere",
    State.ARRIVED: "on the target, but no boot",
}


def deadline_of(state: State, errand: Errand) -> timedelta | None:
    """How long an attempt may stay in a state; ``None`` is for ever."""
    timeouts, profile = errand.policy.timeouts, errand.profile
    timing = profile.timing if profile else None
    return {
        State.PLANNED: timeouts.check,
        State.CHECKED: timeouts.check,
        State.WRITING: timeouts.write,
        State.WRITTEN: timeouts.idle,
        State.RESTARTING: (timing.restart if timing else None) or timeouts.restart,
        State.UNDOING: timeouts.undo,
        State.DEPARTED: (timing.appear if timing else None) or timeouts.appear,
        State.ARRIVED: timeouts.arrive,
    }.get(state)


def is_away(state: State, presence: Presence) -> bool:
    """Whether it is seen to be absent from where it has to be; not to be seen is not to be absent."""
    home = HOME.get(state)
    return home is not None and home in presence.seen and presence.on(home) is None


def answers_on_both_sides(presence: Presence) -> bool:
    """Whether a session answers on either side; a socket that only looks alive does not count for long."""
    return presence.answering > 1 and all(presence.on(side) is not None for side in Side)


def run_out(attempt: Attempt, presence: Presence, *, again_at: datetime) -> Outcome:
    """What a deadline means: where the station was found, or that it was found nowhere in time."""
    if attempt.state is State.DEPARTED and presence.on(Side.SOURCE) is not None:
        return outcome(Fact.ON_SOURCE, "found on the source at the deadline", left=True)
    if attempt.state is State.DEPARTED and presence.on(Side.TARGET) is not None:
        return outcome(Fact.SEEN_ON_TARGET, "found on the target at the deadline", evidence=Grade.E1)
    if attempt.state is State.UNDOING and answers_on_both_sides(presence):
        return outcome(Fact.DEADLINE, "it answers on the source and on the target: two devices, or one on both")
    if attempt.state in (State.PLANNED, State.CHECKED):
        return outcome(Fact.NOT_NOW, "checks took too long", deferral=Deferral.OFFLINE, due_at=again_at)
    if attempt.state is State.ARRIVED and attempt.reason:
        return outcome(Fact.DEADLINE, f"on the target, but not proven: {attempt.reason}")
    return outcome(Fact.DEADLINE, _TOO_LATE.get(attempt.state, ""))
