"""Workbooks for the tests: written as programs write them, then spoilt part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

from openpyxl import Workbook

Spoil = Callable[[Any], None]

HEADER = ["identity", "vendor", "wave", "last_seen_at", "serial"]
SHEET = "xl/worksheets/sheet1.xml"
_MAIN = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'


def workbook(*rows: list[Any], spoil: Spoil | None = None, title: str = "Stations") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if spoil:
        spoil(sheet)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one part replaced or added."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, content)
    return stream.getvalue()


def part(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def cells(*addressed: tuple[str, str], before: bytes = b"") -> bytes:
    """A workbook whose only sheet has exactly these cells, each in a row element of its own."""
    rows = b"".join(
        f'<row r="{address.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><c r="{address}" t="inlineStr">'
        f"<is><t>{text}</t></is></c></row>".encode()
        for address, text in addressed
    )
    return with_part(workbook(HEADER), SHEET, _MAIN + before + b"<sheetData>" + rows + b"</sheetData></worksheet>")


def open_document(*rows: list[str]) -> bytes:
    """An .ods as LibreOffice packs it, with the million blank rows that it repeats at the end."""
    told = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in row)
        + "</table:table-row>"
        for row in rows
    )
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3">'
        f'<office:body><office:spreadsheet><table:table table:name="Stations">{told}'
        '<table:table-row table:number-rows-repeated="1048500"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return stream.getvalue()


def binary_workbook(*rows: list[str]) -> bytes:
    """An .xlsb by the records of [MS-XLSB]: one sheet of inline strings."""
    sheet = _record(129) + _record(148, bytes(16)) + _record(145)
    for number, row in enumerate(rows):
        sheet += _record(0, number.to_bytes(4, "little") + b"\0" * 13)
        for column, text in enumerate(row):
            sheet += _record(6, column.to_bytes(4, "little") + b"\0" * 4 + _wide(text))
    sheet += _record(146) + _record(130)
    bundle = b"\0" * 4 + (1).to_bytes(4, "little") + _wide("rId1") + _wide("Stations")
    book = _record(131) + _record(153, bytes(12)) + _record(143) + _record(156, bundle) + _record(144)
    book += _record(157, bytes(26)) + _record(132)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{kind}" Target="worksheets/sheet1.bin"/></Relationships>',
        )
    return stream.getvalue()


def _record(kind: int, payload: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return number + bytes([len(payload)]) + payload


def _wide(text: str) -> bytes:
    return len(text).to_bytes(4, "little") + text.encode("utf-16-le")
