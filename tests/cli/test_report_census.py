"""``migrate report census``: of a campaign whose relays have seen stations come, go and be asked."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest

from migrate.adapters.journal.journal import SqlJournal
from migrate.adapters.journal.rows import sighting_change
from migrate.cli import call
from migrate.cli.exits import Exit
from migrate.cli.report_census import said_or_listed
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting
from migrate.domain.record import Change, Event, EventKind
from migrate.domain.station import Station
from tests.cli.campaigns import ALFEN, AT, campaign, with_journal

FACTS = IdentityFacts(vendor="Alfen BV", model="NG910-60023", firmware="5.8.1-4123", serial="ACE1")


def seen(at_s: float, kind: Kind, session: str, **said: object) -> Sighting:
    at = AT + timedelta(seconds=at_s)
    return Sighting(side=Side.SOURCE, kind=kind, at=at, identity=ALFEN[0].identity, session=session, **said)  # type: ignore[arg-type]


def refused(at_s: float) -> tuple[Event, Event]:
    at, data = AT + timedelta(seconds=at_s), {"action": "TriggerMessage", "side": "source"}
    asked = Event(kind=EventKind.COMMAND, at=at, identity=ALFEN[0].identity, data=data)
    return asked, Event(kind=EventKind.ANSWER, at=at, identity=ALFEN[0].identity, data=data | {"status": "Rejected"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six stations on the list; one of them booted, lost its line, came back without a boot and refused three triggers."""

    async def happen(journal: SqlJournal) -> None:
        came = [seen(0, Kind.CONNECTED, "s1"), seen(1, Kind.BOOT, "s1", facts=FACTS, answer="Accepted")]
        back = [seen(500, Kind.DISCONNECTED, "s1"), seen(512, Kind.CONNECTED, "s2")]
        said = [seen(513, Kind.STATUS, "s2", connector=1, detail="Available"), seen(700, Kind.HEARTBEAT, "s2")]
        await journal.commit(sighting_change([*came, *back, *said]))
        for round_ in range(3):
            await journal.commit(Change(events=refused(800 + round_)))

    made = campaign(tmp_path / "cutover")
    with_journal(made, happen)
    return made


def told(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, object]:
    code = call(["report", "census", "--campaign", str(folder), "--json", *more])
    assert code == Exit.OK
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_what_the_wire_showed_stands_beside_what_the_list_says(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = told(folder, capsys)

    (flavour,) = document["flavours"]  # type: ignore[misc]
    assert (document["schema"], document["stations"], document["unmatched"]) == ("migrate.census/1", 8, 2)
    assert (flavour["vendor"], flavour["stations"], flavour["profile"]) == ("Alfen BV", 1, "alfen_fw5")
    assert flavour["traits"]["boot_notification_after_link_loss"] == {"shown": "no", "for": 0, "against": 1}
    assert flavour["traits"]["socket_update_after_link_loss"] == {"shown": "yes", "for": 1, "against": 0}
    assert flavour["traits"]["answers_trigger_boot"] == {"shown": "no", "for": 0, "against": 3}
    assert flavour["lapses"]["away_after_link_loss"]["most_s"] == 12.0


def test_page_workbook_and_data_are_written_whole_and_nothing_else_is_left(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "reports"

    codes = [call(["report", "census", "--campaign", str(folder), "--out", str(out / f"census{end}")]) for end in ENDS]

    assert codes == [Exit.OK] * len(ENDS)
    assert sorted(file.name for file in out.iterdir()) == sorted(f"census{end}" for end in ENDS)
    assert json.loads((out / "census.json").read_text())["data_hash"]
    assert "Alfen BV NG910-60023" in (out / "census.html").read_text()
    assert openpyxl.load_workbook(out / "census.xlsx").sheetnames == ["Fleet", "Flavours", "Observations", "Rules"]
    assert f"Wrote {out / 'census.html'}" in capsys.readouterr().err.replace("\n", "")


ENDS = (".html", ".xlsx", ".json")


def test_a_kind_of_file_that_is_not_written_is_refused_by_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["report", "census", "--campaign", str(folder), "--out", "census.pdf"])

    assert code == Exit.BAD_DATA
    assert ".html, .xlsx and .json" in capsys.readouterr().err


def test_without_a_file_or_json_it_says_what_to_give(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["report", "census", "--campaign", str(folder)]) == Exit.USAGE
    assert "--out" in capsys.readouterr().err


@pytest.mark.parametrize("end", ENDS)
def test_where_nothing_may_be_written_it_says_so_and_keeps_the_old_report(
    folder: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    old = folder / f"census{end}"
    old.write_text("old")
    (folder / f".census{end}.{os.getpid()}.part").mkdir()

    code = call(["report", "census", "--campaign", str(folder), "--out", str(old)])

    assert code == Exit.IO
    assert old.read_text() == "old"


@pytest.mark.parametrize(
    ("said", "listed", "kind"),
    [
        (IdentityFacts(), Station(identity="A", vendor="Acme", model="X", firmware="1"), ("Acme", "X", "1")),
        (IdentityFacts(vendor="ACME", firmware=""), Station(identity="A", model="X", firmware="1"), ("ACME", "", "")),
        (IdentityFacts(), None, ("", "", "")),
    ],
    ids=["silent", "by its own words", "unknown"],
)
def test_a_kind_is_never_a_mixture_of_the_stations_words_and_the_lists(
    said: IdentityFacts, listed: Station | None, kind: tuple[str, str, str]
) -> None:
    assert said_or_listed(said, listed) == kind
