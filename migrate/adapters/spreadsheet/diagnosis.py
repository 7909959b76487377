"""Cells that do not hold what they show: formulas without a result, error values, digits that only look padded.

A reader of values gives a blank cell for the first two, and a blank cell is
something a list may well have.  So the sheet's XML is gone through once more,
with nothing kept of it but these cells and the number of hidden rows.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element
from xml.parsers import expat

from defusedxml import ElementTree

from migrate.adapters.spreadsheet.table import column_index
from migrate.domain.finding import Finding


@dataclass(slots=True)
class Diagnosis:
    """Faults by spreadsheet row and column index, and how many rows are hidden."""

    faults: dict[tuple[int, int], Finding] = field(default_factory=dict)
    hidden: int = 0


def diagnose(archive: zipfile.ZipFile, sheet: str) -> Diagnosis:
    """Go through one sheet of an .xlsx workbook.  Its XML declares no entities: that was looked at before."""
    parser = expat.ParserCreate()
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    look = _Look(parser, _padded_styles(archive), _no_results(book))
    with archive.open(_part_of(archive, book, sheet)) as stream:
        parser.ParseFile(stream)
    look.finish()
    return look.diagnosis


def _no_results(book: Element) -> Collection[str]:
    """What stands for a number that no formula has given yet.

    Writers that compute nothing leave it out, or write 0 and ask whoever
    opens the workbook to compute everything (XlsxWriter, "Formula Results").
    """
    asks = any(e.get("fullCalcOnLoad") in ("1", "true") for e in book.iter() if _local(e.tag) == "calcPr")
    return ("", "0") if asks else ("",)


def _part_of(archive: zipfile.ZipFile, book: Element, sheet: str) -> str:
    """The part that holds a sheet, by the workbook's own relationships."""
    related = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {str(item.get("Id")): str(item.get("Target")) for item in related}
    for element in book.iter():
        if _local(element.tag) == "sheet" and element.get("name") == sheet:
            key = next(value for name, value in element.attrib.items() if name.endswith("}id"))
            target = targets[key]
            return target[1:] if target.startswith("/") else f"xl/{target}"
    raise LookupError(f"the workbook's list of sheets lacks {sheet!r}")


def _padded_styles(archive: zipfile.ZipFile) -> Mapping[str, int]:
    """Styles that pad numbers with zeros, by their number, with the width that they show."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    root = ElementTree.fromstring(archive.read("xl/styles.xml"))
    formats = {e.get("numFmtId"): e.get("formatCode", "") for e in root.iter() if _local(e.tag) == "numFmt"}
    styles = next((list(e) for e in root.iter() if _local(e.tag) == "cellXfs"), [])
    codes = (formats.get(style.get("numFmtId"), "") for style in styles)
    return {str(number): len(code) for number, code in enumerate(codes) if re.fullmatch("0{2,}", code)}


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


class _Look:
    """One pass over a sheet's XML: what is open at this point, and whether its value has to be listened to."""

    def __init__(self, parser: expat.XMLParserType, padded: Mapping[str, int], no_results: Collection[str]) -> None:
        self.diagnosis = Diagnosis()
        self._parser, self._padded, self._no_results = parser, padded, no_results
        self._row, self._column = 0, -1  # a cell without an address follows the one before it
        self._address, self._kind, self._width = "", "n", 0
        self._is_formula = self._is_watched = self._is_listening = False
        self._text: list[str] = []
        self._handlers: dict[str, Callable[[dict[str, str]], None]] = {}
        parser.StartElementHandler = self._start
        parser.EntityDeclHandler = _refuse_entities

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._is_listening:
            self._parser.CharacterDataHandler = None
            self._is_listening = False
        if handler := self._handlers.get(name):
            handler(attributes)
        elif not self._handlers:
            prefix = name.removesuffix("worksheet")
            handlers = {"c": self._open_cell, "f": self._open_formula, "v": self._open_value, "row": self._open_row}
            self._handlers = {prefix + local: handler for local, handler in handlers.items()}

    def _open_row(self, attributes: dict[str, str]) -> None:
        self.finish()
        self._row, self._column, self._address = int(attributes.get("r", self._row + 1)), -1, ""
        self.diagnosis.hidden += attributes.get("hidden") in ("1", "true")

    def _open_cell(self, attributes: dict[str, str]) -> None:
        if self._is_watched:
            self.finish()
        if address := attributes.get("r"):
            self._address = address
        else:
            self._column, self._address = self._place()[1] + 1, ""
        self._kind = attributes.get("t", "n")
        self._width = self._padded.get(attributes.get("s", ""), 0) if self._kind == "n" else 0
        self._is_watched = self._kind == "e" or self._width > 0

    def _open_formula(self, _: dict[str, str]) -> None:
        self._is_formula = self._is_watched = True

    def _open_value(self, _: dict[str, str]) -> None:
        if self._is_watched:
            self._parser.CharacterDataHandler = self._text.append
            self._is_listening = True

    def _place(self) -> tuple[int, int]:
        if match := _ADDRESS.fullmatch(self._address):
            return int(match[2]), column_index(match[1])
        return self._row, self._column

    def finish(self) -> None:
        """Judge the cell that was open, if there was anything to listen to."""
        if self._is_watched:
            if finding := self._fault("".join(self._text).strip()):
                self.diagnosis.faults[self._place()] = finding
            self._text.clear()
            self._is_watched = self._is_formula = False

    def _fault(self, value: str) -> Finding | None:
        if self._kind == "e":
            message = f"The cell holds the error {value}."
            return Finding("E-CELL-ERROR", message, "Mend the formula or type the value.")
        if self._is_formula and not self._has_result(value):
            hint = "Open it in Excel, save, or paste values."
            return Finding("E-CELL-FORMULA", "The formula has no stored result.", hint)
        if self._width and value and (shown := _shown(value, self._width)) != value:
            message = f"The cell shows {shown} but holds {value}."
            return Finding("E-CELL-PADDED", message, "Format the column as text and type the digits anew.")
        return None

    def _has_result(self, value: str) -> bool:
        """A formula may well give an empty text, or a 0 that says FALSE."""
        return self._kind == "str" or (value not in self._no_results if self._kind == "n" else bool(value))


_ADDRESS = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def _shown(value: str, width: int) -> str:
    return f"{float(value):0{width}.0f}"


def _refuse_entities(*_: Any) -> None:
    raise ValueError("the sheet declares entities")
