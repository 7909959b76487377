"""What the roof keeps in the journal: the inventory, plans, who runs the campaign, who was last seen where."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from migrate.adapters.journal.holders import Lease, is_dead, of_this_process
from migrate.adapters.journal.journal import SqlJournal, open_journal
from migrate.adapters.journal.presence import LastSeen, seen
from migrate.adapters.journal.rows import sighting_change
from migrate.domain.attempt import Fact, State
from migrate.domain.errors import Locked, NotAllowed, Stale
from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Attempt, EventKind, Guard, move
from migrate.domain.station import Lifecycle, Station
from migrate.domain.wave import Excluded, Plan, PlannedStation, Wave
from tests.adapters.journal.builders import AT, StillClock, a_sighting, an_attempt, checked, opening, url_of

# --- inventory and plan -----------------------------------------------------


async def test_the_inventory_comes_back_in_its_order(sqlite_journal: SqlJournal) -> None:
    stations = [
        Station(identity="B", latitude=52.37, longitude=-0.1, lifecycle=Lifecycle.FAULTED, wave=2, notes="côté rue"),
        Station(identity="A", security_profile=2, connectors=2, synthetic=True),
    ]

    await sqlite_journal.store_stations([Station(identity="from an older import")])
    digest = await sqlite_journal.store_stations(stations, note={"file": "fleet.csv"})

    assert await sqlite_journal.stations() == stations
    newest = (await sqlite_journal.events(kinds=[EventKind.INVENTORY]))[-1]
    assert {"file": "fleet.csv", "stations": 2, "digest": digest}.items() <= newest.event.data.items()


async def test_an_inventory_that_cannot_be_stored_leaves_the_one_before(sqlite_journal: SqlJournal) -> None:
    await sqlite_journal.store_stations([Station(identity="A")])

    with pytest.raises(Exception, match="UNIQUE"):
        await sqlite_journal.store_stations([Station(identity="twice"), Station(identity="twice")])

    assert await sqlite_journal.stations() == [Station(identity="A")]


def a_plan(fingerprint: str) -> Plan:
    station = PlannedStation(
        identity="A\ud83d",
        wave=1,
        batch=0,
        profile="",
        method=Method.VISIT,
        rollback=Rollback.VISIT,
        site="station:A",
        kind="||",
    )
    waves = (Wave(number=1, stations=(station,), notes=("raised from 10 to 14",)),)
    return Plan(fingerprint=fingerprint, waves=waves, excluded=(Excluded(identity="B", reason="hold: roadworks"),))


async def test_the_plan_that_was_made_last_is_the_current_one(sqlite_journal: SqlJournal) -> None:
    assert await sqlite_journal.current_plan() is None

    await sqlite_journal.store_plan(a_plan("f00d"))
    await sqlite_journal.store_plan(a_plan("beef"), note={"version": "0.1.0"})

    assert await sqlite_journal.current_plan() == a_plan("beef")
    assert await sqlite_journal.plan("f00d") == a_plan("f00d")
    assert await sqlite_journal.plan("unheard of") is None
    await sqlite_journal.store_plan(a_plan("f00d"))
    assert await sqlite_journal.current_plan() == a_plan("f00d")


# --- the run lease ----------------------------------------------------------


async def test_a_campaign_is_run_by_one_process_and_the_other_is_told_which(tmp_path: Path) -> None:
    url = url_of(tmp_path / "campaign.db")
    first, second = (open_journal(url, name, StillClock()) for name in ("run-1", "run-2"))
    held = await first.acquire_lease()

    with pytest.raises(Locked, match=f"run-1 .process {os.getpid()} on"):
        await second.acquire_lease()

    await first.release_lease(held)
    assert (await second.acquire_lease()).epoch == held.epoch + 1
    await first.close()
    await second.close()


async def test_of_many_who_want_the_lease_at_once_one_gets_it(sqlite_journal: SqlJournal) -> None:
    outcomes = await asyncio.gather(*(sqlite_journal.acquire_lease() for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(outcome, Lease) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Locked) for outcome in outcomes) == 19


async def test_a_lease_that_was_taken_over_is_not_given_back_by_its_former_holder(sqlite_journal: SqlJournal) -> None:
    old = await sqlite_journal.acquire_lease()
    await sqlite_journal.acquire_lease(force=True)

    await sqlite_journal.release_lease(old)

    with pytest.raises(Locked):
        await sqlite_journal.acquire_lease()


def test_a_holder_is_dead_only_when_that_is_certain() -> None:
    here = of_this_process("run-2")
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()

    gone = replace(here, pid=child.pid)
    reused = replace(here, born="1")
    before_the_boot = replace(here, boot="another")
    elsewhere = replace(gone, host="another host")

    assert [is_dead(holder, here) for holder in (gone, reused, before_the_boot)] == [True, True, True]
    assert not is_dead(elsewhere, here)
    assert not is_dead(here, here)


async def dies_holding(identity: str, url: str) -> None:
    """A process of its own takes the run's lease, or a station's, and dies with it."""
    takes = f"hold_station({identity!r})" if identity else "acquire_lease()"
    program = (
        "import asyncio, os\n"
        "from migrate.adapters.journal.journal import open_journal\n"
        "from tests.adapters.journal.builders import StillClock\n"
        f"journal = open_journal({url!r}, 'run-1', StillClock())\n"
        f"asyncio.run(journal.{takes})\n"
        "os._exit(9)\n"
    )
    root = Path(__file__).resolve().parents[3]
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], cwd=root, timeout=60, check=False)
    assert ended.returncode == 9


async def test_a_dead_holder_is_succeeded_and_the_journal_says_so(tmp_path: Path) -> None:
    url = url_of(tmp_path / "campaign.db")
    await dies_holding("", url)
    journal = open_journal(url, "run-2", StillClock())

    taken = await journal.acquire_lease()

    told = [line.event.data for line in await journal.events(kinds=[EventKind.PROCESS])]
    await journal.close()
    assert taken.epoch == 2
    assert told[-1]["from"] == "run-1"
    assert told[-1]["forced"] is False


# --- the lease of one station -------------------------------------------------


async def an_attempt_that_may_write(journal: SqlJournal, identity: str = "AC1") -> Attempt:
    attempt = an_attempt(identity)
    await journal.commit(opening(attempt))
    change = checked(attempt)
    await journal.commit(change)
    return change.attempts[0]


async def test_a_station_that_is_being_probed_is_not_begun_with_until_it_is_given_back(
    sqlite_journal: SqlJournal,
) -> None:
    await sqlite_journal.commit(opening(an_attempt("AC1")))
    held = await sqlite_journal.hold_station("AC1")
    looked_at = checked(an_attempt("AC1"))
    await sqlite_journal.commit(looked_at)
    begun = move(looked_at.attempts[0], Fact.WRITE_BEGUN, AT, guard=Guard())

    with pytest.raises(Stale, match="being probed") as stale:
        await sqlite_journal.commit(begun)
    await sqlite_journal.release_lease(held)
    await sqlite_journal.commit(begun)

    assert stale.value.guard == "lease"
    assert [attempt.state for attempt in await sqlite_journal.attempts()] == [State.WRITING]


async def test_a_probe_of_one_station_keeps_nobody_from_another(sqlite_journal: SqlJournal) -> None:
    await sqlite_journal.hold_station("AC1")
    other = await an_attempt_that_may_write(sqlite_journal, "AC2")

    await sqlite_journal.commit(move(other, Fact.WRITE_BEGUN, AT, guard=Guard()))

    assert [attempt.state for attempt in await sqlite_journal.attempts()] == [State.WRITING]


async def test_a_station_in_flight_is_not_given_to_a_probe(sqlite_journal: SqlJournal) -> None:
    await an_attempt_that_may_write(sqlite_journal)

    with pytest.raises(NotAllowed, match="AC1 is being moved: checked"):
        await sqlite_journal.hold_station("AC1")


async def test_two_probes_of_one_station_do_not_meet(tmp_path: Path) -> None:
    url = url_of(tmp_path / "campaign.db")
    first, second = (open_journal(url, name, StillClock()) for name in ("probe-1", "probe-2"))
    await first.hold_station("AC1")

    with pytest.raises(Locked, match="AC1 is held by probe-1"):
        await second.hold_station("AC1")

    await second.acquire_lease()  # a run may begin all the same
    await first.close()
    await second.close()


async def test_a_probe_that_was_killed_holds_its_station_no_more(tmp_path: Path) -> None:
    url = url_of(tmp_path / "campaign.db")
    await dies_holding("AC1", url)
    journal = open_journal(url, "run-2", StillClock())
    ready = await an_attempt_that_may_write(journal)

    await journal.commit(move(ready, Fact.WRITE_BEGUN, AT, guard=Guard()))

    assert [attempt.state for attempt in await journal.attempts()] == [State.WRITING]
    await journal.close()


async def test_a_probe_on_another_host_that_never_gave_its_station_back_is_forgotten_in_time(
    sqlite_journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(socket, "gethostname", lambda: "another host")
        await sqlite_journal.hold_station("AC1")
    ready = await an_attempt_that_may_write(sqlite_journal)
    soon, late = AT + timedelta(minutes=30), AT + timedelta(hours=3)

    with pytest.raises(Stale, match="being probed"):
        await sqlite_journal.commit(move(ready, Fact.WRITE_BEGUN, soon, guard=Guard()))
    await sqlite_journal.commit(move(ready, Fact.WRITE_BEGUN, late, guard=Guard()))

    assert [attempt.state for attempt in await sqlite_journal.attempts()] == [State.WRITING]


# --- presence ---------------------------------------------------------------


def _after(*sightings: Sighting) -> LastSeen:
    last = LastSeen(identity="AC22-0417", side=Side.SOURCE)
    for seq, sighting in enumerate(sightings, 1):
        last = seen(last, sighting, seq)
    return last


def test_the_late_close_of_an_old_socket_does_not_end_the_new_session() -> None:
    last = _after(
        a_sighting(Kind.CONNECTED, session="old"),
        a_sighting(Kind.CONNECTED, session="new", at=AT + timedelta(seconds=5)),
        a_sighting(Kind.HEARTBEAT, session="old", at=AT + timedelta(seconds=6)),
        a_sighting(Kind.DISCONNECTED, session="old", at=AT + timedelta(seconds=9)),
    )

    assert last.is_connected
    assert (last.session, last.heard_at) == ("new", AT + timedelta(seconds=5))


def test_a_station_whose_session_closed_is_gone_since_then() -> None:
    last = _after(
        a_sighting(Kind.CONNECTED), a_sighting(Kind.BOOT), a_sighting(Kind.DISCONNECTED, at=AT + timedelta(seconds=9))
    )

    assert not last.is_connected
    assert last.disconnected_at == AT + timedelta(seconds=9)


def test_a_refused_handshake_is_no_session() -> None:
    assert not _after(a_sighting(Kind.REFUSED, answer="401")).is_connected


def test_a_station_that_is_heard_without_a_connect_on_record_has_a_session() -> None:
    last = _after(a_sighting(Kind.HEARTBEAT, session="from before the relay was watched"))

    assert last.is_connected


def test_who_charges_is_remembered_over_a_lost_line_and_a_boot() -> None:
    last = _after(
        a_sighting(Kind.TRANSACTION_STARTED, connector=2),
        a_sighting(Kind.STATUS, connector=1, detail="SuspendedEV"),
        a_sighting(Kind.DISCONNECTED),
        a_sighting(Kind.CONNECTED, session="new"),
        a_sighting(Kind.BOOT, session="new"),
    )

    assert last.charging == (1, 2)


def test_the_word_of_the_station_on_a_connector_ends_what_charged_there() -> None:
    last = _after(
        a_sighting(Kind.TRANSACTION_STARTED, connector=2),
        a_sighting(Kind.STATUS, connector=1, detail="Charging"),
        a_sighting(Kind.STATUS, connector=1, detail="Faulted"),
        a_sighting(Kind.TRANSACTION_STOPPED, connector=0),
        a_sighting(Kind.STATUS, connector=2, detail="Finishing"),
    )

    assert last.charging == (1,)


async def test_presence_is_kept_per_side_across_commits_and_processes(tmp_path: Path) -> None:
    url = url_of(tmp_path / "campaign.db")
    first = open_journal(url, "listen", StillClock())
    await first.commit(sighting_change([a_sighting(Kind.CONNECTED), a_sighting(Kind.BOOT, answer="Pending")]))
    await first.commit(
        sighting_change([a_sighting(Kind.BOOT), a_sighting(Kind.CONNECTED, side=Side.TARGET, session="s-2")])
    )
    await first.close()
    second = open_journal(url, "run", StillClock())

    rows = {row.side: row for row in await second.presence_rows(["AC22-0417"])}

    await second.close()
    assert rows[Side.SOURCE].boot_answer == "Accepted"
    assert rows[Side.SOURCE].facts == IdentityFacts(vendor="Alfen BV", model="NG910", serial="ACE0417")
    assert rows[Side.TARGET].session == "s-2"
    assert rows[Side.TARGET].boot_at is None
