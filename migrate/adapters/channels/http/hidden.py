"""What a reply says, as far as it may be printed: short, in one line, and without anything that was sent in confidence."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

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
    if any(spelling in whole for secret in secrets for spelling in _spellings(secret)):
        return ""
    if "<" in text:
        return ""  # a page for people, not a word of an interface
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _spellings(secret: str) -> set[str]:
    raw = secret.encode(errors="replace")
    encoded = b64encode(raw).decode()
    forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], raw.hex(), encoded, encoded.rstrip("=")}
    return {form.casefold() for form in forms if form}
