"""What to do with an attempt that a dead process left behind.

A killed process knows nothing of its last effect: it may not have been sent,
it may have been sent and not answered.  Nothing is repeated before the
station was asked where it stands; what its answer means is decided here,
without asking anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from migrate.domain.attempt import Fact
from migrate.domain.profile import Readback
from migrate.domain.record import Attempt, Event, EventKind
from migrate.domain.unit import Held, PreparedWrite
from migrate.ports import Presence


def resume_writing(now: Held, *, acknowledged: bool) -> Fact:
    """What a read-back after a crash, or after an unanswered write, says of a unit.

    A unit whose keys all hide their values cannot be looked at.  It counts as
    whole only if every write of it was acknowledged, otherwise as partly
    applied: unknown is never rounded to done.
    """
    return {
        Held.NEW: Fact.READ_BACK_WHOLE,
        Held.OLD: Fact.UNANSWERED,
        Held.PARTLY: Fact.PARTLY_APPLIED,
        Held.UNKNOWN: Fact.READ_BACK_WHOLE if acknowledged else Fact.PARTLY_APPLIED,
    }[now]


def still_to_write(unit: Sequence[PreparedWrite], now: Mapping[str, str | None]) -> tuple[PreparedWrite, ...]:
    """The writes of a unit that have to go out, in their order, given what a look has just shown.

    An empty ``now`` is a unit that nobody has begun: then the snapshot counts.
    After a crash the rest of a unit is written, so that a kill in its middle
    ends no other way than none.  A key that hides its value cannot be seen
    to be done and is written again: the same value twice is the same value.
    """
    return tuple(w for w in unit if w.readback is not Readback.EXACT or now.get(w.key, w.old) != w.new)


TAKEN, NO_ANSWER = ("Accepted", "RebootRequired"), "no answer"


def doubtful(attempt: Attempt, told: Iterable[Event]) -> frozenset[str]:
    """The keys that a station may hold new values of for its next start, whatever it shows now.

    Those that this attempt was sent a new value of that it did not refuse, and
    not the old one since, in a station that has not been told to restart.
    ``told`` is its timeline.
    """
    if attempt.left:
        return frozenset()
    new, keys = {write.key: write.new for write in attempt.unit}, set[str]()
    for event in told:
        if event.attempt != attempt.id:
            continue
        key = str(event.data.get("key", ""))
        if event.kind is EventKind.COMMAND and event.data.get("action") == "Reset":
            keys.clear()
        elif event.kind is EventKind.COMMAND and key in new:
            (keys.add if event.data.get("value") == new[key] else keys.discard)(key)
        elif event.kind is EventKind.ANSWER and _left_it_alone(event):
            keys.discard(key)
    return frozenset(keys)


def _left_it_alone(answer: Event) -> bool:
    """Whether a command was refused, or never went out."""
    return answer.data.get("sent") is False or answer.data.get("status") not in (*TAKEN, NO_ANSWER)


class Restarted(StrEnum):
    """What is known of a restart whose command may never have been sent."""

    AWAY = "away"  # it left: wait for it
    ELSEWHERE = "elsewhere"  # at its goal, or in a new session: sightings tell the rest
    STILL_THERE = "still_there"  # it never restarted: the same session, or a new one that began without a boot
    CANNOT_SEE = "cannot_see"


def look_after_restart(attempt: Attempt, presence: Presence) -> Restarted:
    """Where a station stands whose restart was ordered before the crash: its goal first, then the side it leaves."""
    origin, goal = attempt.direction.origin, attempt.direction.goal
    if presence.on(goal) is not None:
        return Restarted.ELSEWHERE
    if origin not in presence.seen:
        return Restarted.CANNOT_SEE
    session = presence.on(origin)
    if session is None:
        return Restarted.AWAY
    never_restarted = session.id == attempt.source_session or not session.boot_answer
    return Restarted.STILL_THERE if never_restarted else Restarted.ELSEWHERE


def may_still_boot(attempt: Attempt, presence: Presence, now: datetime, settle: timedelta) -> bool:
    """Whether a station that has just dialled the same side again may yet say that it restarted."""
    session = presence.on(attempt.direction.origin)
    if session is None or session.id == attempt.source_session or session.boot_answer:
        return False
    return timedelta(0) <= now - session.connected_at < settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Whether a restart may be ordered once more, and why."""

    allowed: bool
    reason: str


def may_restart_again(where: Restarted, now: Held) -> Repeat:
    """Order it again only after two looks: it never restarted, and it still holds the new values."""
    if where is not Restarted.STILL_THERE:
        return Repeat(allowed=False, reason=f"it is {where.value.replace('_', ' ')}")
    if now not in (Held.NEW, Held.UNKNOWN):
        return Repeat(allowed=False, reason=f"it holds {now.value} values")
    return Repeat(allowed=True, reason="it never restarted and holds the new values")
