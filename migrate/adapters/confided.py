"""What was told to this process in confidence, so that whoever prints knows what to leave out.

Our own sentences hold no secret.  A library that breaks with one in its hands
may say it in its error, and that error ends in the log or on a screen: these
two ask here.  It keeps secrets in memory only, and hands none out.
"""

from __future__ import annotations

from migrate.domain.secrecy import MASK, spellings

_SHORTEST = 4
"""A shorter one would be found in half of all words; no maker takes one."""

_LINE = 20  # of a private key in PEM: its framing is no secret, and what is shorter is hardly of use

_confided: dict[str, tuple[str, ...]] = {}


def confide(secret: str | bytes) -> None:
    """Never print this from now on.  Of several lines, as a private key has them, each is kept as well."""
    text = secret.decode(errors="replace") if isinstance(secret, bytes) else secret
    lines = [line for line in text.splitlines() if len(line) >= _LINE and not line.startswith("-----")]
    for part in (text.strip(), *(lines if len(lines) > 1 else ())):
        if len(part) >= _SHORTEST:
            _confided.setdefault(part, ())


def unconfided(text: str) -> str:
    """A text without anything that was told in confidence, in whatever spelling."""
    for secret in sorted(_confided, key=len, reverse=True):
        for spelt in _spelt(secret):
            if spelt in text:
                text = text.replace(spelt, MASK)
    return text


def _spelt(secret: str) -> tuple[str, ...]:
    """Worked out when somebody prints: a fleet has a secret for each station, and most processes print nothing."""
    if not (spelt := _confided[secret]):
        spelt = _confided[secret] = tuple(spellings(secret))
    return spelt
