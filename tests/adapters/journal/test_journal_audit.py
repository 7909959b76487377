"""Whoever changes the journal from outside leaves a trace."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from migrate.adapters.journal import writer
from migrate.adapters.journal.audit import Break, verify
from migrate.adapters.journal.chain import Line, hash_of
from migrate.adapters.journal.journal import open_journal
from migrate.adapters.journal.rows import sighting_change
from migrate.adapters.journal.store import open_store
from migrate.domain.attempt import Fact
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Change, EventKind, move
from migrate.domain.station import Station
from migrate.domain.wave import Deferral, Plan, PlannedStation, Wave
from tests.adapters.journal.builders import AT, StillClock, a_sighting, an_attempt, an_event, opening, url_of

COLUMNS = ["writer", "link", "prev_hash", "hash", "kind", "at", "identity", "attempt", "data"]


def a_plan(fingerprint: str = "f00d") -> Plan:
    station = PlannedStation(
        identity="A",
        wave=0,
        batch=0,
        profile="alfen_6",
        method=Method.CHANGE_CONFIGURATION,
        rollback=Rollback.REMOTE,
        site="44",
        kind="Alfen|NG910|6.1",
    )
    return Plan(fingerprint=fingerprint, waves=(Wave(number=0, stations=(station,), notes=("raised",)),))


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """The store of a campaign in which two processes have worked one after the other, and a third has begun."""
    path = tmp_path / "campaign.db"
    for executor in ("ex-1", "ex-2", "ex-3"):
        journal = open_journal(url_of(path), executor, StillClock())
        if executor == "ex-1":
            await journal.store_stations([Station(identity="A"), Station(identity="B")])
            await journal.store_plan(a_plan())
        await journal.commit(opening(an_attempt(executor)))
        await journal.commit(move(an_attempt(executor), Fact.NOT_NOW, AT, deferral=Deferral.BUSY))
        await journal.commit(sighting_change([a_sighting(identity=executor)]))
        await journal.close()
    return path


def _breaks(path: Path) -> list[Break]:
    store = open_store(url_of(path))
    try:
        return verify(store)
    finally:
        store.close()


def _change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def test_an_untouched_journal_has_no_break(path: Path) -> None:
    assert _breaks(path) == []


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 5, 9])
def test_a_changed_field_of_any_line_shows(path: Path, column: str, seq: int) -> None:
    value = "link + 100" if column == "link" else f"{column} || 'x'"
    _change(path, f"UPDATE event SET {column} = {value} WHERE seq = {seq}")

    assert _breaks(path)


@pytest.mark.parametrize("seq", [1, 4, 9])
def test_a_line_cut_out_shows(path: Path, seq: int) -> None:
    _change(path, f"DELETE FROM event WHERE seq = {seq}")

    assert any("missing" in found.what or "end" in found.what for found in _breaks(path))


def test_two_lines_that_changed_places_show(path: Path) -> None:
    _change(
        path,
        "UPDATE event SET seq = 1000 WHERE seq = 2",
        "UPDATE event SET seq = 2 WHERE seq = 3",
        "UPDATE event SET seq = 3 WHERE seq = 1000",
    )

    assert _breaks(path)


def _cut(path: Path, executor: str) -> None:
    """Cut a chain's last line and hide it as well as one can: every place and hash after it made anew."""
    connection = sqlite3.connect(path)
    cut = connection.execute("SELECT max(seq) FROM event WHERE writer = ?", (executor,)).fetchone()[0]
    connection.execute("DELETE FROM event WHERE seq = ?", (cut,))
    ends: dict[str, tuple[int, str]] = {}
    rows = connection.execute(
        "SELECT seq, writer, kind, at, identity, attempt, data FROM event ORDER BY seq"
    ).fetchall()
    for new, (old, name, *line) in enumerate(rows, 1):
        link, before = ends.get(name, (0, ""))
        known = hash_of(new, name, link + 1, before, Line(*line))
        ends[name] = (link + 1, known)
        fields = (new, link + 1, before, known, old)
        connection.execute("UPDATE event SET seq = ?, link = ?, prev_hash = ?, hash = ? WHERE seq = ?", fields)
    for name, (link, known) in ends.items():
        connection.execute("UPDATE chain SET link = ?, hash = ? WHERE writer = ?", (link, known, name))
    connection.commit()
    connection.close()


def test_a_cut_tail_shows_in_the_chains_of_the_others(path: Path) -> None:
    _cut(path, "ex-1")

    found = _breaks(path)

    assert any("another process saw" in one.what and one.writer == "ex-1" for one in found)


def test_a_tail_cut_without_care_shows_even_where_nobody_else_wrote(path: Path) -> None:
    _change(path, "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")

    assert [found.what for found in _breaks(path)] == ["the chain does not end where its writer left it"]


ATTEMPTS: dict[str, str] = {
    "called settled": "UPDATE attempt SET state = 'settled' WHERE identity = 'ex-1'",
    "moved without a trace": "UPDATE attempt SET version = 3 WHERE identity = 'ex-1'",
    "removed": "DELETE FROM attempt WHERE identity = 'ex-1'",
    "invented": "UPDATE attempt SET id = 'Z#1', identity = 'Z' WHERE identity = 'ex-1'",
}


@pytest.mark.parametrize("statement", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_an_attempt_that_its_events_did_not_lead_to_shows(path: Path, statement: str) -> None:
    _change(path, statement)

    assert any("attempt" in found.what for found in _breaks(path))


DOCUMENTS: dict[str, str] = {
    "a station edited": "UPDATE station SET body = replace(body, '\"A\"', '\"Z\"')",
    "a station removed": "DELETE FROM station WHERE place = 1",
    "the plan edited": 'UPDATE "plan" SET body = replace(body, \'"wave":0\', \'"wave":9\')',
    "the plan removed": 'DELETE FROM "plan"',
}


@pytest.mark.parametrize("statement", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_changed_inventory_or_plan_shows(path: Path, statement: str) -> None:
    _change(path, statement)

    assert any("is not the one" in found.what for found in _breaks(path))


async def test_a_long_running_process_anchors_the_others_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ANCHOR_EVERY", 10)
    first = open_journal(url_of(tmp_path / "campaign.db"), "ex-1", StillClock())
    second = open_journal(url_of(tmp_path / "campaign.db"), "ex-2", StillClock())

    for number in range(60):
        await (first if number % 2 else second).commit(Change(events=(an_event(number=number),)))

    anchors = await first.events(kinds=[EventKind.ANCHOR])
    assert 4 <= len(anchors) <= 12
    assert {anchor.writer for anchor in anchors} == {"ex-1", "ex-2"}
    assert anchors[0].event.at == AT
    await first.close()
    await second.close()


async def test_a_process_that_only_reads_leaves_no_line(path: Path) -> None:
    journal = open_journal(url_of(path), "reader", StillClock())
    before = await journal.newest_seq()
    await journal.attempts()
    await journal.close()

    with sqlite3.connect(path) as connection:
        after = connection.execute("SELECT max(seq) FROM event").fetchone()[0]
    assert after == before


def test_a_hash_can_be_computed_again_with_nothing_but_json_and_sha256(path: Path) -> None:
    columns = "seq, writer, link, prev_hash, kind, at, identity, attempt, data"
    with sqlite3.connect(path) as connection:
        rows = connection.execute(f"SELECT {columns}, hash FROM event").fetchall()

    for *line, known in rows:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == known
