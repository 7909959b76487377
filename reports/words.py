"""The words, letters, shapes and colours in which reports speak of a campaign.

One place for all of them, so that the terminal, the page and the document
call a thing by one name, and so that nothing is ever told by colour alone.
It also holds :func:`display`, through which every string that came from a
station or a file must pass before a person sees it.  It decides nothing.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from migrate.domain.attempt import State
from migrate.domain.evidence import Grade
from migrate.domain.profile import Method, Rollback
from migrate.domain.wave import Deferral, Mode, Verdict, WaveState


class Colour(StrEnum):
    """What a colour means here; each renderer picks its own shade."""

    GREEN = "green"
    BLUE = "blue"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One thing in plain words, with a letter, a shape and a colour that each tell it alone."""

    label: str
    sentence: str
    letter: str
    shape: str
    colour: Colour


def _word(letter: str, shape: str, colour: Colour, label: str, sentence: str) -> Word:
    return Word(label=label, sentence=sentence, letter=letter, shape=shape, colour=colour)


_GREEN, _BLUE, _AMBER, _RED, _GREY = Colour.GREEN, Colour.BLUE, Colour.AMBER, Colour.RED, Colour.GREY

STATES: Mapping[State, Word] = {
    State.PLANNED: _word("P", "○", _GREY, "planned", "It waits for its turn; nothing has been sent to it."),
    State.DEFERRED: _word("D", "◌", _AMBER, "deferred", "It was put off and will be taken up again by itself."),
    State.CHECKED: _word("Y", "◔", _BLUE, "checked", "Its checks have passed; the write comes next."),
    State.VISITING: _word("V", "△", _AMBER, "visiting", "It needs hands on site; a work order is open."),
    State.WRITING: _word("W", "◑", _BLUE, "writing", "The new address is being written to it."),
    State.WRITTEN: _word("H", "◕", _BLUE, "written", "It holds the new address and has not restarted yet."),
    State.RESTARTING: _word("R", "↻", _BLUE, "restarting", "It was told to restart into the new address."),
    State.UNDOING: _word("U", "↶", _AMBER, "undoing", "Its old address is being put back."),
    State.DEPARTED: _word("G", "→", _BLUE, "departed", "It has left the source and is not on the target yet."),
    State.ARRIVED: _word("A", "◒", _BLUE, "arrived", "It was seen on the target; the proof is not complete yet."),
    State.CONFIRMED: _word("C", "◆", _GREEN, "confirmed", "Its boot on the target was accepted and it is who it says."),
    State.SETTLED: _word("S", "●", _GREEN, "settled", "It stayed on the target through the soak: done."),
    State.SKIPPED: _word("X", "–", _GREY, "skipped", "It was left alone or written off, with a reason."),
    State.FAILED: _word("F", "✕", _RED, "failed", "It never left the source and holds its old address."),
    State.REVERTED: _word("B", "◁", _RED, "reverted", "It is back on the source with its old address."),
    State.STUCK: _word("K", "■", _RED, "stuck", "It is known where it is, and nothing works: a person must decide."),
    State.LOST: _word("L", "?", _RED, "lost", "It left the source and is seen nowhere: a person must look for it."),
}

DEFERRALS: Mapping[Deferral, Word] = {
    Deferral.BUSY: _word("B", "◑", _AMBER, "busy", "A driver is charging; a transaction is never cut off."),
    Deferral.OFFLINE: _word("O", "◌", _AMBER, "offline", "It is not connected to the source, so nothing can be sent."),
    Deferral.MODEL_STOPPED: _word(
        "M",
        "■",
        _RED,
        "model stopped",
        "Too many of its model and firmware failed; all of that kind wait for a person.",
    ),
    Deferral.UNPROVEN: _word(
        "U", "◇", _AMBER, "unproven", "Nobody has seen its profile work on a real station; it waits to be accepted."
    ),
    Deferral.CHECKS: _word(
        "C", "◫", _AMBER, "checks", "Something that its move takes is missing or wrong; it waits until that is mended."
    ),
    Deferral.WINDOW: _word("W", "◷", _GREY, "window", "Outside the hours or days in which its site may be touched."),
    Deferral.BACKOFF: _word(
        "R", "↻", _GREY, "backoff", "The last try failed for a passing reason; the next one waits."
    ),
}

