"""A list imported into a campaign, now or once more: what it changes, and what the imports before it were.

The journal keeps every list and says what a new one did to each station.  This
module asks it, and finds words for a person and a document for programs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

from migrate.adapters.journal.dialect import file_of, parse
from migrate.adapters.spreadsheet import InventoryReading
from migrate.adapters.vault import IDTAG_KEY
from migrate.cli.people import who
from migrate.domain.attempt import State
from migrate.domain.changes import (
    Change,
    FieldChange,
    Import,
    InventoryChanges,
    Version,
    compare,
    differences,
    disturbing,
)
from migrate.domain.problem import Origin, Place, Problem, problem
from migrate.settings import FILE_NAME, load_settings
from migrate.wiring import Wired, with_campaign
from reports.times import stamp
from reports.words import display

MOST_NAMED = 10
"""Stations named singly for a person; --json names all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relisting:
    """What an import changed, or would change, and what of that a person should look at."""

    changes: InventoryChanges
    warnings: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return changes_document(self.changes)

    def lines(self) -> tuple[str, ...]:
        return tuple(changes_told(self.changes))


def store(folder: Path, reading: InventoryReading) -> Relisting:
    """Make the stations that were read the campaign's inventory; a folder without store or secret gets them here."""
    note = {"files": [str(file) for file in reading.files], "rows": reading.rows, "by": who()}

    async def keep(wired: Wired) -> Relisting:
        imported = await wired.journal.import_stations(reading.stations, note=note)
        wired.vault.make(IDTAG_KEY)
        warnings = await _warnings(wired, imported.changes, reading)
        return Relisting(changes=imported.changes, warnings=warnings)

    return with_campaign(folder, keep, create=True)


def rehearse(folder: Path, reading: InventoryReading) -> Relisting | None:
    """What storing would change, nothing being written; ``None`` where there is no campaign to compare with."""
    if not (folder / FILE_NAME).exists() or not _has_store(folder):
        return None

    async def look(wired: Wired) -> Relisting:
        changes = compare(await wired.journal.stations(), reading.stations)
        return Relisting(changes=changes, warnings=await _warnings(wired, changes, reading))

    return with_campaign(folder, look)


def _has_store(folder: Path) -> bool:
    """Whether there is a store to look into; a server is asked by opening it."""
    path = file_of(parse(load_settings(folder).store_url))
    return path is None or path.exists()


async def _warnings(wired: Wired, changes: InventoryChanges, reading: InventoryReading) -> tuple[Problem, ...]:
    touched = [*changes.gone, *(change.identity for change in changes.changed)]
    states = await _states(wired, touched)
    place = Place(file=reading.files[0])
    column = Origin(column="identity")
    return tuple(
        problem(place, finding, column if identity else None, identity)
        for identity, finding in disturbing(changes, states)
    )


async def _states(wired: Wired, identities: Collection[str]) -> dict[str, State]:
    if not identities:
        return {}
    return {attempt.identity: attempt.state for attempt in await wired.journal.attempts(identities=identities)}


def changes_document(changes: InventoryChanges) -> dict[str, Any]:
    """``changes`` of ``migrate.inventory/1``: every station by name, and each field before and after."""
    return {
        "added": [*changes.added],
        "gone": [*changes.gone],
        "changed": [
            {"identity": change.identity, "fields": [field.to_json() for field in change.fields]}
            for change in changes.changed
        ],
        "unchanged": changes.unchanged,
    }


def changes_told(changes: InventoryChanges, *, most: int = MOST_NAMED) -> Iterator[str]:
    """What a person reads: nothing of a first list, one sentence and the first few of each kind of a later one."""
    if changes.is_first:
        return
    counts = f"{len(changes.added):,} added, {len(changes.gone):,} gone, {len(changes.changed):,} changed"
    yield f"Against the list before: {counts}, {changes.unchanged:,} as they were."
    for sign, identities in (("+", changes.added), ("-", changes.gone)):
        yield from (f"  {sign} {display(identity)}" for identity in identities[:most])
        yield from _more(len(identities), most)
    for change in changes.changed[:most]:
        yield f"  ~ {display(change.identity)}: {fields_told(change.fields)}"
    yield from _more(len(changes.changed), most)


