"""What an identity may be made of, and which two would be taken for one.

The identity is the last segment of the URL that a station dials: exact and
case-sensitive.  People copy it by hand from labels and portals, so two of them
that look alike are far more often one station twice than two stations.  This
module shows what the eye cannot see; it never repairs an identity.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from migrate.domain.finding import Finding, Read, looks_like_formula, quoted, show

LONGEST = 48
"""CiString48 of OCPP 2.0.1 for the station's identity, which is the wider of the two dialects."""

USUAL = 20
"""OCPP 1.6 backends often store CiString20: longer identities get cut there."""

ENCODED = "/?#%"
"""Legal in an identity, but only percent-encoded in its URL (RFC 3986), and not every station encodes them."""

_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеіјорсухѕԁһ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορτυχ",
    "ABESIJKMHOPCTYXaeijopcyxsdh" + "ABEZHIKMNOPTYXaikvoptux",
)
"""Cyrillic and Greek letters that look like Latin ones (Unicode UTS 39, confusables, the part seen on labels)."""

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
"""What word processors make of a hyphen."""


_QUOTES = "'\"`"
"""What a spreadsheet or an export puts around a text, and no label shows."""


def unusual(identity: str) -> tuple[str, ...]:
    """Every character outside printable ASCII, every blank and every quote, with its place, counted from 1.

    >>> unusual("AC\\u00a01")
    ('U+00A0 NO-BREAK SPACE at 3',)
    """
    return tuple(
        f"{show(c)} at {place}" for place, c in enumerate(identity, start=1) if not "!" <= c <= "~" or c in _QUOTES
    )


def borrowed(identity: str) -> str:
    """How an identity reads that holds letters of another script among Latin ones; empty when it does not.

    >>> borrowed("А" + "C22"), borrowed("СР1"), borrowed("Müller-1")
    ('AC22', '', '')
    """
    if identity.isascii() or not any(c.isascii() and c.isalpha() for c in identity):
        return ""
    reads = identity.translate(_LOOKALIKES)
    return reads if reads != identity else ""


def is_invisible(character: str) -> bool:
    """A character that prints as nothing or as a blank, the plain space excepted."""
    return character != " " and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp")


def skeleton(identity: str) -> str:
    """Two identities with the same skeleton look the same to a person.

    Case, blanks, invisible characters, composition, width, dashes, digits of
    other scripts and borrowed letters are put aside.

    >>> skeleton("СР1") == skeleton("cp1")
    True
    """
    if identity.isascii() and identity.isprintable():
        return identity.replace(" ", "").casefold()
    visible = (c for c in unicodedata.normalize("NFKC", identity) if c != " " and not is_invisible(c))
    return "".join(map(_digit, visible)).translate(_DASHES).translate(_LOOKALIKES).casefold()


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def glyphs(identity: str) -> str:
    """The skeleton with O as 0, and I and L as 1: what a label under rain shows."""
    return glyphs_of(skeleton(identity))


def glyphs_of(shape: str) -> str:
    """A skeleton's glyphs."""
    return shape.replace("o", "0").replace("i", "1").replace("l", "1")


_STAND_INS = "none|null|nil|nan|unknown|unbekannt|onbekend|inconnu|desconocido|sconosciuto|tbd|tba|todo|n/a|k/a"
_STANDS_FOR_NONE = re.compile(rf"(?i:{_STAND_INS})|[\W_]+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")

PLAIN_IDENTITY = re.compile(
    rf"(?![0-9]+[eE][0-9]+\Z|(?i:{_STAND_INS})\Z)[A-Za-z0-9][A-Za-z0-9_.*\-]{{0,19}}",
)
"""What nearly every identity looks like; nothing is wrong with one of these."""

_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+")
_EXPONENT = re.compile(r"\d{1,15}[eE]\d{1,2}")
_RETYPE = "Correct it in the source list to exactly what the station dials, or leave the row out with --exclude-rows."


