"""A workbook as a table of text, read by a process that may die of it.

A few kilobytes of workbook can make any reader allocate gigabytes or abort
(measured).  So it is parsed by a child with a limit on memory and time and
without this process's environment; if that ends badly, the file is refused
with a sentence, and nothing else happens.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from migrate.adapters.spreadsheet.guard import Kind
from migrate.adapters.spreadsheet.sheet import Reach, Request, Sheet, Told, records_of, unpack
from migrate.adapters.spreadsheet.table import Detected, FileRefused, Span, Table, letter
from migrate.domain.finding import Finding, quoted

_HOUSE = Path(__file__).resolve().parents[3]
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
MOST_MERGED = 500_000
"""Merged cells that are named one by one; a sheet with more is a drawing and no list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What reading one workbook may cost."""

    memory_bytes: int = 2 << 30
    cpu_s: int = 120
    wall_s: float = 300.0


def read_workbook(name: str, kind: Kind, data: bytes, asked: str | None = None, bounds: Bounds | None = None) -> Table:
    """One sheet of a workbook.  Raises ``FileRefused`` when file or sheet cannot be read."""
    sheet = _ask(name, kind, data, asked, bounds or Bounds())
    if sheet.refusal is not None:
        refusal = sheet.refusal
        raise FileRefused(refusal.code, refusal.message, hint=refusal.hint)
    columns = [unpack(packed) for packed in sheet.columns]
    records = records_of(sheet.rows, [texts for texts, _ in columns])
    merged = _spans(name, sheet.merged, records[-1].row if records else 0, len(columns) - 1)
    faults = {cell: finding for span in merged for cell, finding in _merged(span).items()}
    faults |= {(fault.row, fault.column): _finding(fault.told) for fault in sheet.faults}
    return Table(
        detected=Detected(file=name, kind="workbook", sheet=sheet.name, hidden_rows=sheet.hidden),
        records=records,
        notes=tuple(map(_finding, sheet.notes)),
        faults=faults,
        numbers={index: mask for index, (_, mask) in enumerate(columns) if mask},
        merged=merged,
    )


def _ask(name: str, kind: Kind, data: bytes, asked: str | None, bounds: Bounds) -> Sheet:
    plain_name, plain_asked = _sendable(name), None if asked is None else _sendable(asked)
    request = Request(plain_name, kind.value, plain_asked, bounds.memory_bytes, bounds.cpu_s, data)
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ} | {"PYTHONPATH": str(_HOUSE)}
    try:
        child = subprocess.run(
            [sys.executable, "-m", "migrate.adapters.spreadsheet.reader"],
            input=msgspec.msgpack.encode(request),
            env=environment,
            capture_output=True,
            timeout=bounds.wall_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_much(name, f"{bounds.wall_s:g} seconds") from error
    if child.returncode == 0:
        try:
            return msgspec.msgpack.decode(child.stdout, type=Sheet)
        except msgspec.MsgspecError:
            pass  # half an answer: as bad as none
    raise _died(name, child.returncode, child.stderr, bounds)


def _sendable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _died(name: str, code: int, said: bytes, bounds: Bounds) -> FileRefused:
    """The child is gone.  How far the sheet reaches it told before, and that is nearly always why."""
    if code == -signal.SIGXCPU:
        return _too_much(name, f"{bounds.cpu_s} seconds of computing")
    if code > 0 and b"MemoryError" not in said:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        message = f"{name} cannot be read as a workbook: {quoted(last, 200)}."
        return FileRefused("E-FILE-ZIP", message, hint="Open it in Excel and save it anew.")
    try:
        reach = msgspec.json.decode(said.partition(b"\n")[0], type=Reach)
    except msgspec.MsgspecError:
        return _too_much(name, f"{bounds.memory_bytes >> 20:,} MiB of memory")
    if reach.rows * reach.columns > 0:
        message = (
            f"{name}: reading it was stopped; a sheet has a cell at {reach.far}, far outside any list of stations."
        )
        hint = "Delete the rows below and the columns beside the list, and save it again."
        return FileRefused("E-FILE-CELL", message, hint=hint)
    message = f"{name}: the process that read it died of it (signal {-code}) within {bounds.memory_bytes >> 20:,} MiB."
    return FileRefused("E-FILE-LIMIT", message, hint="Open it in Excel and save only the sheet with the stations anew.")


def _too_much(name: str, what: str) -> FileRefused:
    message = f"{name}: reading it took more than {what} and was stopped."
    return FileRefused("E-FILE-LIMIT", message, hint="Save only the sheet with the stations, as .xlsx or .csv.")


def _finding(told: Told) -> Finding:
    return Finding(told.code, told.message, told.hint)


def _spans(name: str, corners: list[tuple[int, int, int, int]], last_row: int, last_column: int) -> tuple[Span, ...]:
    """Merged cells as far as the sheet is filled: some merge whole columns down to the last row there is."""
    spans = (Span(top, left, min(bottom, last_row), min(right, last_column)) for top, left, bottom, right in corners)
    merged = tuple(sorted(span for span in spans if span.top <= span.bottom and span.left <= span.right))
    if sum(span.size for span in merged) > MOST_MERGED:
        message = f"{name}: more than {MOST_MERGED:,} cells of the sheet are merged."
        raise FileRefused("E-FILE-LIMIT", message, hint="Select the whole sheet, unmerge its cells and fill them.")
    return merged


def _merged(span: Span) -> dict[tuple[int, int], Finding]:
    """Every merged cell but the first reads as blank, though a person sees the first one's text there."""
    first = f"{letter(span.left)}{span.top}"
    finding = Finding("E-CELL-MERGED", f"The cell is merged into {first}.", "Unmerge the cells and fill each.")
    return {
        (row, column): finding
        for row in range(span.top, span.bottom + 1)
        for column in range(span.left, span.right + 1)
        if (row, column) != (span.top, span.left)
    }
