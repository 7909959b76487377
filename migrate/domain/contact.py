"""Whom a crew calls before it drives.

A wrong number costs a visit, not a station: what is doubtful here warns and is
kept as it was typed, because a person may still read it right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from migrate.domain.cell import is_rounded, read_text
from migrate.domain.finding import Finding, Read, quoted

_MAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@[\w\-]+(?:\.[\w\-]+)*\.[^\W\d_]{2,63}")


def read_email(text: str) -> Read[str]:
    """One address.  Lists and names with an address in angle brackets are kept and warned about."""
    read = read_text(text)
    if not read.value or (len(read.value) <= 254 and _MAIL.fullmatch(read.value) and ".." not in read.value):
        return read
    hint = "Write one address such as site@example.org. It is kept as it stands."
    return replace(read, findings=(Finding("W-EMAIL", f"{quoted(text)} is no e-mail address.", hint),))


def read_phone(text: str) -> Read[str]:
    """A number as it was typed; a plus or a bracket at its beginning makes no formula of it."""
    read = read_text(text)
    return replace(read, findings=tuple(f for f in read.findings if f.code != "W-TEXT-FORMULA"))


def judged_phone(phone: str, country: str, complaint: Callable[[str, str], str]) -> tuple[Finding, ...]:
    """A number as the country of its row dials it; ``complaint`` knows the telephone plans."""
    if is_rounded(phone):
        message = f"{quoted(phone)} is a rounded number: a spreadsheet has cut off its last digits."
        return (Finding("W-PHONE", message, "Format the column as text and fill it anew from the source."),)
    if not (why := complaint(phone, country)):
        return ()
    hint = "Write it with its country code, for example +31 20 555 0100. It is kept as it stands."
    return (Finding("W-PHONE", f"{quoted(phone)} is no phone number: {why}.", hint),)