def read_identity(text: str) -> Read[str]:
    """An identity as it stands, never trimmed or repaired, and every law that it breaks."""
    if not text.strip():
        return Read("", (Finding("E-ID-MISSING", "The identity is blank.", "Fill it in, or leave the row out."),))
    if PLAIN_IDENTITY.fullmatch(text):
        return Read(text)  # nearly all of them
    if text not in (".", "..") and _STANDS_FOR_NONE.fullmatch(text.strip()):
        message = f"The identity {quoted(text)} stands for one that nobody knew."
        return Read("", (Finding("E-ID-MISSING", message, "Fill it in, or leave the row out."),))
    return Read(text, tuple(_breaches(text)))


def read_target_identity(text: str) -> Read[str]:
    """What a station is called on the target: under the same laws as its identity, and blank where that stays."""
    if not text.strip():
        return Read("")
    read = read_identity(text)
    findings = (replace(f, message=f.message.replace("The identity", "The target identity", 1)) for f in read.findings)
    return Read(read.value, tuple(findings))


def _breaches(text: str) -> Iterator[Finding]:
    yield from _invisible(text)
    yield from _too_long(text)
    if text in (".", ".."):
        yield Finding("E-ID-CHARACTER", f"The identity {quoted(text)} is a step in a path, not a name.", _RETYPE)
    if _ADDRESS.match(text):
        message = f"The identity {quoted(text)} is an address, not a name."
        yield Finding("E-ID-CHARACTER", message, "The identity is what stands behind its last slash.")
    if _ROUNDED.fullmatch(text):
        yield Finding(
            "E-ID-ROUNDED", f"{quoted(text)} is a rounded number, the identity is gone.", "Export the column as text."
        )
    if _EXPONENT.fullmatch(text):
        message = f"The identity {quoted(text)} is a number to a spreadsheet: saved once from there, it is {float(text):.15g}."
        yield Finding("W-ID-EXPONENT", message, "Keep the column formatted as text, and compare with the station.")
    if looks_like_formula(text):
        message = f"The identity {quoted(text)} begins as a formula does; it is taken as text."
        yield Finding("W-TEXT-FORMULA", message, "Compare it with what the station dials; it was never computed.")
    if needs := sorted(set(text) & set(ENCODED)):
        hint = (
            f"In its URL it reads {quoted(quote(text, safe=''))}. See that both CSMSes know it so, or rename it first."
        )
        yield Finding("W-ID-ENCODED", f"The identity {quoted(text)} holds {' '.join(needs)}.", hint)
    if ":" in text:
        hint = "With security profile 1 or 2 it is a Basic user name, which may not hold a colon (RFC 7617)."
        yield Finding("W-ID-COLON", f"The identity {quoted(text)} holds a colon.", hint)


def _invisible(text: str) -> Iterator[Finding]:
    named = ", ".join(unusual(text))
    if text != text.strip() or any(is_invisible(c) for c in text):
        message = f"The identity {quoted(text)} holds characters that nobody sees: {named}."
        yield Finding("E-ID-CHARACTER", message, _RETYPE)
    elif text != unicodedata.normalize("NFC", text):
        message = f"The identity {quoted(text)} has letters put together from parts (not NFC): {named}."
        yield Finding("E-ID-CHARACTER", message, _RETYPE)
    elif named:
        hint = "Compare it with what the station dials, character by character."
        yield Finding("W-ID-UNUSUAL", f"The identity {quoted(text)} holds unusual characters: {named}.", hint)


def _too_long(text: str) -> Iterator[Finding]:
    if len(text) > LONGEST:
        message = f"The identity {quoted(text)} has {len(text)} characters, the limit is {LONGEST}."
        yield Finding("E-ID-LONG", message, _RETYPE)
    elif len(text) > USUAL:
        message = f"The identity {quoted(text)} has {len(text)} characters, more than {USUAL}."
        yield Finding("W-ID-LONG", message, "Some OCPP 1.6 backends cut there; see that the target keeps all of it.")
