"""What one cell of an inventory may say.

Each reader turns the text of one cell into a value and what is wrong with it.
It sees no rows, no files and no other cells, reads no clock, and guesses
nothing: where two readings are possible it asks the operator which is meant.
"""

from __future__ import annotations

import ipaddress
import math
import re
import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum

from migrate.domain.finding import Finding, Read, looks_like_formula, nearest, quoted, show
from migrate.domain.station import Lifecycle

LONGEST_TEXT = 32_767
"""What one cell of a spreadsheet can hold; a longer text has swallowed its neighbours."""

_ERROR_VALUES = re.compile(r"#(?:[A-ZÄÖÜ]+/?0?[!?]|DIV/0!|DEEL/0!|N/?[AVB])")


_WRAPPED = re.compile(r'="([^"]*)"')


def spoilt(text: str) -> Finding | None:
    """What no cell that is used may hold, whatever its column: an error of a spreadsheet, or more than a cell.

    >>> spoilt("#DIV/0!").code, spoilt("#WERT!").code, spoilt("# 12")
    ('E-CELL-ERROR', 'E-CELL-ERROR', None)
    """
    if text[:1] == "#" and _ERROR_VALUES.fullmatch(text):
        return Finding("E-CELL-ERROR", f"The cell holds the error {text}.", "Mend the formula or type the value.")
    if text[:2] == '="' and (wrapped := _WRAPPED.fullmatch(text)):
        message = f"The cell holds a formula around a text, {quoted(text)}, as exports write it to keep zeros."
        hint = f"Open the file in a spreadsheet, which shows {quoted(wrapped[1])}, and save it as .xlsx; or export texts without it."
        return Finding("E-CELL-FORMULA", message, hint)
    if len(text) > LONGEST_TEXT:
        message = f"The text has {len(text):,} characters, a cell holds at most {LONGEST_TEXT:,}."
        return Finding("E-TEXT-LONG", message, "Look for a quote that is never closed, and shorten the text.")
    return None


