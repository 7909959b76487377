"""What kind of file this is, and whether opening it is safe.

Extensions lie and archives can unfold to gigabytes.  This module looks at the
first bytes and at an archive's own list of contents, unfolds nothing, and
refuses with a sentence.  What is inside a workbook is looked at by
:mod:`~migrate.adapters.spreadsheet.scan`, in a bounded process.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from enum import StrEnum

from migrate.adapters.spreadsheet.table import FileRefused
from migrate.domain.finding import Finding

LARGEST_UNFOLDED_BYTES = 64 * 1024 * 1024
LARGEST_LIST_BYTES = 256 * 1024 * 1024
"""A hundred thousand stations in twenty columns unfold to some 80 MiB: beyond 64 MiB a file is taken up to here if it packs as lists do."""

LIST_RATIO = 40
"""Lists pack five- to thirtyfold; what packs better and is large is no list."""

LARGEST_RATIO = 100
MOST_ENTRIES = 2_000
_SMALL_BYTES = 1 << 20


class Kind(StrEnum):
    TEXT = "text"
    XLSX = "xlsx"  # and .xlsm
    XLSB = "xlsb"
    ODS = "ods"


RESAVE = "Open it in the program that made it and save it as .xlsx or .csv."
_LEGACY = b"\xd0\xcf\x11\xe0"


def kind_of(name: str, data: bytes) -> Kind:
    """What the bytes are, whatever the name says.  Raises ``FileRefused`` for what is neither text nor workbook."""
    suffix = name.rpartition(".")[2].lower()
    if not data.strip():
        raise FileRefused("E-FILE-EMPTY", f"{name} is empty.", hint="Export it again.")
    if data.startswith(b"PK"):
        return _archive(name, data)
    if data.startswith(_LEGACY):
        raise _compound(name, data)
    if data.startswith(b"%PDF"):
        raise FileRefused("E-FILE-TYPE", f"{name} is a PDF.", hint="Ask for the list as .xlsx or .csv.")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if re.match(rb"<(?:!doctype|html|head|table|meta|\?xml)", head):
        message = f"{name} is a web page (HTML or XML) under the name of a spreadsheet."
        raise FileRefused("E-FILE-TYPE", message, hint=RESAVE)
    if re.match(rb"[\[{]\s*[\[{]?\s*\"[^\"]*\"\s*:", head):
        raise FileRefused("E-FILE-TYPE", f"{name} is JSON.", hint="Export the list as .xlsx or .csv.")
    if suffix in ("xlsx", "xlsm", "xls", "xlsb", "ods"):
        message = f"{name} is no workbook: it holds plain text."
        raise FileRefused("E-FILE-TYPE", message, hint="If it is delimited text, rename it to .csv.")
    return Kind.TEXT


def _compound(name: str, data: bytes) -> FileRefused:
    """OLE compound files: encrypted workbooks [MS-OFFCRYPTO] and those of Excel 97-2003."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return locked(name)
    return FileRefused("E-FILE-TYPE", f"{name} is an old .xls workbook.", hint=RESAVE)


def locked(name: str) -> FileRefused:
    message = f"{name} is protected by a password."
    return FileRefused("E-FILE-PASSWORD", message, hint="Remove the password in Excel and save it again.")


def damaged(name: str, why: object) -> FileRefused:
    return FileRefused("E-FILE-ZIP", f"{name} is cut short or damaged: {why}.", hint="Copy or download it again.")


def _archive(name: str, data: bytes) -> Kind:
    """What an archive says that it holds, judged before anything of it is unfolded."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise damaged(name, error) from error
    _judge_size(name, entries)
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names) or any(_is_forged(entry.filename) for entry in entries):
        raise FileRefused("E-FILE-ZIP", f"{name} holds parts twice or with forged paths.", hint=RESAVE)
    if any(entry.flag_bits & 1 for entry in entries):
        raise locked(name)
    return _kind_of_archive(name, frozenset(names))


def _judge_size(name: str, entries: list[zipfile.ZipInfo]) -> None:
    unfolded = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    steep = any(e.file_size > _SMALL_BYTES and e.file_size > LARGEST_RATIO * max(e.compress_size, 1) for e in entries)
    is_list = unfolded <= LARGEST_LIST_BYTES and unfolded <= LIST_RATIO * packed
    if len(entries) > MOST_ENTRIES or steep or (unfolded > LARGEST_UNFOLDED_BYTES and not is_list):
        message = f"{name} would unfold to {unfolded / 1048576:,.0f} MiB in {len(entries):,} parts."
        hint = "Save only the sheet with the stations, as .xlsx or .csv, without pictures and unused formats."
        raise FileRefused("E-FILE-BOMB", message, hint=hint)


def _is_forged(part: str) -> bool:
    """Paths that lead out of the archive, as no program writes them."""
    steps = part.replace("\\", "/").split("/")
    return part.startswith(("/", "\\")) or ".." in steps or ":" in steps[0]


def _kind_of_archive(name: str, parts: frozenset[str]) -> Kind:
    if "xl/workbook.bin" in parts:
        return Kind.XLSB
    if "xl/workbook.xml" in parts:
        return Kind.XLSX
    if "content.xml" in parts:
        return Kind.ODS
    raise FileRefused("E-FILE-TYPE", f"{name} is an archive, but no workbook.", hint="Unpack it, or ask for .xlsx.")


_BLIND = {Kind.XLSB: "a binary workbook (.xlsb)", Kind.ODS: "an OpenDocument sheet"}


def notes_on(name: str, kind: Kind, parts: frozenset[str]) -> tuple[Finding, ...]:
    """What an operator should know of a workbook before trusting it."""
    notes = []
    if any(part.endswith("vbaProject.bin") for part in parts):
        message, hint = f"{name} holds macros; they are never run.", "Save it as .xlsx if the macros are not needed."
        notes.append(Finding("W-FILE-MACRO", message, hint))
    if any(part.startswith("xl/externalLinks/") for part in parts):
        message = f"{name} is linked to other workbooks; the values that it had when last saved are read."
        notes.append(Finding("W-FILE-LINKS", message, "Open it in Excel, update the links and save, or paste values."))
    if kind in _BLIND:
        message = f"{name} is {_BLIND[kind]}: error values and formulas without a result read as blank cells in it."
        notes.append(Finding("W-FILE-KIND", message, "Save it as .xlsx to have each of them named."))
    return tuple(notes)
