"""What crews bring back, judged before any of it is believed.

Pure: the rows of a returned workbook come in as text, every problem goes out
with its cell.  Nothing of a file counts while one error remains in it.  What
is believed is a claim all the same: *done* makes an order wait for the
station's arrival; *undone* ends a visiting attempt, because nobody is on the
way any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import zip_longest

from migrate.domain.attempt import Fact, State
from migrate.domain.cell import read_date, read_text
from migrate.domain.finding import Finding, Read, nearest, quoted
from migrate.domain.problem import Origin, Place, Problem, problem
from migrate.domain.record import Attempt, Change, Event, move
from migrate.domain.visit import Result, Return, WorkOrder, order_name, returning
from migrate.domain.visit_form import BY_CREW, CAMPAIGN_KEY, LOCKED, LONGEST_NOTE, ORDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the returned sheet: its cells by column, and what the reader found wrong with any of them."""

    row: int
    cells: Mapping[str, str]
    faults: Mapping[str, Finding] = field(default_factory=dict)

    @property
    def is_filled(self) -> bool:
        return any(self.cells.get(column, "").strip() or column in self.faults for column in BY_CREW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A returned workbook: where it comes from and what its rows say."""

    file: str
    sheet: str
    campaign: str  # the key of the campaign it was exported from; empty: it was not exported by us
    letters: Mapping[str, str]  # column: its letter in the sheet
    printed: Mapping[str, tuple[str, ...]]  # order name: the digest it was printed with, then its locked cells
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is wrong, what is new, and what had been brought back before."""

    problems: tuple[Problem, ...]
    returns: tuple[tuple[WorkOrder, Return], ...] = ()
    repeats: tuple[WorkOrder, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not any(p.is_error for p in self.problems)


def read_paper(
    file: str,
    sheet: str,
    rows: Sequence[tuple[int, tuple[str, ...]]],
    meta: Iterable[tuple[str, ...]],
    faults: Mapping[tuple[int, int], Finding],
) -> Paper:
    """Make a paper of two sheets as a reader gave them: rows with their numbers, and faults by row and column index."""
    told = {cells[0]: cells[1:] for cells in meta if len(cells) > 1}
    header = rows[0][1] if rows else ()
    columns = {name.strip(): index for index, name in reversed(list(enumerate(header))) if name.strip()}
    lines = []
    for number, cells in rows[1:]:
        by_column = {name: cells[index] if index < len(cells) else "" for name, index in columns.items()}
        wrong = {name: faults[number, index] for name, index in columns.items() if (number, index) in faults}
        lines.append(Line(row=number, cells=by_column, faults=wrong))
    return Paper(
        file=file,
        sheet=sheet,
        campaign=told.get(CAMPAIGN_KEY, ("",))[0],
        letters={name: _letter(index) for name, index in columns.items()},
        printed={name: cells for name, cells in told.items() if name.startswith("WO-")},
        lines=tuple(lines),
    )


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else ""


def judge(paper: Paper, known: Mapping[int, WorkOrder], *, campaign: str, today: date) -> Judgement:
    """Every problem of a returned workbook at once, and what it says where it is sound."""
    if against := _against_file(paper, campaign):
        return Judgement(problems=tuple(problem(Place(file=paper.file, sheet=paper.sheet), f) for f in against))
    seen: dict[int, int] = {}
    problems: list[Problem] = []
    returns: list[tuple[WorkOrder, Return]] = []
    repeats: list[WorkOrder] = []
    for line in paper.lines:
        if not line.is_filled:
            continue
        desk = _Desk(paper, line)
        found, returned = desk.order(known, seen), desk.returned(today)
        if found is not None:
            desk.compare(found)
        problems.extend(desk.problems)
        if found is None or returned is None:
            continue
        if found.returned == returned:
            repeats.append(found)
        else:
            returns.append((found, returned))
            problems.extend(desk.noted(found, returned))
    is_sound = not any(p.is_error for p in problems)
    return Judgement(problems=tuple(problems), returns=tuple(returns) if is_sound else (), repeats=tuple(repeats))


def _against_file(paper: Paper, campaign: str) -> list[Finding]:
    again = "Fill in the workbook that `migrate visits export` wrote, and save it as .xlsx."
    if not paper.campaign:
        return [Finding("E-VISIT-FILE", f"{paper.file} was not written by `migrate visits export`.", again)]
    if paper.campaign != campaign:
        hint = "Return it to the campaign folder that it was exported from."
        return [Finding("E-VISIT-CAMPAIGN", f"{paper.file} belongs to another campaign.", hint)]
    missing = [name for name in (*LOCKED, *BY_CREW) if name not in paper.letters]
    return [Finding("E-VISIT-COLUMN", f"The sheet has no column {name!r}.", again) for name in missing]


class _Desk:
    """One row under the lamp."""

    def __init__(self, paper: Paper, line: Line) -> None:
        self.problems: list[Problem] = []
        self._paper, self._line = paper, line
        for column in (*LOCKED, *BY_CREW):
            if fault := line.faults.get(column):
                self._say(column, fault)

    def _say(self, column: str, finding: Finding) -> None:
        self.problems.append(self._placed(column, finding))

    def _placed(self, column: str, finding: Finding) -> Problem:
        place = Place(file=self._paper.file, sheet=self._paper.sheet, row=self._line.row)
        origin = Origin(column=column, letter=self._paper.letters.get(column, ""))
        return problem(place, finding, origin, self._line.cells.get(column, ""))

    # ── which order ────────────────────────────────────────────────────────

    def order(self, known: Mapping[int, WorkOrder], seen: dict[int, int]) -> WorkOrder | None:
        """The order that the row is about, if the campaign has it and the file names it once."""
        text = self._line.cells[ORDER].strip()
        match = re.fullmatch(r"(?:WO-)?0*([1-9]\d{0,8})", text, re.IGNORECASE | re.ASCII)
        found = known.get(int(match[1])) if match else None
        if found is None:
            hint = "Copy the number from the order; `migrate visits list` has them all."
            self._say(ORDER, Finding("E-VISIT-UNKNOWN", f"There is no order {quoted(text)} in this campaign.", hint))
            return None
        number = found.number
        if number in seen:
            message = f"{order_name(number)} stands in this file twice: also in row {seen[number]}."
            self._say(ORDER, Finding("E-VISIT-TWICE", message, "Leave the row that is true."))
            return None
        seen[number] = self._line.row
        return found

    def compare(self, order: WorkOrder) -> None:
        """What is ours must have come back as it went out, and be what the order says today."""
        digest, *cells = self._paper.printed.get(order.name, ("",))
        if digest != order.digest:
            message = f"{order.name} has changed since this was printed: it is at revision {order.revision} now."
            hint = "Export it anew, see that what was done still holds, and return that."
            self._say(ORDER, Finding("E-VISIT-STALE", message, hint))
            return
        for column, ours in zip_longest(LOCKED[1:], cells[: len(LOCKED) - 1], fillvalue=""):
            said = self._line.cells[column]
            if said.strip() != ours.strip():
                message = f"{column} was changed: it says {quoted(said)}, the order {quoted(ours)}."
                self._say(column, Finding("E-VISIT-LOCKED", message, "Put it back; remarks belong under Notes."))

    # ── what the crew says ─────────────────────────────────────────────────

    def returned(self, today: date) -> Return | None:
        """What the crew wrote, or nothing when it cannot be understood."""
        result = self._result()
        technician = self._take("Technician", read_text(self._line.cells["Technician"]))
        notes = self._take("Notes", _read_note(self._line.cells["Notes"]))
        day = self._day(today)
        time_in, time_out = (self._take(column, _read_time(self._line.cells[column])) for column in BY_CREW[3:5])
        if result is None:
            return None
        if not technician:
            code = "E-VISIT-TECHNICIAN" if result.is_done else "W-VISIT-TECHNICIAN"
            self._say("Technician", Finding(code, "Nobody says who was there.", "Write the technician's name."))
        if time_in and time_out and time_out < time_in:
            message = f"Time out {time_out} is before time in {time_in}."
            self._say("Time out", Finding("W-VISIT-TIME", message, "Right if it was past midnight."))
        return Return(result=result, technician=technician, date=day, time_in=time_in, time_out=time_out, notes=notes)

    def _take(self, column: str, read: Read[str]) -> str:
        for finding in read.findings:
            self._say(column, finding)
        return read.value

    def _result(self) -> Result | None:
        text = " ".join(self._line.cells["Result"].split()).casefold()
        words = tuple(result.value for result in Result)
        if text in words:
            return Result(text)
        said = f"{quoted(self._line.cells['Result'])} is no result." if text else "The result is missing."
        hint = f"{nearest(text, words)}Choose one of: {', '.join(words)}."
        self._say("Result", Finding("E-VISIT-RESULT", said, hint))
        return None

    def _day(self, today: date) -> str:
        day = self._take("Date", read_date(self._line.cells["Date"]))
        if day[:10] > today.isoformat():
            self._say("Date", Finding("E-VISIT-DATE", f"{day[:10]} is still to come.", "Write the day of the visit."))
        return day[:10]

    def noted(self, order: WorkOrder, returned: Return) -> tuple[Problem, ...]:
        """What a person should look at, though it is no error."""
        if returned.date and returned.date < order.issued_at.date().isoformat():
            message = f"{order.name} was issued on {order.issued_at.date()}, after that visit."
            return (self._placed("Date", Finding("W-VISIT-DATE", message, "See whether the day is right.")),)
        if order.sighting and not returned.result.is_done:
            message = f"{order.name} is closed: the station was seen where it belongs. The crew says {returned.result}."
            hint = "Find out who is right: perhaps another device answers under its identity."
            return (self._placed("Result", Finding("W-VISIT-CLOSED", message, hint)),)
        return ()


def _read_note(text: str) -> Read[str]:
    read = read_text(text)
    if len(read.value) <= LONGEST_NOTE:
        return read
    message = f"The note has {len(read.value):,} characters; the first {LONGEST_NOTE:,} are kept."
    shortened = Finding("W-VISIT-NOTE", message, "Keep the workbook if the rest matters.")
    return Read(read.value[:LONGEST_NOTE], (*read.findings, shortened))


_TIME = re.compile(r"(?:1899-12-3[01]T)?([01]?\d|2[0-3])[:.h]([0-5]\d)(?::[0-5]\d(?:\.\d+)?)?", re.ASCII)


def _read_time(text: str) -> Read[str]:
    """Hours and minutes, as typed or as a spreadsheet keeps them."""
    value = text.strip()
    match = _TIME.fullmatch(value)
    if match:
        return Read(f"{int(match[1]):02}:{match[2]}")
    if not value:
        return Read("")
    return Read("", (Finding("E-VISIT-TIME", f"{quoted(value)} is no time of day.", "Write it as 14:30."),))


# ── what comes of it ───────────────────────────────────────────────────────


def change_of(
    returns: Iterable[tuple[WorkOrder, Return]], attempts: Mapping[str, Attempt], *, by: str, at: datetime
) -> Change:
    """Everything that a returned file changes, to be stored together or not at all.

    A visiting attempt that was not done has failed, with the crew's reason;
    at stations that stand otherwise the return is kept with the order alone.
    """
    events: list[Event] = []
    ended: list[Attempt] = []
    for order, returned in returns:
        events.append(returning(order, returned, by=by, at=at))
        attempt = attempts.get(order.identity)
        if attempt is not None and _is_undone_visit(order, returned, attempt):
            moved = move(attempt, Fact.RETURNED_UNDONE, at, reason=reason_of(order, returned))
            events.extend(moved.events)
            ended.extend(moved.attempts)
    return Change(events=tuple(events), attempts=tuple(ended))


def _is_undone_visit(order: WorkOrder, returned: Return, attempt: Attempt) -> bool:
    is_its_visit = attempt.state is State.VISITING and attempt.id == order.attempt
    return is_its_visit and order.is_in_force and not returned.result.is_done


def reason_of(order: WorkOrder, returned: Return) -> str:
    """Why a visit came to nothing, as the timeline and the reports repeat it."""
    by = f", {returned.technician}" if returned.technician else ""
    notes = f": {returned.notes}" if returned.notes else ""
    return f"the crew came back without doing it: {returned.result.value}{notes} ({order.name}{by})"