VERDICTS: Mapping[Verdict, Word] = {
    Verdict.OPEN: _word("O", "●", _GREEN, "open", "The next wave may start."),
    Verdict.HOLD: _word("H", "◐", _AMBER, "hold", "Too early to tell; it is judged again as results come in."),
    Verdict.SHUT: _word("S", "■", _RED, "shut", "The evidence is against going on; a person decides."),
}

GRADES: Mapping[Grade, Word] = {
    Grade.E0: _word(
        "0", "○", _GREY, "E0 commanded", "Nothing is proven of its arrival; an acknowledged command proves nothing."
    ),
    Grade.E1: _word("1", "◔", _BLUE, "E1 connected", "A session was seen on the target."),
    Grade.E2: _word("2", "◑", _BLUE, "E2 booted", "A boot was seen on the target."),
    Grade.E3: _word("3", "◆", _GREEN, "E3 confirmed", "The boot was accepted and every known identity fact agrees."),
    Grade.E4: _word("4", "●", _GREEN, "E4 settled", "It stayed on the target through the soak."),
    Grade.E5: _word("5", "✓", _GREEN, "E5 proven in use", "A test transaction ran on the target."),
}

ROLLBACKS: Mapping[Rollback, Word] = {
    Rollback.AUTOMATIC: _word("A", "●", _GREEN, "automatic", "The station returns by itself when the target fails it."),
    Rollback.REMOTE: _word("R", "◑", _GREEN, "remote", "The reverse change goes out through the new CSMS."),
    Rollback.BEFORE_RESTART: _word("B", "◔", _AMBER, "before restart", "It can be undone until the station restarts."),
    Rollback.VISIT: _word("V", "△", _RED, "visit", "One-way: only hands on site can bring it back."),
    Rollback.IMPOSSIBLE: _word("I", "■", _RED, "impossible", "One-way: nothing brings it back."),
}

WAVE_STATES: Mapping[WaveState, Word] = {
    WaveState.WAITING: _word("W", "○", _GREY, "waiting", "It waits for the wave before it, or for its approval."),
    WaveState.APPROVED: _word("A", "◔", _GREY, "approved", "It may start as soon as the gate before it opens."),
    WaveState.RUNNING: _word("R", "◑", _BLUE, "running", "Its stations are being moved."),
    WaveState.PAUSED: _word("P", "‖", _AMBER, "paused", "No new attempt starts; what is under way is finished."),
    WaveState.SOAKING: _word("S", "◕", _BLUE, "soaking", "Every station has its result; the quiet time is running."),
    WaveState.OPEN: _word("O", "◆", _GREEN, "open", "Its gate is open: the next wave may start."),
    WaveState.SHUT: _word("X", "■", _RED, "shut", "Its gate is shut: nothing goes on until a person decides."),
    WaveState.DONE: _word("D", "●", _GREEN, "done", "Nothing is left to do in it."),
}

MODES: Mapping[Mode, Word] = {
    Mode.IDLE: _word("I", "○", _GREY, "idle", "Nothing is running."),
    Mode.RUNNING: _word("R", "◑", _BLUE, "running", "Stations are being moved."),
    Mode.PAUSED: _word("P", "‖", _AMBER, "paused", "No new attempt starts; what is under way is finished."),
    Mode.HALTED: _word("H", "■", _RED, "halted", "Nothing new is sent to any station; only undoing goes on."),
}

