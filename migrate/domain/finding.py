"""What is wrong with a piece of input, before anybody knows where it stood.

A finding says what was found and the way out; a :class:`~migrate.domain.inventory.Problem`
adds the place.  Words for people are made here, so that a hostile string from
a spreadsheet never reaches a terminal raw.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Severity(StrEnum):
    """An error keeps everything from being written; a warning is for a person to look at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a cell, and the way out.  Codes begin with E (error) or W (warning)."""

    code: str
    message: str
    hint: str

    @property
    def severity(self) -> Severity:
        return Severity.ERROR if self.code.startswith("E-") else Severity.WARNING


@dataclass(frozen=True, slots=True)
class Read(Generic[T_co]):
    """A cell's value with what was found on the way."""

    value: T_co
    findings: tuple[Finding, ...] = ()


def quoted(text: str, longest: int = 60) -> str:
    """A foreign string as a sentence may carry it: shortened, control and invisible characters escaped."""
    return repr(text if len(text) <= longest else text[: longest - 1] + "…")


def show(character: str) -> str:
    """A character as a person can look it up: ``U+00A0 NO-BREAK SPACE``."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'control character')}"


_FORMULA = re.compile(r"[=@]|[+\-]\S*[(!|]")


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet that opened this text would compute it, and it is more than a signed number or a phone.

    >>> looks_like_formula("=HYPERLINK(1)"), looks_like_formula("+31 20 5550100"), looks_like_formula("-1+cmd|' /C calc'!A0")
    (True, False, True)
    """
    return text[:1] in ("=", "@", "+", "-") and _FORMULA.match(text) is not None


def nearest(word: str, words: Collection[str]) -> str:
    """``Did you mean …? `` with the word that is closest, or nothing when none is close."""
    found = _nearest(word[:80].casefold(), tuple(sorted(words)))
    return f"Did you mean {found}? " if found else ""


@lru_cache(maxsize=1024)  # ten thousand rows often repeat one mistake
def _nearest(word: str, words: tuple[str, ...]) -> str:
    by_folded = {known.casefold(): known for known in words}
    close = get_close_matches(word, list(by_folded), n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""
