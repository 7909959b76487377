"""What a station of every family is put through, whatever its method."""

from __future__ import annotations

from enum import StrEnum

from migrate.simulator.faults import Fault


class Outcome(StrEnum):
    MOVES = "moves"
    REFUSES = "refuses"
    REFUSES_HALF_WAY = "refuses-half-way"
    DOES_NOT_ANSWER = "does-not-answer"
    UNWELCOME = "unwelcome"  # the new backend answers 404 to it


FAULTS = {
    Outcome.REFUSES: Fault.READ_ONLY_KEY,
    Outcome.REFUSES_HALF_WAY: Fault.HALF_WAY_REFUSAL,
    Outcome.DOES_NOT_ANSWER: Fault.WRITE_LOST,
}
