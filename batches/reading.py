"""What a sighting means to an attempt.

The witness says what it saw; the table says what facts lead where.  Between
them stands this reading: which fact, if any, a sighting is for an attempt in
its present state, and why.  An attempt leaves one side, its origin, for the
other, its goal; of one that takes a station back the two have changed places.
Pure: who else holds a session under the identity comes in as a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migrate.domain.attempt import ENDS, Fact, State, means_something
from migrate.domain.errors import CsmsUnavailable
from migrate.domain.evidence import ANY_TERMS, Assessment, Grade, IdentityFacts, Kind, Sighting, Terms, assess_arrival
from migrate.domain.record import Attempt, Direction
from migrate.domain.wave import Cause
from migrate.ports import Presence

_WAITS_FOR_A_RETURN = frozenset(
    {State.DEPARTED, State.ARRIVED, State.CONFIRMED, State.SETTLED, State.LOST},
)
_NOTHING_WRITTEN = frozenset({State.PLANNED, State.DEFERRED, State.CHECKED})
_SIGNS_OF_LIFE = frozenset(
    {Kind.CONNECTED, Kind.BOOT, Kind.HEARTBEAT, Kind.STATUS, Kind.TRANSACTION_STARTED, Kind.TRANSACTION_STOPPED},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A fact, with the grade it reached and the reason it is worth no more."""

    fact: Fact
    evidence: Grade = Grade.E0
    reason: str = ""
    cause: Cause = Cause.STATION
    left: bool = False  # the sighting proves that the station was away from the side it leaves

    def changes(self, attempt: Attempt, sighting: Sighting) -> dict[str, Any]:
        """What changes of an attempt with the fact: the new state began when it was seen."""
        left = attempt.left or self.left
        known = {"reason": self.reason, "evidence": self.evidence, "left": left, "entered_at": sighting.at}
        return known | ({"cause": self.cause} if self.cause is not Cause.STATION else {})


def note_of(sighting: Sighting) -> dict[str, Any]:
    """Which sighting led to a move, for whoever reads the journal; who goes on reads on from there."""
    return {"sighting": sighting.seq, "side": sighting.side.value, "kind": sighting.kind.value}


def may_prove(attempt: Attempt, sighting: Sighting) -> bool:
    """Whether a sighting may be E3, so that it matters who else answers under the identity."""
    return sighting.is_accepted_boot and sighting.side is attempt.direction.goal


def may_be_another(attempt: Attempt, sighting: Sighting) -> bool:
    """Whether a sighting takes no more than the identity: then it says nothing of a station that has not left."""
    return sighting.kind is Kind.REFUSED and sighting.side is attempt.direction.goal


def rivals_of(boot: Sighting, presence: Presence) -> int:
    """Answering sessions beside the one that booted, on either side.

    Raises ``CsmsUnavailable`` while nobody can say who answers: what is not
    known is not taken for nobody.
    """
    if boot.side not in presence.sessions:
        raise CsmsUnavailable(f"Nobody can say who else answers as {boot.identity}.", side=boot.side.value)
    here = presence.on(boot.side)
    own = 1 if here is not None and here.id == boot.session else 0
    return max(presence.answering - own, 0)


def read(
    attempt: Attempt,
    sighting: Sighting,
    expected: IdentityFacts,
    *,
    terms: Terms = ANY_TERMS,
    rivals: int = 0,
    lab_counts: bool = False,
) -> Meaning | None:
    """What one sighting means to an attempt now, or ``None`` when it changes nothing.

    A station that is to be taken back and comes to the source by itself, with
    nothing written, holds the new address still: it is not taken back by that.
    """
    if came_by_itself(attempt, sighting):
        return None
    if sighting.side is attempt.direction.goal:
        meaning = _at_the_goal(
            sighting, assess_arrival(sighting, expected, terms=terms, rivals=rivals, lab_counts=lab_counts)
        )
    else:
        meaning = _at_the_origin(attempt, sighting)
    if meaning is None or not means_something(attempt.state, meaning.fact):
        return None
    is_known = attempt.state in (State.ARRIVED, State.STUCK) and meaning.evidence <= attempt.evidence
    if meaning.fact is Fact.SEEN_ON_TARGET and is_known:
        return None  # nothing new: above all, a person who was called is not called again for every heartbeat
    return meaning


def came_by_itself(attempt: Attempt, sighting: Sighting) -> bool:
    """Whether it is on the source before its rollback has written anything; the attempt before it puts the old values back."""
    is_waiting = attempt.direction is Direction.BACK and attempt.state in _NOTHING_WRITTEN
    return is_waiting and sighting.side is attempt.direction.goal


def _at_the_goal(sighting: Sighting, assessment: Assessment) -> Meaning | None:
    if sighting.kind not in _SIGNS_OF_LIFE and sighting.kind is not Kind.REFUSED:
        return None
    fact = Fact.CONFIRMED_ON_TARGET if assessment.grade >= Grade.E3 else Fact.SEEN_ON_TARGET
    return Meaning(
        fact=fact, evidence=assessment.grade, reason=assessment.reason, left=sighting.kind is not Kind.REFUSED
    )


def _at_the_origin(attempt: Attempt, sighting: Sighting) -> Meaning | None:
    if sighting.kind not in _SIGNS_OF_LIFE or attempt.state in ENDS:
        return None
    is_new_session = sighting.session != attempt.source_session
    if attempt.state in _WAITS_FOR_A_RETURN:
        if sighting.at < attempt.entered_at or sighting.solicited:
            return None
        return Meaning(fact=Fact.ON_SOURCE, reason=_why_back(attempt), left=True)
    if sighting.kind is Kind.BOOT and not sighting.solicited and is_new_session:
        cause = Cause.WITHOUT_EFFECT if attempt.state is State.RESTARTING else Cause.STATION
        return Meaning(fact=Fact.BOOT_ON_SOURCE, reason=_why_back(attempt), cause=cause, left=True)
    return None


def _why_back(attempt: Attempt) -> str:
    """The supplier's question: did it ignore the setting, or try the other CSMS and give up?"""
    origin, goal = attempt.direction.origin.value, attempt.direction.goal.value
    if attempt.state in (State.RESTARTING, State.WRITTEN):
        return f"setting without effect: it restarted and came back to the {origin}"
    if attempt.state is State.DEPARTED:
        return f"it left and came back to the {origin} by itself"
    how = "had arrived" if attempt.state is State.ARRIVED else f"was {attempt.state.value}"
    return f"it {how} on the {goal} and returned to the {origin}"
