"""How a standing looks on a terminal: a tree from the campaign to the stations that matter now.

A standing goes in, something that rich can print comes out.  Every state is
told by shape and word as well as by colour; strings from stations go through
``display`` into ``Text``, where brackets are only brackets.  It reads no
clock: ages are counted to the standing's own time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from rich.tree import Tree

from migrate.domain.attempt import IN_FLIGHT, NEEDS_A_PERSON, State
from migrate.domain.counted import counted
from migrate.domain.span import span
from migrate.domain.wave import Standing, StationStanding, WaveStanding, WaveState
from reports.redaction import redact
from reports.status import incident_told
from reports.words import BANDS, MODES, STATES, VERDICTS, WAVE_STATES, Band, Colour, Word, bands, display

MOST_STATIONS = 15
MOST_PEOPLE = 8
_MOST_INCIDENTS = 4
_FINGERPRINT = 16  # as much of it as every other verb shows

STYLES: Mapping[Colour, str] = {
    Colour.GREEN: "green",
    Colour.BLUE: "cyan",
    Colour.AMBER: "yellow",
    Colour.RED: "bold red",
    Colour.GREY: "bright_black",
}

_FILL: Mapping[Band, tuple[str, str]] = {
    Band.SETTLED: ("█", "#"),
    Band.CONFIRMED: ("▓", "+"),
    Band.IN_FLIGHT: ("▒", ">"),
    Band.AHEAD: ("·", "."),
    Band.DEFERRED: ("░", "d"),
    Band.BY_HAND: ("△", "v"),
    Band.BACK: ("×", "x"),
    Band.LEFT_ALONE: ("–", "-"),
    Band.PERSON: ("!", "!"),
}


def tree(standing: Standing, *, width: int = 100, height: int = 40, ascii_only: bool = False) -> Tree:
    """The whole picture, at most ``height`` lines of it and never wider than ``width``."""
    root = Tree(_title(standing, ascii_only), guide_style="bright_black")
    for label in _waves(standing, width, ascii_only):
        root.add(label)
    room = height - 10 - len(standing.waves) - sum(len(w.ruling.reasons) for w in standing.waves)
    people = _people(root, standing, max(2, min(MOST_PEOPLE, room // 3)), ascii_only)
    _in_flight(root, standing, max(3, min(MOST_STATIONS, room - people)), ascii_only)
    _deferred(root, standing)
    _incidents(root, standing)
    return root


def _many(number: int, band: Band) -> str:
    """Of the words for bands only visits are things that are counted; the others are how stations stand."""
    label = BANDS[band].label
    return counted(number, label) if band is Band.BY_HAND else f"{number:,} {label}"


def _line(*parts: str | Text | tuple[str, str]) -> Text:
    """One line that is cut and never wrapped."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def mark(word: Word, ascii_only: bool = False) -> tuple[str, str]:
    return (f"{word.letter if ascii_only else word.shape} {word.label}", STYLES[word.colour])


def _title(standing: Standing, ascii_only: bool) -> Text:
    lab = [("  LAB ", "bold yellow")] if standing.lab else []
    return _line(
        (display(standing.campaign), "bold"),
        "  ",
        mark(MODES[standing.mode], ascii_only),
        (f"  plan {display(standing.fingerprint)[:_FINGERPRINT] or 'none'}  {standing.at:%H:%M:%S}Z", "bright_black"),
        *lab,
    )


def _waves(standing: Standing, width: int, ascii_only: bool) -> Iterable[Text | Tree]:
    cells = max(10, min(48, width - 46))
    yield _line(f"{'all':<8}{sum(standing.totals.values()):>6,} ", bar(standing.totals, cells, ascii_only=ascii_only))
    yield legend(standing.totals, width - 4, ascii_only=ascii_only)
    for wave in standing.waves:
        yield _wave(wave, cells, ascii_only)


def _wave(wave: WaveStanding, cells: int, ascii_only: bool) -> Text | Tree:
    label = _line(
        f"{f'wave {wave.number}':<8}{sum(wave.totals.values()):>6,} ",
        bar(wave.totals, cells, ascii_only=ascii_only),
        "  ",
        mark(WAVE_STATES[wave.state], ascii_only),
    )
    if wave.state in (WaveState.WAITING, WaveState.APPROVED):
        return label
    label.append("  gate ")
    label.append(*mark(VERDICTS[wave.ruling.verdict], ascii_only))
    if wave.state in (WaveState.OPEN, WaveState.DONE) or not wave.ruling.reasons:
        return label
    branch = Tree(label, guide_style="bright_black")
    for reason in wave.ruling.reasons:
        branch.add(_line((display(reason.text), "bright_black")))
    return branch


