"""What concerns several cells of one row: places, clocks, contacts, kinds, pins.

Each law sees the values that a row's cells gave, says what is wrong between
them under the column where a person would mend it, and takes back a value that
the row cannot mean.  A law is asked once for each distinct set of values, so a
hundred thousand rows that repeat themselves cost little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from migrate.domain.contact import judged_phone
from migrate.domain.country import is_abroad
from migrate.domain.finding import Finding, quoted
from migrate.domain.references import LocalTime, References
from migrate.domain.station import Lifecycle

NUMBERS_MATTER = frozenset({"identity", "target_identity", "firmware", "serial", "iccid", "imsi"})
"""Columns that a spreadsheet spoils by keeping what was typed as a number or a date."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a law says of one row: findings with the column where each belongs, and values to put in place of those read."""

    findings: tuple[tuple[str, Finding], ...] = ()
    replaced: Mapping[str, Any] = field(default_factory=dict)


SOUND = Ruling()


@dataclass(frozen=True, slots=True)
class Law:
    """``read`` gets the values of ``columns`` in their order, ``None`` for a blank or absent one.

    It is asked only of rows that have a value in each of the columns ``needs``,
    and only in lists that have all of them and at least one of ``columns``.
    """

    columns: tuple[str, ...]
    needs: tuple[str, ...]
    read: Callable[..., Ruling]


def laws(references: References) -> tuple[Law, ...]:
    """All of them, in the order in which their findings are told."""
    return (
        Law(("latitude", "longitude", "country"), (), _place),
        Law(("connectors",), ("connectors",), _connectors),
        Law(("identity", "security_profile"), ("identity", "security_profile"), _basic_user),
        Law(("target_identity", "security_profile"), ("target_identity", "security_profile"), _basic_user_there),
        Law(("last_seen_at", "timezone"), ("last_seen_at", "timezone"), partial(_clock, references)),
        Law(("contact_phone", "country"), ("contact_phone",), partial(_phone, references)),
        Law(("vendor", "model"), ("vendor",), partial(_kind, references)),
        Law(("wave", "lifecycle", "hold"), ("wave",), _pin),
    )


def number_as_text(column: str, digits: str) -> Finding:
    """Spreadsheets keep 15 digits of a number and no zeros at its ends: firmware 1.10 becomes 1.1."""
    if len(digits) > 15:
        message = f"The {column} {digits} is stored as a number; beyond 15 digits the rest is lost."
        return Finding("E-NUMBER-ROUNDED", message, "Format the column as text and fill it anew from the source.")
    message = f"The {column} {digits} is stored as a number; zeros at its ends would be lost."
    return Finding("W-NUMBER", message, "Format the column as text.")


def date_as_text(column: str, text: str) -> Finding:
    """Spreadsheets take 3.4.26 and 1-2 for dates and keep nothing of what was typed: no reader can tell it."""
    message = f"The {column} is stored as a date or time, {text}: what was typed is gone."
    return Finding("E-CELL-DATE", message, "Format the column as text and fill it anew from the source.")


def _ruled(column: str, code: str, message: str, hint: str, **replaced: Any) -> Ruling:
    return Ruling(((column, Finding(code, message, hint)),), replaced)


def _place(latitude: float | None, longitude: float | None, country: str | None) -> Ruling:
    if latitude is None or longitude is None:
        if latitude is longitude:
            return SOUND
        given, missing = ("longitude", "latitude") if latitude is None else ("latitude", "longitude")
        return _ruled(given, "W-GEO-HALF", f"A {given} without a {missing}.", "Crews need both, or neither.")
    if latitude == 0 and longitude == 0:
        hint = "It is left out; fill in the place or leave both cells blank."
        message = "Latitude and longitude 0, 0 lie in the Atlantic."
        return _ruled("latitude", "W-GEO-ZERO", message, hint, latitude=None, longitude=None)
    if not is_abroad(country or "", latitude, longitude):
        return SOUND
    if not is_abroad(country or "", longitude, latitude):
        message = f"{latitude}, {longitude} lies outside {country}; the other way round it would lie inside."
        return _ruled("latitude", "W-GEO-SWAPPED", message, "Exchange the two columns in the list or in the map.")
    message = f"{latitude}, {longitude} lies outside {country}."
    return _ruled("latitude", "W-GEO-ABROAD", message, "Mend the coordinate or the country: crews drive there.")


def _connectors(count: int) -> Ruling:
    if count:
        return SOUND
    hint = "It counts as one; mend the list if shares of a site matter."
    return _ruled("connectors", "W-CONNECTORS", "A station without connectors.", hint, connectors=None)


def _basic_user(identity: str, security_profile: int) -> Ruling:
    if ":" not in identity or security_profile not in (1, 2):
        return SOUND
    message = "An identity with a colon cannot be a Basic user name (RFC 7617), which its security profile needs."
    return _ruled("identity", "E-ID-COLON", message, "Rename the station, or move it to profile 3 first.")


def _basic_user_there(target_identity: str, security_profile: int) -> Ruling:
    if ":" not in target_identity or security_profile not in (1, 2):
        return SOUND
    message = "A target identity with a colon cannot be a Basic user name (RFC 7617), which its security profile needs."
    return _ruled("target_identity", "E-ID-COLON", message, "Choose another name for it on the target.")


def _clock(references: References, text: str, zone: str) -> Ruling:
    """A time without an offset, in a zone that puts its clocks forward or back over it, is no moment."""
    if "T" not in text or text.endswith("Z"):
        return SOUND
    hint = "Write the time in UTC, with Z at its end, or leave the column out of the map."
    match references.local_time(datetime.fromisoformat(text), zone):
        case LocalTime.MISSING:
            message = f"{text} does not exist in {zone}: the clocks were put forward over it."
            return _ruled("last_seen_at", "E-TIME-MISSING", message, hint)
        case LocalTime.TWICE:
            message = f"{text} comes twice in {zone}: the clocks were put back over it."
            return _ruled("last_seen_at", "E-TIME-TWICE", message, hint)
    return SOUND


def _phone(references: References, phone: str, country: str | None) -> Ruling:
    findings = judged_phone(phone, country or "", references.phone)
    return Ruling(tuple(("contact_phone", finding) for finding in findings)) if findings else SOUND


def _kind(references: References, vendor: str, model: str | None) -> Ruling:
    near = references.near(vendor, model or "")
    if near is None:
        return SOUND
    said = vendor if near.column == "vendor" else model or ""
    message = f"No profile knows the {near.column} {quoted(said)}; {quoted(near.name)} is close ({near.score} of 100)."
    hint = "Correct the list if that is meant; nothing is taken for it. `migrate profiles match` says what fits."
    return _ruled(near.column, "W-KIND-NEAR", message, hint)


def _pin(wave: int, lifecycle: Lifecycle | None, hold: str | None) -> Ruling:
    """A station that is pinned to a wave and will not be in it: one of the two cells is a mistake."""
    if lifecycle is not None and not lifecycle.is_plannable:
        why = f"is {lifecycle.value}"
    elif hold:
        why = "is on hold"
    else:
        return SOUND
    message = f"The station is pinned to wave {wave} and {why}: no wave takes it."
    return _ruled("wave", "W-WAVE-UNUSED", message, "Correct one of the two.")
