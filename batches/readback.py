"""What a read-back says of a unit that was written, refused or undone.

The station's own values decide; an acknowledgement counts only where a
station hides them.  It reads nothing itself and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from batches.outcome import Outcome, outcome
from batches.recovery import resume_writing
from migrate.domain.attempt import Fact
from migrate.domain.profile import Readback
from migrate.domain.record import Attempt
from migrate.domain.unit import Held, held, undo


def written(
    attempt: Attempt, now: Mapping[str, str | None], acknowledged: Collection[str], *, is_last_try: bool, why: str
) -> Outcome:
    """What came of a write: whole, partly applied, or nothing yet.  ``why`` tells what made it doubtful.

    A station that shows its old values after it was sent new ones may hold the
    new ones for its next start.  Only what was never sent is certainly not
    applied, so such a unit is undone before it is given up.
    """
    holds, everything = held(attempt.unit, now), _is_whole(attempt, acknowledged)
    fact = resume_writing(holds, acknowledged=everything)
    if fact is Fact.READ_BACK_WHOLE:
        return outcome(fact, "" if holds is Held.NEW else "the station hides its values: acknowledged only")
    if fact is not Fact.UNANSWERED:
        return outcome(fact, f"{why}: the unit is {holds.value} applied")
    if acknowledged and everything:
        return outcome(Fact.PARTLY_APPLIED, "accepted, but not stored")
    if is_last_try:
        return outcome(Fact.PARTLY_APPLIED, f"{why} in {attempt.tries} tries; nothing is seen to be applied")
    return outcome(Fact.UNANSWERED, why, unit=())


def refused(attempt: Attempt, now: Mapping[str, str | None], acknowledged: Collection[str], message: str) -> Outcome:
    """What a refusal leaves behind: nothing, or something to undo, whatever was accepted before it included."""
    if acknowledged or undo(attempt.unit, now):
        return outcome(Fact.PARTLY_APPLIED, f"{message} Undoing what was applied before.")
    return outcome(Fact.REFUSED, message)


def undone(attempt: Attempt, now: Mapping[str, str | None]) -> Outcome:
    """The old values are back as far as can be read; what is hidden cannot be shown to be, and a person decides."""
    put_back = [write for write in attempt.unit if not write.stays]
    hidden = [write.key for write in put_back if write.readback is Readback.MASKED and attempt.tries]
    if attempt.tries and put_back and put_back[-1].old is None and not hidden:
        hidden = [put_back[-1].key]  # the one that decides where it dials: nobody saw what it held before
    if hidden and now:
        return outcome(
            Fact.UNDO_REFUSED, f"{', '.join(hidden)} cannot be read, so it cannot be shown to hold its old value"
        )
    fact = Fact.OLD_VALUES_AFTER_LEAVING if attempt.left else Fact.OLD_VALUES_READ_BACK
    return outcome(fact, attempt.reason, cause=attempt.cause)


def _is_whole(attempt: Attempt, acknowledged: Collection[str]) -> bool:
    return {write.key for write in attempt.unit} <= set(acknowledged)
