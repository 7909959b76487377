"""What a sighting means to an attempt.

The witness says what it saw; the table says what facts lead where.  Between
them stands this reading: which fact, if any, a sighting is for an attempt in
its present state, and why.  Pure: who else holds a session under the identity
comes in as a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migrate.domain.attempt import ENDS, Fact, State, means_something
from migrate.domain.errors import CsmsUnavailable
from migrate.domain.evidence import Grade, IdentityFacts, Kind, Side, Sighting, assess_arrival
from migrate.domain.record import Attempt
from migrate.ports import Presence

_WAITS_FOR_A_RETURN = frozenset(
    {State.DEPARTED, State.ARRIVED, State.CONFIRMED, State.SETTLED, State.LOST},
)
_SIGNS_OF_LIFE = frozenset(
    {Kind.CONNECTED, Kind.BOOT, Kind.HEARTBEAT, Kind.STATUS, Kind.TRANSACTION_STARTED, Kind.TRANSACTION_STOPPED},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A fact, with the grade it reached and the reason it is worth no more."""

    fact: Fact
    evidence: Grade = Grade.E0
    reason: str = ""
    left: bool = False  # the sighting proves that the station was away from the source

    def changes(self, attempt: Attempt, sighting: Sighting) -> dict[str, Any]:
        """What changes of an attempt with the fact: the new state began when it was seen."""
        left = attempt.left or self.left
        return {"reason": self.reason, "evidence": self.evidence, "left": left, "entered_at": sighting.at}


def note_of(sighting: Sighting) -> dict[str, Any]:
    """Which sighting led to a move, for whoever reads the journal; who goes on reads on from there."""
    return {"sighting": sighting.seq, "side": sighting.side.value, "kind": sighting.kind.value}


def may_prove(sighting: Sighting) -> bool:
    """Whether a sighting may be E3, so that it matters who else answers under the identity."""
    return sighting.is_accepted_boot and sighting.side is Side.TARGET


def may_be_another(sighting: Sighting) -> bool:
    """Whether a sighting takes no more than the identity: then it says nothing of a station that is on the source."""
    return sighting.kind is Kind.REFUSED and sighting.side is Side.TARGET


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
    attempt: Attempt, sighting: Sighting, expected: IdentityFacts, *, rivals: int = 0, lab_counts: bool = False
) -> Meaning | None:
    """What one sighting means to an attempt now, or ``None`` when it changes nothing."""
    meaning = (
        _on_target(sighting, expected, rivals, lab_counts)
        if sighting.side is Side.TARGET
        else _on_source(attempt, sighting)
    )
    if meaning is None or not means_something(attempt.state, meaning.fact):
        return None
    is_known = attempt.state in (State.ARRIVED, State.STUCK) and meaning.evidence <= attempt.evidence
    if meaning.fact is Fact.SEEN_ON_TARGET and is_known:
        return None  # nothing new: above all, a person who was called is not called again for every heartbeat
    return meaning


def _on_target(sighting: Sighting, expected: IdentityFacts, rivals: int, lab_counts: bool) -> Meaning | None:
    if sighting.kind not in _SIGNS_OF_LIFE and sighting.kind is not Kind.REFUSED:
        return None
    assessment = assess_arrival(sighting, expected, rivals=rivals, lab_counts=lab_counts)
    fact = Fact.CONFIRMED_ON_TARGET if assessment.grade >= Grade.E3 else Fact.SEEN_ON_TARGET
    return Meaning(
        fact=fact, evidence=assessment.grade, reason=assessment.reason, left=sighting.kind is not Kind.REFUSED
    )


def _on_source(attempt: Attempt, sighting: Sighting) -> Meaning | None:
    if sighting.kind not in _SIGNS_OF_LIFE or attempt.state in ENDS:
        return None
    is_new_session = sighting.session != attempt.source_session
    if attempt.state in _WAITS_FOR_A_RETURN:
        if sighting.at < attempt.entered_at or sighting.solicited:
            return None
        return Meaning(fact=Fact.ON_SOURCE, reason=_why_back(attempt), left=True)
    if sighting.kind is Kind.BOOT and not sighting.solicited and is_new_session:
        return Meaning(fact=Fact.BOOT_ON_SOURCE, reason=_why_back(attempt), left=True)
    return None


def _why_back(attempt: Attempt) -> str:
    """The supplier's question: did it ignore the setting, or try the target and give up?"""
    if attempt.state in (State.RESTARTING, State.WRITTEN):
        return "setting without effect: it restarted and came back to the source"
    if attempt.state is State.DEPARTED:
        return "it left and came back to the source by itself"
    return f"it was {attempt.state.value} on the target and returned to the source"
