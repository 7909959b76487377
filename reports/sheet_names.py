"""Names and texts as Excel takes them: of sheets, of columns, of cells.

A foreign list may call its sheets and columns anything, twice, or nothing, and
hold texts that no workbook can.  What is changed here is changed visibly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from reports.words import display
from reports.workbook import LONGEST

_CUT = "… (cut short: longer than a cell can be)"


def storable(text: str) -> str:
    """A foreign text as a cell can hold it: kept to the letter but for NUL, half characters and what is too long.

    >>> storable("a\\x00b\\ud800")
    'a\\ufffdb\\ufffd'
    """
    if not text.isascii() or "\0" in text:
        text = text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)] + _CUT


def sheet_names(sheets: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """A name that Excel takes for each sheet of a file: at most 31 characters, none of ``[]:*?/\\``, no two alike."""
    names: dict[tuple[str, str], str] = {}
    for file, sheet in sheets:
        bare = re.sub(
            r"[\[\]:*?/\\'\s\U00010000-\U0010ffff]+", " ", display(sheet or PurePath(file).stem, limit=200)
        ).strip()
        name, number = bare[:31].strip() or "List", 1
        while name.casefold() in {"summary", "findings", "history", *(taken.casefold() for taken in names.values())}:
            number += 1
            name = f"{bare[:26].strip() or 'List'} ({number})"
        names[file, sheet] = name
    return names


def headers(titles: Sequence[str], width: int) -> Iterator[str]:
    """Headers as a table of Excel needs them: none blank, no two alike."""
    taken: set[str] = set()
    for letter, title in zip(letters(width), [*titles, *[""] * (width - len(titles))], strict=True):
        bare = display(title, limit=200).strip() or f"(column {letter})"
        name = bare if bare.casefold() not in taken else f"{bare} ({letter})"
        taken.add(name.casefold())
        yield name


def letters(width: int) -> list[str]:
    """The names of a sheet's columns: A, B, … Z, AA."""
    names: list[str] = []
    for index in range(1, width + 1):
        name, rest = "", index
        while rest:
            rest, digit = divmod(rest - 1, 26)
            name = chr(ord("A") + digit) + name
        names.append(name)
    return names
