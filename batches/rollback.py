"""The gate of a rollback: may one more station be taken back?

A rollback can go wrong like any other move, and it is ordered when something
is wrong already.  It is therefore staged and gated for itself, by the same
numbers as the waves: of every profile a few go first, and the rest follows
once one of them was proven on the source; a kind that fails too often is
stopped alone, and a station lost on its way back stops all.  Ordering again
takes note of what has failed so far; what fails from then on counts, whichever
order it is of.  No clock, no journal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest

from migrate.domain.attempt import IN_FLIGHT, State
from migrate.domain.policy import GatePolicy
from migrate.domain.record import Attempt
from migrate.domain.wave import Cause

_PROVEN = frozenset({State.CONFIRMED, State.SETTLED})
_AGAINST = frozenset({State.FAILED, State.REVERTED, State.STUCK})
_TELLING = _PROVEN | _AGAINST | {State.LOST}


@dataclass(frozen=True, slots=True, kw_only=True)
class BackRuling:
    """What the rollbacks have shown since the newest order."""

    lost: int = 0
    shut: str = ""  # why none may start
    stopped_kinds: Mapping[str, int] = field(default_factory=dict)
    proven_profiles: frozenset[str] = frozenset()

    def stops(self, kind: str) -> str:
        """Why a station of this kind may not be taken back now; empty when it may."""
        if self.shut:
            return self.shut
        failed = self.stopped_kinds.get(kind)
        return f"rollback stopped: {failed} of its kind could not be taken back" if failed else ""


def rule_on_rollbacks(rollbacks: Iterable[Attempt], kinds: Mapping[str, str], policy: GatePolicy) -> BackRuling:
    """Judge what came of the attempts that take stations back since the newest order of that kind.

    ``kinds`` names each station's vendor|model|firmware.  What an environment
    did (a CSMS down, a witness blind) is charged to no kind.
    """
    of_order = since_newest_order(rollbacks)
    lost = sum(a.state is State.LOST for a in of_order)
    failed = Counter(
        kinds.get(a.identity, "") for a in of_order if a.state in _AGAINST and a.cause is not Cause.ENVIRONMENT
    )
    shut = f"rollback stopped: {lost} lost on the way back, at most {policy.max_lost} allowed"
    return BackRuling(
        lost=lost,
        shut=shut if lost > policy.max_lost else "",
        stopped_kinds={kind: count for kind, count in sorted(failed.items()) if count > policy.max_failed},
        proven_profiles=frozenset(a.profile for a in of_order if a.state in _PROVEN),
    )


def since_newest_order(rollbacks: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """The attempts that have moved since the newest order.

    Those of older orders are among them as soon as they move: a second order,
    for one station elsewhere, must not hide that the first loses stations.
    """
    known = tuple(rollbacks)
    newest = max((a.opened_at for a in known), default=None)
    return tuple(a for a in known if newest is not None and a.entered_at >= newest)


class RollbackBook:
    """All attempts that take stations back, as far as they are known, and what follows for the next one.

    Told of ten thousand one after the other it stays quick: it judges anew
    only after what can change the judgement.
    """

    def __init__(self, kinds: Mapping[str, str], policy: GatePolicy) -> None:
        self._kinds = kinds
        self._policy = policy
        self._known: dict[str, Attempt] = {}
        self._ordered_at: datetime | None = None
        self._going: defaultdict[str, dict[str, Attempt]] = defaultdict(dict)  # by profile: sent back, not at rest
        self._first: dict[tuple[str, int], frozenset[str]] = {}
        self.ruling = BackRuling()

    def learn(self, attempts: Iterable[Attempt]) -> None:
        """Take note of how attempts stand; of one that is known further on already, nothing."""
        is_telling = False
        for attempt in attempts:
            before = self._known.get(attempt.id)
            if before is None or before.version < attempt.version:
                self._known[attempt.id] = attempt
                is_telling = self._is_telling(attempt, before) or is_telling
                self._note_place(attempt)
        if is_telling:
            self.ruling = rule_on_rollbacks(self._known.values(), self._kinds, self._policy)

    def sends(self, attempt: Attempt) -> None:
        """Take note of one that is about to be sent back, before the journal says so."""
        self._going[attempt.profile][attempt.identity] = attempt
        self._first.clear()

    def may_go_first(self, profile: str, identity: str, at_most: int) -> bool:
        """Whether a station is among the few of its profile that go before one was proven."""
        going = self._going[profile]
        if profile in self.ruling.proven_profiles:
            return True
        return identity in self._first_of(profile, at_most) if identity in going else len(going) < at_most

    def _first_of(self, profile: str, at_most: int) -> frozenset[str]:
        """Those in flight, and as many of those that were sent and have not begun as there is room for."""
        if (profile, at_most) not in self._first:
            going = self._going[profile].values()
            flying = [a.identity for a in going if a.state in IN_FLIGHT]
            waiting = ((a.opened_at, a.identity) for a in going if a.state not in IN_FLIGHT)
            room = nsmallest(max(at_most - len(flying), 0), waiting)
            self._first[profile, at_most] = frozenset([*flying, *(identity for _, identity in room)])
        return self._first[profile, at_most]

    def _note_place(self, attempt: Attempt) -> None:
        if attempt.state is State.PLANNED or attempt.state in IN_FLIGHT:
            self._going[attempt.profile][attempt.identity] = attempt
        else:
            self._going[attempt.profile].pop(attempt.identity, None)
        self._first.clear()

    def _is_telling(self, attempt: Attempt, before: Attempt | None) -> bool:
        is_new_order = self._ordered_at is None or attempt.opened_at > self._ordered_at
        self._ordered_at = attempt.opened_at if is_new_order else self._ordered_at
        is_known = attempt.state in _PROVEN and attempt.profile in self.ruling.proven_profiles
        was_telling = before is not None and before.state in _TELLING - _PROVEN
        return is_new_order or was_telling or (attempt.state in _TELLING and not is_known)