def _more(count: int, most: int) -> Iterator[str]:
    if count > most:
        yield f"    … and {count - most:,} more; --json names all."


def fields_told(fields: Sequence[FieldChange]) -> str:
    """Each field before and after, on one line."""
    return "; ".join(f"{field.field} {_value(field.before)} → {_value(field.after)}" for field in fields)


def _value(text: str) -> str:
    return display(text, limit=60) or "(blank)"


# ── the history ────────────────────────────────────────────────────────────


def read_imports(folder: Path) -> list[Import]:
    async def look(wired: Wired) -> list[Import]:
        return await wired.journal.imports()

    return with_campaign(folder, look)


def read_versions(folder: Path, identity: str) -> tuple[list[Import], list[Version]]:
    async def look(wired: Wired) -> tuple[list[Import], list[Version]]:
        return await wired.journal.imports(), await wired.journal.station_versions(identity)

    return with_campaign(folder, look)


def history_document(imports: Sequence[Import]) -> dict[str, Any]:
    """``migrate.inventory_history/1``: the imports, oldest first."""
    return {"schema": "migrate.inventory_history/1", "imports": [_import_document(one) for one in imports]}


def _import_document(one: Import) -> dict[str, Any]:
    return {
        "number": one.number,
        "at": stamp(one.at),
        "by": one.by or None,
        "files": [*one.files],
        "stations": one.stations,
        "added": one.added,
        "changed": one.changed,
        "gone": one.gone,
        "digest": one.digest,
    }


def versions_document(identity: str, imports: Sequence[Import], versions: Sequence[Version]) -> dict[str, Any]:
    """``migrate.inventory_history/1`` of one station: what each import that touched it did."""
    at = {one.number: one for one in imports}
    told = [
        {
            "number": version.number,
            "at": stamp(at[version.number].at) if version.number in at else None,
            "files": [*at[version.number].files] if version.number in at else [],
            "change": version.change.value,
            "fields": [field.to_json() for field in fields],
        }
        for version, fields in _steps(versions)
    ]
    return {"schema": "migrate.inventory_history/1", "identity": identity, "versions": told}


def _steps(versions: Sequence[Version]) -> Iterator[tuple[Version, tuple[FieldChange, ...]]]:
    """Each version with what it changed in the one before it."""
    if versions:
        yield versions[0], ()
    for before, after in pairwise(versions):
        yield after, differences(before.station, after.station).fields


def imports_told(imports: Sequence[Import]) -> Iterator[str]:
    """A line per import, newest last."""
    yield "  no  when (UTC)           stations   added  changed    gone  files; by"
    for one in imports:
        counts = "".join(f"{'?' if count is None else f'{count:,}':>8}" for count in (one.added, one.changed, one.gone))
        files = ", ".join(display(PurePath(file).name, limit=60) for file in one.files) or "(unknown)"
        by = f"; {display(one.by, limit=60)}" if one.by else ""
        yield f"{one.number:>4}  {one.at:%Y-%m-%d %H:%M:%S} {one.stations:>10,}{counts}  {files}{by}"


_DID = {Change.ADDED: "added", Change.CHANGED: "changed", Change.GONE: "no longer listed"}


def versions_told(identity: str, imports: Sequence[Import], versions: Sequence[Version]) -> Iterator[str]:
    """One station through the imports."""
    at = {one.number: f"{one.at:%Y-%m-%d %H:%M:%S}Z" for one in imports}
    yield f"{display(identity)} in {len(imports):,} import{'' if len(imports) == 1 else 's'}:"
    for version, fields in _steps(versions):
        what = f": {fields_told(fields)}" if fields else ""
        yield f"  import {version.number}, {at.get(version.number, '?')}  {_DID[version.change]}{what}"
