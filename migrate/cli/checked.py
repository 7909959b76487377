"""``migrate inventory check --out``: the workbook of findings, written whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from migrate.adapters.spreadsheet import InventoryReading
from migrate.cli.drafts import drafted
from reports.words import display


def refuse_to_overwrite(file: Path, suffix: str) -> None:
    """A file that is there may hold somebody's corrections; one of another kind would not open."""
    if file.suffix.lower() != suffix:
        raise click.UsageError(f"{file.name} is no {suffix} file; the workbook of findings is one.")
    if file.exists():
        raise click.UsageError(f"{file} is there already; it may hold somebody's work.")


def write_checked(out: Path, reading: InventoryReading, *, verdict: str) -> None:
    """The list as it came, with what was found in it; whole or not at all."""
    from reports.findings_workbook import Checked, CheckedSheet, write_findings  # noqa: PLC0415 - only --out needs it

    sheets = [
        CheckedSheet(
            file=table.detected.file,
            sheet=table.detected.sheet,
            header_row=table.detected.header_row,
            records=[(record.row, record.cells) for record in table.records],
        )
        for table in reading.tables
    ]
    detected = [display(str(found)) for found in reading.detected]
    checked = Checked(verdict=verdict, detected=detected, problems=reading.problems, sheets=sheets)
    with drafted(out) as draft:
        write_findings(draft, checked, at=datetime.now(UTC).isoformat())
