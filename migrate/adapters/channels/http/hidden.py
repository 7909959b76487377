"""What a reply says, as far as it may be printed: short, in one line, and without anything that was sent in confidence."""

from __future__ import annotations

from collections.abc import Iterable

from migrate.domain.secrecy import spellings

_LONGEST = 120


def words_of(body: bytes, secrets: Iterable[str]) -> str:
    """The beginning of a reply, or nothing where it echoes a secret in any of the usual spellings.

    >>> words_of(b"a transaction is running", ["hunter2"])
    'a transaction is running'
    >>> words_of(b"bad password aHVudGVyMg==", ["hunter2"])
    ''
    """
    text = body[: 4 * _LONGEST].decode(errors="replace")
    whole = body.decode(errors="replace").casefold()
    if any(spelling.casefold() in whole for secret in filter(None, secrets) for spelling in spellings(secret)):
        return ""
    if "<" in text:
        return ""  # a page for people, not a word of an interface
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
