"""Firmware versions as the field writes them, and ranges of them.

Which key moves a station can change from one firmware to the next, so a
version is compared as people mean it or not at all: a string that cannot be
read as one version is unknown, never guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARTS = re.compile(r"\d{1,18}|[a-z]+", re.IGNORECASE | re.ASCII)
_READABLE = re.compile(
    r"[vV]?\d{1,18}[a-z]*(?:[._](?!x(?:[._]|$))[0-9a-z]+)*(?:[-+~ ][^/|:;,*]*)?", re.IGNORECASE | re.ASCII
)
_BEFORE_RELEASE = frozenset({"alpha", "beta", "dev", "pre", "preview", "rc", "snapshot"})


def is_readable_version(text: str) -> bool:
    """Whether a firmware string is one version, written so that it can be compared.

    Many are not: ABB reports a board before its version, Autel five versions
    between bars, Legrand two.  Such a string is *unknown*, not "the first
    number in it".

    >>> is_readable_version("5.8.1-4123"), is_readable_version("TAC3Z9119006710273::V1.8.21")
    (True, False)
    """
    return len(text) <= 100 and text.isprintable() and _READABLE.fullmatch(text.strip()) is not None


def version_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A firmware version as something that compares as people mean it: 5.9 before 5.10.

    Numbers compare as numbers and a missing one is zero.  ``rc1``, ``beta``
    and their like come before the release they lead to, any other letters
    after it, where makers put variants and commit hashes.

    >>> version_key("6.0-rc1") < version_key("6.0.0") == version_key("v6") < version_key("6.0-4166")
    True
    """
    key: list[tuple[int, int, str]] = []
    for part in _PARTS.findall(text.strip().removeprefix("v").removeprefix("V")):
        word = part.lower()
        if word in _BEFORE_RELEASE:
            _drop_zeros(key)  # 6.0-rc1 leads to 6, which is 6.0.0
            key.append((0, 0, word))
        else:
            key.append((1, int(part), "") if part.isdigit() else (1, 0, word))
    _drop_zeros(key)
    return (*key, (1, 0, ""))


def _drop_zeros(key: list[tuple[int, int, str]]) -> None:
    while key and key[-1] == (1, 0, ""):
        key.pop()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareRange:
    """A half-open range of firmware versions: ``at_least`` is in, ``below`` is out; empty means open.

    >>> FirmwareRange(at_least="6.0").holds("6.0.0-4166")
    True
    >>> FirmwareRange(below="6.0").holds("5.10.1")
    True
    """

    at_least: str = ""
    below: str = ""

    @property
    def is_open(self) -> bool:
        return not self.at_least and not self.below

    def holds(self, firmware: str) -> bool:
        """An unknown or unreadable firmware is in an open range only: unknown is never guessed."""
        if not is_readable_version(firmware):
            return self.is_open
        key = version_key(firmware)
        return (not self.at_least or key >= version_key(self.at_least)) and (
            not self.below or key < version_key(self.below)
        )

    def __str__(self) -> str:
        bounds = [f">={self.at_least}" if self.at_least else "", f"<{self.below}" if self.below else ""]
        return " ".join(b for b in bounds if b) or "any"
