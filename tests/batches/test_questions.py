"""What a station of OCPP 2 is asked for: its fullest report, and by name only what no report held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from batches.deeds import Deeds
from batches.questions import Listing, Questions
from migrate.domain.answered import BASES, Entry, Reported, Taken, Told
from migrate.domain.errors import MigrateError, Refused, Unreachable
from migrate.domain.record import EventKind
from tests.doubles.clock import VirtualClock
from tests.doubles.journal import MemoryJournal

ORDER, URL = "OCPPCommCtrlr.NetworkConfigurationPriority", "SecurityCtrlr.CsmsUrl"
TAKES = "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"
WHOLE = Reported(
    base="", taken=Taken.ANSWERED, status="Accepted", entries=(Entry(key=ORDER, value="1", readonly=True),),
    parts=1, is_whole=True,
)  # fmt: skip
NO = Reported(base="", taken=Taken.REFUSED, status="NotSupported")


@dataclass
class Station:
    """Answers each base as a test wants, and holds one variable that it reports to nobody."""

    bases: dict[str, Reported | MigrateError]
    holds: tuple[Entry, ...] = (Entry(key=URL, value="ws://old"),)
    reports: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    async def report(self, identity: str, base: str) -> Reported:
        self.reports.append(base)
        answer = self.bases.get(base, NO)
        if isinstance(answer, MigrateError):
            raise answer
        return replace(answer, base=base)

    async def variables(self, identity: str, keys: Sequence[str]) -> Told:
        self.named += keys
        held = tuple(entry for entry in self.holds if entry.key in keys)
        return Told(entries=held, unknown=tuple(key for key in keys if key not in {entry.key for entry in held}))

    async def tell(self, identity: str, keys: Sequence[str]) -> Told:
        raise AssertionError("GetConfiguration is no question of OCPP 2")

    async def trigger(self, identity: str, message: str) -> str:
        raise AssertionError("nothing is triggered")

    async def restart(self, identity: str) -> None:
        raise AssertionError("it is restarted")

    async def cut(self, identity: str) -> None:
        raise AssertionError("its line is cut")


async def asked(station: Station, journal: MemoryJournal | None = None) -> Listing:
    deeds = Deeds("AC1", journal or MemoryJournal(), VirtualClock())
    return await Questions("AC1", station, deeds).asked("ocpp2.0.1", [ORDER, URL])


async def test_what_was_reported_is_not_asked_for_again_and_keeps_what_may_be_written() -> None:
    station = Station({"FullInventory": WHOLE})

    listing = await asked(station)

    assert (station.reports, station.named) == (["FullInventory"], [TAKES, URL])
    assert {entry.key: entry.readonly for entry in listing.entries.values()} == {ORDER: True, URL: None}
    assert listing.all_at_once is Taken.ANSWERED


async def test_whoever_refuses_the_full_report_is_asked_for_less() -> None:
    station = Station({"SummaryInventory": WHOLE})

    listing = await asked(station)

    assert station.reports == list(BASES)
    assert listing.report is not None
    assert (listing.report.base, listing.report.taken) == ("SummaryInventory", Taken.ANSWERED)


async def test_whoever_refuses_every_report_is_asked_by_name() -> None:
    station = Station({})

    listing = await asked(station)

    assert (listing.all_at_once, station.named) == (Taken.REFUSED, [TAKES, ORDER, URL])


async def test_an_answer_that_says_nothing_of_writing_leaves_what_the_report_said_of_it() -> None:
    takes = Entry(key=TAKES, value="50", readonly=True)
    station = Station({"FullInventory": replace(WHOLE, entries=(takes,))}, holds=(replace(takes, readonly=None),))

    listing = await asked(station)

    assert listing.entries[TAKES.casefold()] == takes


SILENT = Unreachable("AC1: it did not answer.", identity="AC1", sent=True)
UNKNOWN = Refused("AC1 answered with NotImplemented.", identity="AC1", status="NotImplemented")
ONCE = [
    pytest.param(SILENT, Taken.UNANSWERED, id="no answer"),
    pytest.param(UNKNOWN, Taken.REFUSED, id="no such call"),
    pytest.param(replace(WHOLE, taken=Taken.UNANSWERED, entries=(), parts=0), Taken.UNANSWERED, id="yes, and nothing"),
    pytest.param(replace(WHOLE, status="EmptyResultSet", entries=(), parts=0), Taken.ANSWERED, id="nothing to report"),
]


@pytest.mark.parametrize(("answer", "taken"), ONCE)
async def test_a_station_that_knows_no_reports_or_keeps_them_to_itself_is_asked_once(
    answer: Reported | MigrateError, taken: Taken
) -> None:
    station = Station({"FullInventory": answer})

    listing = await asked(station)

    assert station.reports == ["FullInventory"]
    assert listing.all_at_once is taken
    assert URL.casefold() in listing.entries


async def test_a_station_that_left_meanwhile_ends_the_probe() -> None:
    gone = Unreachable("AC1 has no session.", identity="AC1", sent=False)

    with pytest.raises(Unreachable, match="no session"):
        await asked(Station({"FullInventory": gone}))


async def test_each_question_is_in_the_journal_before_it_and_its_answer_after_without_a_value() -> None:
    journal = MemoryJournal()

    await asked(Station({"ConfigurationInventory": WHOLE}), journal)

    told = [(line.event.kind, line.event.data["action"], line.event.data.get("status")) for line in journal.lines]
    assert told == [
        (EventKind.COMMAND, "GetBaseReport", None),
        (EventKind.ANSWER, "GetBaseReport", "NotSupported"),
        (EventKind.COMMAND, "GetBaseReport", None),
        (EventKind.ANSWER, "GetBaseReport", "Accepted"),
        (EventKind.COMMAND, "GetVariables", None),
        (EventKind.ANSWER, "GetVariables", "answered"),
    ]
    assert "ws://old" not in str([line.event.data for line in journal.lines])
