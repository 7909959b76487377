"""The gate between two waves.

A wave may start only when the one before it has earned it.  This module adds
up how a wave's attempts stand, turns the sum into a ruling, and says why in
words an operator can act on.  It reads no clock and opens no file, it
remembers nothing, and it never rounds: shares are compared as exact
fractions, a threshold that is met is not exceeded, and what cannot be
computed holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from datetime import timedelta
from fractions import Fraction

from migrate.domain.attempt import ENDS, State
from migrate.domain.policy import GatePolicy, Share
from migrate.domain.record import Attempt, Direction
from migrate.domain.span import span
from migrate.domain.wave import Cause, Reason, Ruling, Tally, Verdict

FAILED, LOST = "failed", "lost"  # the two kinds of evidence against that a person can take note of
_AGAINST = {State.FAILED: FAILED, State.REVERTED: FAILED, State.STUCK: FAILED, State.LOST: LOST}
_COUNTED = frozenset({State.CONFIRMED, State.SETTLED, *_AGAINST})


def counted_as(attempt: Attempt) -> State | None:
    """The state in which a station counts, or ``None`` while that is still open.

    A rollback that settled has brought its station back: reverted.  One that
    has not, or that failed, leaves open what the station is worth to its
    wave, and what is open is never counted as good.
    """
    if attempt.direction is Direction.FORWARD or attempt.state in (State.STUCK, State.LOST, State.SKIPPED):
        return attempt.state
    return State.REVERTED if attempt.state is State.SETTLED else None


def is_outside(attempt: Attempt) -> bool:
    """Whether a station is not this wave's to prove.

    Deferred by the window or a retry is not outside: it is still owed.  So is
    a deferral without a reason.
    """
    if attempt.state is State.DEFERRED:
        return attempt.deferral is not None and attempt.deferral.is_outside
    if attempt.state in ENDS and attempt.cause is Cause.ENVIRONMENT:
        return True
    return attempt.state in (State.SKIPPED, State.VISITING)


def tally(attempts: Iterable[Attempt], planned: int) -> Tally:
    """Add up a wave: its newest attempts, and how many stations the plan put into it.

    A station without an attempt is pending.
    """
    counts: Counter[State] = Counter()
    outside = 0
    for attempt in newest(attempts):
        if is_outside(attempt):
            outside += 1
        elif (state := counted_as(attempt)) in _COUNTED:
            counts[state] += 1
    return Tally(planned=planned, outside=outside, **{state.value: counts[state] for state in _COUNTED})


def newest(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The attempt in force of each station: a station counts once, however often it was tried."""
    last: dict[str, Attempt] = {}
    for attempt in (a for a in attempts if not a.is_void):
        if attempt.identity not in last or attempt.number > last[attempt.identity].number:
            last[attempt.identity] = attempt
    return tuple(last.values())


def rule(
    tally: Tally,
    policy: GatePolicy,
    *,
    soaked: timedelta | None,
    approved: bool,
    acknowledged: Mapping[str, int] | None = None,
) -> Ruling:
    """Judge a wave, running or finished.

    ``soaked`` is how long nothing has been pending, ``None`` when something
    is or nobody watched; ``approved`` whether the next wave may follow;
    ``acknowledged`` what :func:`still_acknowledged` found.  Evidence against
    outranks missing evidence, so a bad wave shuts the gate while it is still
    running: the gate doubles as the emergency stop.
    """
    if against := tuple(_against(tally, policy, acknowledged or {})):
        return Ruling(verdict=Verdict.SHUT, reasons=against)
    if missing := tuple(_missing(tally, policy, soaked, approved)):
        return Ruling(verdict=Verdict.HOLD, reasons=missing)
    return Ruling(verdict=Verdict.OPEN)


def acknowledge(attempts: Iterable[Attempt]) -> dict[str, int]:
    """What a person takes note of when a shut gate is resumed: attempts that went wrong, and their versions."""
    return {a.id: a.version for a in newest(attempts) if counted_as(a) in _AGAINST and not is_outside(a)}


def still_acknowledged(attempts: Iterable[Attempt], seen: Mapping[str, int]) -> dict[str, int]:
    """How much of the evidence against was seen by a person, as ``{"failed": n, "lost": m}``.

    Only what has not moved since counts as seen: a station that was lost,
    found, and is lost again is new evidence.
    """
    counts = {FAILED: 0, LOST: 0}
    for attempt in newest(attempts):
        state = counted_as(attempt)
        if state in _AGAINST and not is_outside(attempt) and seen.get(attempt.id) == attempt.version:
            counts[_AGAINST[state]] += 1
    return counts


