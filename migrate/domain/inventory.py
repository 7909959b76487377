"""From the rows of a legacy list to stations, or to problems with their places.

Every row is judged alone, then all rows against each other; everything that
is wrong is told at once.  This module opens no file and repairs nothing: a
row with an error becomes no station, and what could be read two ways is an
error that says how to settle it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate.domain.cell import (
    read_coordinate,
    read_country,
    read_date,
    read_digits,
    read_hold,
    read_ip_address,
    read_lifecycle,
    read_ocpp_version,
    read_text,
    read_timezone,
    read_whole,
)
from migrate.domain.country import is_abroad
from migrate.domain.finding import Finding, Read, Severity, quoted
from migrate.domain.identity import glyphs, read_identity, skeleton, unusual
from migrate.domain.problem import Origin, Place, Problem, problem
from migrate.domain.station import Station

__all__ = [
    "COLUMNS",
    "Finding",
    "Judgement",
    "Origin",
    "Place",
    "Problem",
    "Row",
    "Severity",
    "judge",
    "problem",
    "to_station",
]

_READERS: dict[str, Callable[[str], Read[Any]]] = {
    "identity": read_identity,
    "vendor": read_text,
    "model": read_text,
    "firmware": read_text,
    "serial": read_text,
    "iccid": lambda text: read_digits(text, name="ICCID", lengths=range(18, 23)),
    "imsi": lambda text: read_digits(text, name="IMSI", lengths=range(14, 16)),
    "apn": read_text,
    "ocpp_version": read_ocpp_version,
    "security_profile": lambda text: read_whole(
        text, name="security profile", code="E-SECURITY-PROFILE", least=0, most=3
    ),
    "connection": read_text,
    "ip_address": read_ip_address,
    "site_id": read_text,
    "site_name": read_text,
    "address": read_text,
    "postcode": read_text,
    "city": read_text,
    "country": read_country,
    "latitude": lambda text: read_coordinate(text, name="latitude", limit=90),
    "longitude": lambda text: read_coordinate(text, name="longitude", limit=180),
    "timezone": read_text,  # judged against the known zones in to_station
    "connectors": lambda text: read_whole(text, name="connectors", code="E-CONNECTORS", least=0, most=100),
    "lifecycle": read_lifecycle,
    "last_seen_at": read_date,
    "notes": read_text,
    "hold": read_hold,
    "wave": lambda text: read_whole(text, name="wave", code="E-WAVE", least=0, most=1000),
}

COLUMNS = tuple(_READERS)
"""The canonical columns, in the order of the template."""

_TOTALS = frozenset({"total", "totals", "sum", "grand total", "summe", "gesamt", "totaal", "somme"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row under canonical names.

    ``dates`` are further published dates that the operator wants judged,
    ``found`` is what the reader of the file already noticed in its cells.
    """

    place: Place
    cells: Mapping[str, str]
    origins: Mapping[str, Origin] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()  # canonical columns whose cell held a number, not text
    dates: tuple[tuple[Origin, str], ...] = ()
    found: tuple[tuple[Origin, Finding, str], ...] = ()

    def origin(self, column: str) -> Origin:
        return self.origins.get(column) or Origin(column=column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All whole stations of a list, in its order, and everything that is wrong with it."""

    stations: tuple[Station, ...]
    problems: tuple[Problem, ...]


def judge(rows: Sequence[Row], *, zones: frozenset[str], twins_allowed: bool = False) -> Judgement:
    """Judge each row, then all against each other.

    Each identity yields at most one station, the first; a later one is an
    error that names both rows.  ``twins_allowed`` is the operator's word that
    identities which look alike are different stations all the same.
    """
    stations: dict[str, Station] = {}
    problems: list[Problem] = []
    for row in rows:
        station, found = to_station(row, zones)
        problems += found
        if station is not None:
            stations.setdefault(station.identity, station)
    problems += _against_each_other(rows, twins_allowed=twins_allowed)
    problems.sort(key=lambda p: (p.file, p.sheet, p.row or 0))
    return Judgement(stations=tuple(stations.values()), problems=tuple(problems))


def to_station(row: Row, zones: frozenset[str]) -> tuple[Station | None, tuple[Problem, ...]]:
    """One row as a station; with any error it is none, and all its problems are told."""
    if _is_total(row):
        finding = Finding("E-ROW-TOTAL", "This looks like a row of totals.", "Leave it out with --exclude-rows.")
        return None, (problem(row.place, finding),)
    values: dict[str, Any] = {}
    problems = [problem(row.place, finding, origin, text) for origin, finding, text in row.found]
    unreadable = {p.column for p in problems if p.is_error}
    for column in _READERS:
        text = row.cells.get(column, "")
        if (text or column == "identity") and row.origin(column).column not in unreadable:
            read = _read(row, column, text, zones)
            values[column] = read.value
            problems += (problem(row.place, f, row.origin(column), text) for f in read.findings)
    for origin, text in row.dates:
        problems += (problem(row.place, f, origin, text) for f in read_date(text, origin.order).findings)
    problems += (problem(row.place, f, row.origin(c), row.cells.get(c, "")) for c, f in _laws(values, row.numbers))
    if any(p.is_error for p in problems):
        return None, tuple(problems)
    return Station(**{column: value for column, value in values.items() if value is not None}), tuple(problems)


def _read(row: Row, column: str, text: str, zones: frozenset[str]) -> Read[Any]:
    if column == "timezone":
        return read_timezone(text, zones)
    if column == "last_seen_at":
        return read_date(text, row.origin(column).order)
    return _READERS[column](text)


def _is_total(row: Row) -> bool:
    identity = row.cells.get("identity", "").strip().casefold()
    if identity:
        return identity in _TOTALS
    return any(text.strip().casefold().rstrip(":") in _TOTALS for text in row.cells.values())


def _laws(values: dict[str, Any], numbers: frozenset[str]) -> Iterator[tuple[str, Finding]]:
    """What concerns several cells of one row.  Takes back values that the row cannot mean."""
    yield from _place_laws(values)
    if values.get("connectors") == 0:
        values["connectors"] = None
        hint = "It counts as one; mend the list if shares of a site matter."
        yield "connectors", Finding("W-CONNECTORS", "A station without connectors.", hint)
    if ":" in values.get("identity", "") and values.get("security_profile") in (1, 2):
        message = "An identity with a colon cannot be a Basic user name (RFC 7617), which its security profile needs."
        yield "identity", Finding("E-ID-COLON", message, "Rename the station, or move it to profile 3 first.")
    for column in sorted(numbers & {"identity", "firmware", "serial", "iccid", "imsi"}):
        yield column, _number_as_text(column, str(values.get(column, "")))


def _number_as_text(column: str, digits: str) -> Finding:
    """Spreadsheets keep 15 digits of a number and no zeros at its ends: firmware 1.10 becomes 1.1."""
    if len(digits) > 15:
        message = f"The {column} {digits} is stored as a number; beyond 15 digits the rest is lost."
        return Finding("E-NUMBER-ROUNDED", message, "Format the column as text and fill it anew from the source.")
    message = f"The {column} {digits} is stored as a number; zeros at its ends would be lost."
    return Finding("W-NUMBER", message, "Format the column as text.")


def _place_laws(values: dict[str, Any]) -> Iterator[tuple[str, Finding]]:
    latitude, longitude = values.get("latitude"), values.get("longitude")
    if latitude is None or longitude is None:
        return
    if latitude == 0 and longitude == 0:
        values["latitude"] = values["longitude"] = None
        hint = "It is left out; fill in the place or leave both cells blank."
        yield "latitude", Finding("W-GEO-ZERO", "Latitude and longitude 0, 0 lie in the Atlantic.", hint)
        return
    country = values.get("country", "")
    if not is_abroad(country, latitude, longitude):
        return
    if not is_abroad(country, longitude, latitude):
        message = f"{latitude}, {longitude} lies outside {country}; the other way round it would lie inside."
        yield "latitude", Finding("W-GEO-SWAPPED", message, "Exchange the two columns in the list or in the map.")
        return
    message = f"{latitude}, {longitude} lies outside {country}."
    yield "latitude", Finding("W-GEO-ABROAD", message, "Mend the coordinate or the country: crews drive there.")


def _against_each_other(rows: Sequence[Row], *, twins_allowed: bool) -> Iterator[Problem]:
    named = [row for row in rows if row.cells.get("identity", "").strip()]
    firsts: list[Row] = []
    for group in _groups(named, lambda row: row.cells["identity"]):
        firsts.append(group[0])
        for later in group[1:]:
            yield _pair(group[0], later, "E-ID-DUPLICATE", "stands in", "Keep one of the two rows.")
    code = "W-ID-LOOKALIKE" if twins_allowed else "E-ID-LOOKALIKE"
    hint = 'Correct the wrong one, or, if both are real, set twins = "allowed" under [check] in the column map.'
    for group in _groups(firsts, lambda row: skeleton(row.cells["identity"])):
        for later in group[1:]:
            yield _pair(group[0], later, code, "looks like the one of", hint)
    yield from _similar(firsts)
    for column in ("iccid", "imsi"):
        yield from _shared(firsts, column)


def _similar(rows: Sequence[Row]) -> Iterator[Problem]:
    """O and 0, I, l and 1: real fleets hold both, so it is a warning."""
    for group in _groups(rows, lambda row: glyphs(row.cells["identity"])):
        for later in group[1:]:
            if skeleton(later.cells["identity"]) != skeleton(group[0].cells["identity"]):
                hint = "Compare both with their labels."
                yield _pair(group[0], later, "W-ID-SIMILAR", "reads like the one of", hint)


def _shared(rows: Sequence[Row], column: str) -> Iterator[Problem]:
    """Two stations with one SIM: one of them cannot be told from the other when it arrives."""
    filled = [row for row in rows if row.cells.get(column, "").strip()]
    for group in _groups(filled, lambda row: row.cells[column].strip()):
        for later in group[1:]:
            message = f"The {column} {quoted(later.cells[column])} stands in {_where(group[0], later)} too."
            finding = Finding("W-SIM-SHARED", message, "See which of the two stations holds the SIM card.")
            yield problem(later.place, finding, later.origin(column), later.cells[column])


def _groups(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> Iterable[list[Row]]:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups.values()


def _pair(first: Row, later: Row, code: str, verb: str, hint: str) -> Problem:
    identity = later.cells["identity"]
    message = f"The identity {quoted(identity)} of row {later.place.row} {verb} {_where(first, later)}"
    message += f" as {quoted(first.cells['identity'])}" if first.cells["identity"] != identity else " already"
    odd = (*unusual(first.cells["identity"]), *unusual(identity))
    message += f" ({', '.join(dict.fromkeys(odd))})." if odd else "."
    return problem(later.place, Finding(code, message, hint), later.origin("identity"), identity)


def _where(first: Row, later: Row) -> str:
    elsewhere = f" of {first.place.file}" if first.place.file != later.place.file else ""
    sheet = f", sheet {first.place.sheet}" if first.place.sheet != later.place.sheet else ""
    return f"row {first.place.row}{elsewhere}{sheet}"