_JOINED = re.compile(r"(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
"""Joiners where scripts and emoji need them; elsewhere they are invisible like all others."""


def read_text(text: str) -> Read[str]:
    """Free text, its edges trimmed; line breaks and tabs inside stay, since addresses have them.

    NUL and lone surrogates are errors: no database or report could hold them
    (SQLite counts a text only up to its NUL).  Other control characters and
    text direction overrides are kept and named; whoever prints them isolates
    them.  A text that begins as a formula does stays a text.
    """
    value = text.strip()
    found = _formula(value)
    if value.isascii() and value.isprintable():
        return Read(value, found)
    if broken := sorted({c for c in value if c == "\0" or unicodedata.category(c) == "Cs"}):
        message = f"Holds characters that cannot be stored: {', '.join(show(c) for c in broken)}."
        return Read("", (Finding("E-TEXT-CHARACTER", message, "Type the text anew or remove them."),))
    plain = _JOINED.sub("", value)
    odd = sorted({c for c in plain if c not in "\t\r\n" and unicodedata.category(c) in ("Cc", "Cf")})
    if odd:
        message = f"Holds invisible characters: {', '.join(show(c) for c in odd)}."
        return Read(
            value, (Finding("W-TEXT-INVISIBLE", message, "They are kept; remove them if they are not meant."), *found)
        )
    return Read(value, found)


def _formula(value: str) -> tuple[Finding, ...]:
    if not looks_like_formula(value):
        return ()
    message = f"{quoted(value)} begins as a formula does; it is taken as text."
    return (Finding("W-TEXT-FORMULA", message, "It was never computed. Correct it if it was not meant."),)


_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet has turned digits into a rounded number such as ``8,93102E+18``."""
    return bool(_ROUNDED.fullmatch(text.strip()))


def read_digits(text: str, *, name: str, lengths: range) -> Read[str]:
    """A SIM number.  It is one of the facts that prove who arrived, so a rounded one is refused."""
    value = re.sub(r"[ \-\u00a0]", "", text.strip())
    if is_rounded(value):
        message = f"{quoted(text)} is a rounded number, the {name} is gone."
        return Read("", (Finding("E-NUMBER-ROUNDED", message, "Export the column as text."),))
    if value and not (value.isascii() and value.isdigit() and len(value) in lengths):
        message = f"{quoted(text)} is no {name}: it has {lengths.start} to {lengths.stop - 1} digits."
        return Read(value, (Finding("W-SIM", message, "Compare with the SIM card or the operator's portal."),))
    return Read(value)


def parse_number(text: str) -> float | None:
    """A number with a point or a decimal comma; ``None`` if it is none."""
    value = text.strip().replace("\u2212", "-")
    if "," in value and "." not in value:
        value = value.replace(",", ".", 1)
    if not re.fullmatch(r"[+-]?\d{1,15}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,3})?", value):
        return None
    number = float(value)
    return number if math.isfinite(number) else None  # 1E400


def read_coordinate(text: str, *, name: str, limit: float) -> Read[float | None]:
    if not text.strip():
        return Read(None)
    value = parse_number(text)
    if value is None:
        hint = f"Write degrees as a decimal number, for example {'52.5298' if limit == 90 else '13.3770'}."
        return Read(None, (Finding("E-GEO-NUMBER", f"{quoted(text)} is no {name}.", hint),))
    if abs(value) > limit:
        message = f"{name.capitalize()} {text.strip()} lies beyond {limit:g} degrees."
        return Read(None, (Finding("W-GEO-RANGE", message, "Mend the coordinate; it is left out until then."),))
    return Read(value)


def read_whole(text: str, *, name: str, code: str, least: int, most: int) -> Read[int | None]:
    """A small whole number; ``2.0`` counts, since spreadsheets write it so."""
    if not text.strip():
        return Read(None)
    value = parse_number(text)
    if value is None or value != int(value) or not least <= value <= most:
        message = f"{quoted(text)} is no {name}: it is a whole number from {least} to {most}."
        return Read(None, (Finding(code, message, "Write digits, or leave the cell blank."),))
    return Read(int(value))


def read_lifecycle(text: str) -> Read[Lifecycle]:
    word = re.sub(r"[\s\-]+", "_", text.strip()).casefold()
    if not word:
        return Read(Lifecycle.IN_SERVICE)
    words = tuple(life.value for life in Lifecycle)
    if word in words:
        return Read(Lifecycle(word))
    hint = nearest(word, words) + f"Write one of {', '.join(words)}, or let the column map translate it."
    return Read(Lifecycle.IN_SERVICE, (Finding("E-LIFECYCLE", f"{quoted(text)} is no lifecycle word.", hint),))


_OCPP = {"16": "1.6", "16j": "1.6", "16json": "1.6", "15": "1.5", "15s": "1.5", "16s": "1.6-S", "16soap": "1.6-S"}
_OCPP |= {"20": "2.0", "201": "2.0.1", "21": "2.1"}


def read_ocpp_version(text: str) -> Read[str]:
    """1.6 (JSON) unless the cell says otherwise; SOAP is named, so that no profile for JSON takes it."""
    word = re.sub(r"[\s._,\-]+", "", text.strip().casefold().replace("ocpp", ""))
    if not word:
        return Read("1.6")
    if word in _OCPP:
        return Read(_OCPP[word])
    hint = "Write 1.6, 2.0.1 or 2.1, or leave it blank for 1.6."
    return Read("1.6", (Finding("E-OCPP-VERSION", f"{quoted(text)} is no OCPP version.", hint),))


def read_timezone(text: str, zones: frozenset[str]) -> Read[str]:
    """An IANA name.  Abbreviations are refused: ``CET`` has no summer time in some tables and one in others."""
    name = text.strip()
    if not name or (name in zones and ("/" in name or name == "UTC")):
        return Read(name)
    hint = (
        nearest(name, [zone for zone in zones if "/" in zone])
        + "Write an IANA name such as Europe/Amsterdam, or leave it blank for the campaign's own."
    )
    return Read("", (Finding("E-TIMEZONE", f"{quoted(text)} is no time zone name.", hint),))


def read_country(text: str) -> Read[str]:
    code = text.strip().casefold()
    if not code or re.fullmatch(r"[a-z]{2}", code):
        return Read("gb" if code == "uk" else code)
    hint = "Write the two letters of ISO 3166, for example gb, de, fr, nl. Coordinates are not checked without it."
    return Read(text.strip(), (Finding("W-COUNTRY", f"{quoted(text)} is no country code.", hint),))


def read_ip_address(text: str) -> Read[str]:
    value = text.strip()
    try:
        return Read(str(ipaddress.ip_address(value)) if value else "")
    except ValueError:
        hint = "Write 10.20.30.40 or an IPv6 address, without a port."
        return Read("", (Finding("E-IP-ADDRESS", f"{quoted(text)} is no IP address.", hint),))


_NO = frozenset(
    [
        "no",
        "n",
        "false",
        "0",
        "nein",
        "nee",
        "non",
        "falsch",
        "faux",
        "onwaar",
        "f",
        "-",
        "none",
        "keine",
        "geen",
        "aucun",
        "falso",
        "ne",
        "nie",
        "nej",
        "nei",
        "não",
        "☐",
        "✗",
        "✘",
    ]
)
_YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "1",
        "x",
        "ja",
        "j",
        "oui",
        "o",
        "si",
        "sí",
        "ano",
        "tak",
        "sim",
        "verdadero",
        "vero",
        "wahr",
        "vrai",
        "waar",
        "t",
        "✓",
        "✔",
        "☑",
        "☒",
    ]
)


def read_hold(text: str) -> Read[str]:
    """The reason for leaving a station alone.  A bare yes holds it too; a bare no does not."""
    read = read_text(text)
    word = read.value.casefold()
    if word in _NO:
        return Read("", read.findings)
    return Read("held in the inventory" if word in _YES else read.value, read.findings)


_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](.+))?")
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T,]+(.+))?")


class DateOrder(StrEnum):
    """How a file writes 3 April: asked for where its dates can be read two ways."""

    UNKNOWN = "unknown"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


def read_date(text: str, order: DateOrder = DateOrder.UNKNOWN) -> Read[str]:
    """A date or time as ISO 8601, in UTC where it names its offset.

    An impossible date such as ``0000-00-00`` is a warning and left out: it
    says when a record was touched, not how to reach a station.  ``03/04/2026``
    is an error until the operator says which is the month.
    """
    value = text.strip()
    if not value:
        return Read("")
    if iso := _ISO.fullmatch(value):
        year, month, day, clock = iso.groups()
        return _date(value, int(year), int(month), int(day), clock)
    if numeric := _NUMERIC.fullmatch(value):
        return _numeric_date(numeric, order)
    return Read("", (Finding("E-DATE", f"{quoted(text)} is no date.", _iso_hint(value)),))


def _iso_hint(value: str) -> str:
    if re.fullmatch(r"\d{5}(?:\.\d+)?", value):
        day = date.fromordinal(date(1899, 12, 30).toordinal() + int(float(value)))
        return f"It looks like a spreadsheet's day number, perhaps {day}. Format the column as a date, or write ISO."
    return "Write it as 2026-04-03 or 2026-04-03T12:00:00Z."


def _numeric_date(match: re.Match[str], order: DateOrder) -> Read[str]:
    """Dots put the day first everywhere; with slashes only a number over 12 or the map can tell."""
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    mark, clock, value = match[2], match[5], match[0]
    if order is DateOrder.UNKNOWN and (mark == "." or first > 12 or first == second):
        order = DateOrder.DAY_FIRST
    if order is DateOrder.UNKNOWN and second > 12:
        order = DateOrder.MONTH_FIRST
    if order is DateOrder.UNKNOWN:
        message = (
            f"{quoted(value)} can be read two ways: {year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}."
        )
        hint = 'Write ISO dates, or say in the column map { date = "…", order = "day_first" }.'
        return Read("", (Finding("E-DATE-AMBIGUOUS", message, hint),))
    day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
    return _date(value, year, month, day, clock)


def _date(value: str, year: int, month: int, day: int, clock: str | None) -> Read[str]:
    iso = f"{year:04}-{month:02}-{day:02}"
    hint = "It is left out; mend the export if the date matters."
    try:
        known = date.fromisoformat(iso).isoformat()
    except ValueError:
        return Read("", (Finding("W-DATE-IMPOSSIBLE", f"{quoted(value)} is no day of the calendar.", hint),))
    if not clock:
        return Read(known)
    try:
        moment = datetime.fromisoformat(f"{iso}T{clock.strip()}")
    except ValueError:
        return Read("", (Finding("W-DATE-IMPOSSIBLE", f"{quoted(value)} holds no time of day.", hint),))
    if moment.tzinfo is None:
        return Read(moment.isoformat())
    return Read(moment.astimezone(UTC).isoformat().replace("+00:00", "Z"))
