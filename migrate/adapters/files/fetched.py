"""What stations have fetched: who, which file, how far, and how it ended.

A station may ask for one file in a hundred small ranges, or begin anew after
every broken line; it is one story, told when it begins, when its last byte has
been given out, when no byte has moved for a while, and when it came to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrate.adapters.files.store import FirmwareFile

STALL_S = 60.0
"""Without a byte for this long a transfer stands still (real seconds)."""


class How(StrEnum):
    """What became of it."""

    BEGUN = "begun"
    WHOLE = "whole"  # the last byte was given out
    STALLED = "stalled"  # the line is open, and nothing moves on it
    BROKEN = "broken"  # the line is gone, and the station has not come back for the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One thing to tell of one station's file."""

    identity: str
    file: str
    version: str
    how: How
    loaded_bytes: int
    size_bytes: int


@dataclass(slots=True)
class _Story:
    file: FirmwareFile
    at: float
    reached: int = 0
    lines: int = 0
    is_stalled: bool = False


class Fetched:
    """The stories under way.  ``tell`` takes a word at once and never waits."""

    def __init__(self, tell: Callable[[Word], None], now: Callable[[], float]) -> None:
        self._tell, self._now = tell, now
        self._stories: dict[tuple[str, str], _Story] = {}
        self.given_bytes = 0
        self.whole = 0
        self.broken = 0

    def opened(self, identity: str, file: FirmwareFile) -> None:
        story = self._stories.get((identity, file.name))
        if story is None:
            story = self._stories[identity, file.name] = _Story(file, self._now())
            self._say(How.BEGUN, identity, story)
        story.lines += 1

    def gave(self, identity: str, file: FirmwareFile, reached: int, count: int) -> None:
        """Bytes up to ``reached`` have left."""
        self.given_bytes += count
        if story := self._stories.get((identity, file.name)):
            was, story.reached = story.reached, max(story.reached, reached)
            story.at, story.is_stalled = self._now(), False
            if story.reached == file.size != was:
                self.whole += 1
                self._say(How.WHOLE, identity, story)

    def closed(self, identity: str, file: FirmwareFile) -> None:
        story = self._stories.get((identity, file.name))
        if story is None:
            return
        story.lines -= 1
        if not story.lines and story.reached == file.size:
            del self._stories[identity, file.name]

    def look(self) -> None:
        """Notice what stands still; to be called now and then."""
        late = self._now() - STALL_S
        for (identity, name), story in list(self._stories.items()):
            if story.at > late or story.is_stalled:
                continue
            if story.lines and story.reached < story.file.size:
                story.is_stalled = True
                self._say(How.STALLED, identity, story)
            elif not story.lines:
                self.broken += 1
                self._say(How.BROKEN, identity, story)
                del self._stories[identity, name]

    def _say(self, how: How, identity: str, story: _Story) -> None:
        entry = story.file.entry
        self._tell(
            Word(
                identity=identity,
                file=entry.file,
                version=entry.version,
                how=how,
                loaded_bytes=story.reached,
                size_bytes=story.file.size,
            )
        )

    def stats(self) -> dict[str, Any]:
        return {
            "given_bytes": self.given_bytes,
            "whole": self.whole,
            "broken": self.broken,
            "under_way": len(self._stories),
        }