def stopped_kinds(
    attempts: Iterable[Attempt],
    kinds: Mapping[str, str],
    policy: GatePolicy,
    seen: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The vendor|model|firmware that have failed too often, with how often.

    ``kinds`` names each station's kind; ``seen`` are failures that a person
    has acknowledged.  Such a kind is stopped alone, the others go on.
    """
    counts = Counter(
        kinds[a.identity]
        for a in newest(attempts)
        if a.identity in kinds and _is_failure(a) and (seen or {}).get(a.id) != a.version
    )
    return {kind: count for kind, count in sorted(counts.items()) if count > policy.max_failed}


def stopped_profiles(
    attempts: Iterable[Attempt], policy: GatePolicy, seen: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The profiles whose setting stations stored and did not use, more often than is allowed, with how often.

    Such a profile is not used again before somebody has looked: what it says
    of that family is wrong, whatever the next station's firmware.
    """
    counts = Counter(
        a.profile
        for a in newest(attempts)
        if a.cause is Cause.WITHOUT_EFFECT and a.is_ended and (seen or {}).get(a.id) != a.version
    )
    return {profile: count for profile, count in sorted(counts.items()) if count > policy.max_without_effect}


def _is_failure(attempt: Attempt) -> bool:
    state = counted_as(attempt)
    return state is not None and _AGAINST.get(state) == FAILED and not is_outside(attempt)


def _against(tally: Tally, policy: GatePolicy, acknowledged: Mapping[str, int]) -> Iterator[Reason]:
    lost = tally.lost - acknowledged.get(LOST, 0)
    if lost > policy.max_lost:
        yield Reason(
            text=f"{lost} lost{_of_which_seen(acknowledged.get(LOST, 0))}, at most {policy.max_lost} allowed",
            value=lost,
            threshold=policy.max_lost,
            of=tally.attempted,
        )
    failed = tally.failed + tally.reverted + tally.stuck - acknowledged.get(FAILED, 0)
    limit = _exact(policy.max_failed_share)
    if limit is not None and tally.ended >= policy.min_sample and failed > limit * tally.attempted:
        yield Reason(
            text=f"{failed} of {tally.attempted} failed, reverted or stuck{_of_which_seen(acknowledged.get(FAILED, 0))}: "
            f"{_percent(failed, tally.attempted)}, at most {policy.max_failed_share} allowed",
            value=_ratio(failed, tally.attempted),
            threshold=policy.max_failed_share.of_one,
            of=tally.attempted,
        )


def _missing(tally: Tally, policy: GatePolicy, soaked: timedelta | None, approved: bool) -> Iterator[Reason]:
    wanted = _exact(policy.min_confirmed)
    if wanted is None or _exact(policy.max_failed_share) is None or not _adds_up(tally):
        yield Reason(text=f"cannot be computed from {tally}; look at the journal and campaign.toml")
        return
    if tally.pending:
        text = f"{tally.pending} of {tally.attempted} still pending"
        yield Reason(text=text, value=tally.pending, threshold=0, of=tally.attempted)
    yield from _too_few(tally, policy.min_confirmed, wanted)
    yield from _too_early(policy.soak, soaked)
    if not approved:
        yield Reason(text="the next wave is not approved: `migrate plan approve FINGERPRINT --wave N`")


def _too_few(tally: Tally, policy: Share, wanted: Fraction) -> Iterator[Reason]:
    good = tally.confirmed + tally.settled
    if good < wanted * tally.attempted:
        yield Reason(
            text=f"{good} of {tally.attempted} confirmed: {_percent(good, tally.attempted)}, {policy} wanted",
            value=_ratio(good, tally.attempted),
            threshold=policy.of_one,
            of=tally.attempted,
        )


def _too_early(soak: timedelta, soaked: timedelta | None) -> Iterator[Reason]:
    if soaked is None:
        yield Reason(text=f"the soak of {span(soak)} has not begun", threshold=soak.total_seconds())
    elif soaked < soak:
        text = f"soaked {span(soaked)} of {span(soak)}"
        yield Reason(text=text, value=soaked.total_seconds(), threshold=soak.total_seconds())


def _adds_up(tally: Tally) -> bool:
    return min(astuple(tally)) >= 0 and tally.attempted >= 0 and tally.pending >= 0


def _exact(share: Share) -> Fraction | None:
    """A share as a fraction; ``None`` for what is none (``nan``, below 0 or above 1)."""
    try:
        exact = share.exact
    except (ValueError, OverflowError):
        return None
    return exact if 0 <= exact <= 1 else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.4g}%" if whole else "no share of nothing"


def _of_which_seen(count: int) -> str:
    return f" beside {count} acknowledged" if count else ""