def bar(totals: Mapping[State, int], cells: int, *, ascii_only: bool = False) -> Text:
    """A stacked bar.  A band that is not empty has at least one cell: one lost station is never rounded away."""
    text = Text(no_wrap=True)
    for band, number in _shares(bands(totals), cells).items():
        text.append(_FILL[band][ascii_only] * number, STYLES[BANDS[band].colour])
    return text


def _shares(found: Mapping[Band, int], cells: int) -> dict[Band, int]:
    total = sum(found.values())
    present = {band: n for band, n in found.items() if n}
    if not total:
        return {Band.AHEAD: cells}
    shares = {band: max(1, n * cells // total) for band, n in present.items()}
    widest = max(present, key=lambda band: present[band])
    shares[widest] = max(1, shares[widest] + cells - sum(shares.values()))
    return shares


def legend(totals: Mapping[State, int], width: int, *, ascii_only: bool = False) -> Text:
    """The bands that are not empty, in words, each with its filling in the bar; a number stays with its word."""
    text, used = Text(no_wrap=True), 0
    for band, number in bands(totals).items():
        if not number:
            continue
        part = f"{_FILL[band][ascii_only]} {_many(number, band)}"
        wraps = used and used + 2 + cell_len(part) > width
        text.append("\n" if wraps else "  " if used else "")
        text.append(part, STYLES[BANDS[band].colour])
        used = cell_len(part) + (0 if wraps or not used else used + 2)
    return text


def _people(root: Tree, standing: Standing, most: int, ascii_only: bool) -> int:
    """Adds them, and answers how many lines they took."""
    found = _oldest_first(standing, NEEDS_A_PERSON)
    if not found:
        return 0
    branch = root.add(_line((f"needs a person: {len(found):,}", "bold red")))
    _add_stations(branch, standing, found, most, ascii_only)
    return min(len(found), most) + 2


def _in_flight(root: Tree, standing: Standing, most: int, ascii_only: bool) -> None:
    found = _oldest_first(standing, IN_FLIGHT)
    if not found:
        return
    branch = root.add(_line(f"in flight: {len(found):,}", (", the oldest first", "bright_black")))
    _add_stations(branch, standing, found, most, ascii_only)


def _oldest_first(standing: Standing, states: frozenset[State]) -> list[StationStanding]:
    found = [s for s in standing.stations if s.state in states]
    return sorted(found, key=lambda s: (s.updated_at or standing.at, s.identity))


def _add_stations(
    branch: Tree, standing: Standing, found: Sequence[StationStanding], most: int, ascii_only: bool
) -> None:
    for station in found[:most]:
        branch.add(_station(station, standing, ascii_only))
    if len(found) > most:
        branch.add(_line((f"and {len(found) - most:,} more", "bright_black")))


def _station(station: StationStanding, standing: Standing, ascii_only: bool) -> Text:
    label, style = mark(STATES[station.state], ascii_only)
    age = span(standing.at - station.updated_at) if station.updated_at else "–"
    reason = display(redact(station.reason, keep=station.identity))
    return _line(
        set_cell_size(display(station.identity), 20),
        " ",
        (set_cell_size(label, 13), style),
        f"{station.evidence:<3} {age:>11}  ",
        (reason or display(station.profile), "bright_black"),
    )


def _deferred(root: Tree, standing: Standing) -> None:
    reasons = Counter(
        display(s.reason) or "no reason on record" for s in standing.stations if s.state is State.DEFERRED
    )
    if not reasons:
        return
    following = ", ".join(filter(None, (f"deferred: {reasons.total():,}", next_due(standing))))
    branch = root.add(_line((following, STYLES[Colour.AMBER])))
    for reason, number in reasons.most_common(3):
        branch.add(_line(f"{number:,} × {reason}"))
    if len(reasons) > 3:
        branch.add(_line((f"and {counted(len(reasons) - 3, 'reason')} more", "bright_black")))


def next_due(standing: Standing) -> str:
    """When the first of the deferred stations is tried again; empty where none has a time."""
    due = min((s.due_at for s in standing.stations if s.state is State.DEFERRED and s.due_at), default=None)
    if due is None:
        return ""
    wait = due - standing.at
    return f"next due {due:%Y-%m-%d %H:%M:%S}Z, {f'in {span(wait)}' if wait > timedelta(0) else 'now'}"


def _incidents(root: Tree, standing: Standing) -> None:
    ongoing = [i for i in standing.incidents if i.ended_at is None]
    for incident in ongoing[-_MOST_INCIDENTS:]:
        root.add(_line((f"incident since {incident.at:%H:%M:%S}Z  {incident_told(incident)}", "bold red")))
