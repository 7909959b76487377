"""What a probe asks a station for: everything that it lists, then by name whatever was not among it.

In OCPP 1.6 that is GetConfiguration, in OCPP 2 a report of the device model
and GetVariables.  It changes nothing, and no answer of a station ends it:
what was refused or not answered is part of what was heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from batches.deeds import Deeds
from migrate.domain.answered import BASES, Entry, Reported, Taken, Told
from migrate.domain.counted import counted
from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.probe import MAX_KEYS, MAX_VARIABLES, page_size

CAREFUL_PAGE = 10  # keys at a time, for a station that does not say how many it takes
MOST_QUESTIONS = 500
ANOTHER_BASE = frozenset({"NotSupported", "Rejected"})
"""A report of this base is refused, and one of less may not be; a station that knows no such call at all says it otherwise."""


class Inquiry(Protocol):
    """Questions to stations of one side; each raises ``Refused`` or ``Unreachable``."""

    async def tell(self, identity: str, keys: Sequence[str]) -> Told: ...
    async def variables(self, identity: str, keys: Sequence[str]) -> Told: ...
    async def report(self, identity: str, base: str) -> Reported: ...
    async def trigger(self, identity: str, message: str) -> str: ...
    async def restart(self, identity: str) -> None: ...
    async def cut(self, identity: str) -> None: ...


@dataclass(slots=True)
class Listing:
    """What has been heard of keys so far."""

    entries: dict[str, Entry] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    all_at_once: Taken = Taken.NOT_ASKED
    report: Reported | None = None  # OCPP 2
    kept_to: int | None = None
    questions: int = 0

    def heard(self, told: Told) -> None:
        """What may be written stays known where a later answer says nothing of it."""
        for entry in told.entries:
            before = self.entries.get(entry.key.casefold(), entry)
            told_of = before.readonly if entry.readonly is None else entry.readonly
            self.entries[entry.key.casefold()] = replace(entry, readonly=told_of)
        self.unknown |= {key.casefold(): key for key in told.unknown}

    def knows(self, key: str) -> bool:
        return key.casefold() in self.entries or key.casefold() in self.unknown


class Questions:
    """The questions to one station."""

    def __init__(self, identity: str, inquiry: Inquiry, deeds: Deeds) -> None:
        self._identity, self._inquiry, self._deeds = identity, inquiry, deeds

    async def asked(self, protocol: str, names: Sequence[str]) -> Listing:
        """What the station lists in its version of OCPP, and what it says of these names."""
        listing = Listing()
        if protocol.startswith("ocpp2"):
            await self._read_reports(listing)
            action, reading = "GetVariables", self._read_variables
        else:
            action, reading = "GetConfiguration", self._read_keys
        await self._deeds.announce({"action": action, "keys": "all"})
        await reading(listing, names)
        said = f"{counted(len(listing.entries), 'key')} shown, {len(listing.unknown)} unknown"
        await self._deeds.note({"action": action, "status": listing.all_at_once.value, "text": said})
        return listing

    # ── OCPP 2 ─────────────────────────────────────────────────────────────

    async def _read_reports(self, listing: Listing) -> None:
        """The fullest report that it gives; none of less where it agreed to one and kept it to itself."""
        for base in BASES:
            data = {"action": "GetBaseReport", "base": base}
            await self._deeds.announce(data)
            listing.report = report = await self._report(base)
            said = f"{counted(len(report.entries), 'variable')} in {counted(report.parts, 'part')}"
            await self._deeds.note({**data, "status": report.status or report.taken.value, "text": said})
            if report.status not in ANOTHER_BASE:
                break
        listing.all_at_once = report.taken
        listing.heard(Told(entries=report.entries))

    async def _report(self, base: str) -> Reported:
        try:
            return await self._inquiry.report(self._identity, base)
        except Unreachable as error:
            if not error.sent:
                raise
            return Reported(base=base, taken=Taken.UNANSWERED)
        except (Refused, Mismatch) as error:
            return Reported(base=base, taken=Taken.REFUSED, status=f"CALLERROR {getattr(error, 'status', '')}".strip())

    async def _read_variables(self, listing: Listing, names: Sequence[str]) -> None:
        """By name what no report held: some builds have variables that they do not report.

        How many it takes at a time is asked in any case: that answer is counted for its kind.
        """
        waiting = [MAX_VARIABLES, *(name for name in names if name != MAX_VARIABLES and not listing.knows(name))]
        listing.heard(await self._inquiry.variables(self._identity, waiting))

    # ── OCPP 1.6 ───────────────────────────────────────────────────────────

    async def _read_keys(self, listing: Listing, names: Sequence[str]) -> None:
        """First how many it takes, then all it lists, then by name whatever was not among them."""
        taken, _ = await self._ask(listing, (MAX_KEYS,))
        if taken is Taken.UNANSWERED:
            return  # it answers nothing of the kind; asking on would only make it wait
        listing.all_at_once, _ = await self._ask(listing, ())
        size = page_size(tuple(listing.entries.values())) or CAREFUL_PAGE
        waiting = [name for name in names if not listing.knows(name)]
        while waiting and listing.questions < MOST_QUESTIONS:
            page = tuple(waiting[:size])
            taken, answer = await self._ask(listing, page)
            if taken is Taken.UNANSWERED:
                return
            if taken is Taken.REFUSED or answer.silent:
                size = self._smaller(listing, page, answer)
            waiting = [name for name in waiting if not listing.knows(name)]

    @staticmethod
    def _smaller(listing: Listing, page: Sequence[str], answer: Told) -> int:
        """What it left out of a page is asked for again in smaller ones; alone, silence means that it has no such key."""
        if len(page) == 1:
            listing.heard(Told(unknown=tuple(page)))
            return 1
        kept = len(page) - len(answer.silent)
        listing.kept_to = min(listing.kept_to or len(page), max(1, kept)) if answer.entries else listing.kept_to
        return max(1, kept if answer.entries or answer.unknown else len(page) // 2)

    async def _ask(self, listing: Listing, keys: Sequence[str]) -> tuple[Taken, Told]:
        listing.questions += 1
        try:
            told = await self._inquiry.tell(self._identity, keys)
        except Unreachable as error:
            if not error.sent:
                raise
            return Taken.UNANSWERED, Told(silent=tuple(keys))
        except (Refused, Mismatch):
            return Taken.REFUSED, Told(silent=tuple(keys))
        listing.heard(told)
        return Taken.ANSWERED, told
