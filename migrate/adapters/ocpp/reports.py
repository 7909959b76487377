"""Reports of a station's device model that we asked for (OCPP 2.0.1 and 2.1, B07).

GetBaseReport is answered at once, and its content comes afterwards in calls of
the station to its CSMS, which never asked for any.  This module knows those
parts by the number that they carry, keeps them and says when they are all
there.  It sends nothing; what no question of ours brought is left to pass.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from typing import Any

from migrate.adapters.ocpp.messages import Call, parse

NOTIFY = "NotifyReport"
MAX_PARTS = 600
MAX_ENTRIES = 5_000
MAX_BYTES = 1 << 20  # of all parts together
MAX_STATIONS = 1_000  # whose late parts are still known for ours
_NUMBER = re.compile(rb'"requestId"\s*:\s*([0-9]{1,10})\s*[,}]')


class Report:
    """The parts of one report, in whatever order they come and however often."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._parts: dict[int, list[Any]] = {}
        self._last: int | None = None
        self._bytes = self._count = 0
        self._is_beyond = False  # it counts its parts further than anybody reads
        self._is_closed = False
        self._news = asyncio.Event()

    @property
    def missing(self) -> list[int]:
        """Parts that others behind them prove; nobody knows how many follow one that is to be continued."""
        newest = max(self._parts, default=-1)
        return [at for at in range(max(newest, self._last or 0) + 1) if at not in self._parts] if self._parts else []

    @property
    def is_whole(self) -> bool:
        return self._last is not None and not self.missing

    @property
    def is_too_much(self) -> bool:
        return self._is_beyond or self._bytes > MAX_BYTES or self._count > MAX_ENTRIES

    @property
    def _entries(self) -> list[Any]:
        return [entry for _, part in sorted(self._parts.items()) for entry in part]

    def take(self, text: bytes) -> None:
        """One part; a second copy of it, and what comes after nobody waits any more, change nothing."""
        message = parse(text)
        if self._is_closed or not isinstance(message, Call):
            return
        at, listed = message.payload.get("seqNo"), message.payload.get("reportData")
        if not isinstance(at, int) or isinstance(at, bool) or at < 0 or at in self._parts:
            return
        self._news.set()
        self._is_beyond = self._is_beyond or at >= MAX_PARTS
        if self.is_too_much:
            return
        self._parts[at] = listed if isinstance(listed, list) else []
        self._bytes += len(text)
        self._count += len(self._parts[at])
        if message.payload.get("tbc") is not True:
            self._last = max(at, self._last or 0)

    async def collected(self, *, quiet_s: float, within_s: float) -> Mapping[str, Any]:
        """What came: until all of it was there, nothing more came for a while, or it was more than anybody reads."""
        try:
            async with asyncio.timeout(within_s):
                while not (self.is_whole or self.is_too_much):
                    self._news.clear()
                    async with asyncio.timeout(quiet_s):
                        await self._news.wait()
        except TimeoutError:
            pass  # what came until then is the answer
        told = {"parts": len(self._parts), "missing": self.missing, "whole": self.is_whole, "more": self.is_too_much}
        return {**told, "entries": self._entries[:MAX_ENTRIES]}

    def close(self) -> None:
        """Nobody waits any more: late parts are still ours, and are not kept."""
        self._is_closed = True
        self._parts.clear()


class Reports:
    """The reports that were asked for through one relay, by station."""

    def __init__(self) -> None:
        self._asked: dict[str, dict[int, Report]] = {}

    def open(self, identity: str) -> Report:
        """A report under a number that no CSMS counts up to by chance."""
        report = Report(secrets.randbelow(1 << 30) + (1 << 30))
        self._asked.setdefault(identity, {})[report.number] = report
        if len(self._asked) > MAX_STATIONS:
            del self._asked[next(iter(self._asked))]
        return report

    def expects(self, identity: str) -> bool:
        return identity in self._asked

    def of(self, identity: str, text: bytes) -> Report | None:
        """The report that a message is a part of, as far as it has come; nothing for what is not ours."""
        asked = self._asked.get(identity)
        if not asked:
            return None
        numbers = map(int, _NUMBER.findall(text))
        return next((asked[number] for number in numbers if number in asked), None)