METHODS: Mapping[Method, str] = {
    Method.CHANGE_CONFIGURATION: "configuration over OCPP",
    Method.FIRMWARE: "firmware",
    Method.SCRIPT: "script",
    Method.HTTP: "local HTTP",
    Method.NETWORK_PROFILE: "network profile",
    Method.VISIT: "visit",
}


class Band(StrEnum):
    """States gathered into as many groups as an eye can tell apart in one bar, in the order of the bar."""

    SETTLED = "settled"
    CONFIRMED = "confirmed"
    IN_FLIGHT = "in_flight"
    AHEAD = "ahead"
    DEFERRED = "deferred"
    BY_HAND = "by_hand"
    BACK = "back"
    LEFT_ALONE = "left_alone"
    PERSON = "person"


BANDS: Mapping[Band, Word] = {
    Band.SETTLED: _word("S", "●", _GREEN, "settled", "On the target, soak passed: done."),
    Band.CONFIRMED: _word("C", "◆", _GREEN, "confirmed", "On the target, the soak is running."),
    Band.IN_FLIGHT: _word("F", "◑", _BLUE, "in flight", "Being written to, restarting, away or just arrived."),
    Band.AHEAD: _word("P", "○", _GREY, "still to come", "Not begun."),
    Band.DEFERRED: _word("D", "◌", _AMBER, "deferred", "Put off, and taken up again when it is due."),
    Band.BY_HAND: _word("V", "△", _AMBER, "visit", "Needs hands on site."),
    Band.BACK: _word("B", "✕", _RED, "still on the source", "Failed or reverted: works on the source as before."),
    Band.LEFT_ALONE: _word("X", "–", _GREY, "left alone", "Skipped or written off, with a reason."),
    Band.PERSON: _word("!", "■", _RED, "needs a person", "Stuck or lost."),
}

_BAND_OF: Mapping[State, Band] = {
    State.PLANNED: Band.AHEAD,
    State.DEFERRED: Band.DEFERRED,
    State.VISITING: Band.BY_HAND,
    State.CONFIRMED: Band.CONFIRMED,
    State.SETTLED: Band.SETTLED,
    State.SKIPPED: Band.LEFT_ALONE,
    State.FAILED: Band.BACK,
    State.REVERTED: Band.BACK,
    State.STUCK: Band.PERSON,
    State.LOST: Band.PERSON,
}


def band_of(state: State) -> Band:
    return _BAND_OF.get(state, Band.IN_FLIGHT)


def bands(totals: Mapping[State, int]) -> dict[Band, int]:
    """The totals of 17 states as the totals of nine bands; the sum stays the same."""
    gathered = dict.fromkeys(Band, 0)
    for state, count in totals.items():
        gathered[band_of(state)] += count
    return gathered


# Terminal control sequences as a whole: removing only their ESC would leave "[31m" in a report.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # DCS and kin
    r"|\x1b[ -/]*[0-~]"
)
_BLANKS = re.compile(r"\s+")


def display(text: str, *, limit: int = 240) -> str:
    """A string from outside as it may be shown: one line, no control, escape, bidi or invisible characters.

    Brackets and angle signs stay: escaping them is the renderer's duty
    (``markup=False``, autoescape), because what is right for one is wrong for
    the other.

    >>> display("AC\\x1b[31m-17\\n\\u202eevil")
    'AC-17 evil'
    """
    bare = text if text.isprintable() else _printable(text)
    return bare if len(bare) <= limit else bare[: limit - 1] + "…"


def _printable(text: str) -> str:
    flat = _BLANKS.sub(" ", _SEQUENCE.sub("", text))
    return "".join(c for c in flat if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}).strip()


def command(verb: str, *words: str) -> str:
    """A command line that can be pasted into a shell, whatever an identity holds.

    >>> command("explain", "AC 17; rm")
    "migrate explain 'AC 17; rm'"
    """
    shown = [display(word) for word in words]
    guard = ["--"] if shown and shown[0].startswith("-") else []
    return shlex.join(["migrate", verb, *guard, *shown])
