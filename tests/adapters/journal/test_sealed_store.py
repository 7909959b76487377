"""What stations held and are told lies in the store only as this campaign's key opens it."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from migrate.adapters.journal.audit import verify
from migrate.adapters.journal.journal import Keys, SqlJournal, open_journal
from migrate.adapters.journal.store import open_store
from migrate.adapters.vault import STORE_KEY, FileVault
from migrate.domain.errors import NotAllowed
from migrate.domain.record import Change, EventKind
from migrate.domain.station import Station
from migrate.domain.unit import PreparedWrite
from tests.adapters.journal.builders import StillClock, an_attempt, an_event, opening, url_of

TOKEN = "wss://old.example/ocpp/planted-token"
UNIT = (PreparedWrite(key="BackendUrl", new="wss://new.example/planted-new", old=TOKEN),)
PLANTED = ("planted-token", "planted-new", "planted-value", "planted-echo", "planted-gate")


def keys_in(folder: Path) -> Keys:
    vault = FileVault(folder / "secrets")
    return Keys(kept=lambda: vault.secret(STORE_KEY), made=lambda: vault.drawn(STORE_KEY))


def opened(folder: Path, *, keys: Callable[[Path], Keys] | None = keys_in) -> SqlJournal:
    return open_journal(
        url_of(folder / "campaign.db"), "ex-1", StillClock(), keys=keys(folder) if keys is not None else None
    )


async def fill(journal: SqlJournal) -> None:
    await journal.commit(opening(an_attempt(unit=UNIT)))
    told = (
        an_event(EventKind.COMMAND, "AC22-0417", action="ChangeConfiguration", key="K", value="planted-value"),
        an_event(EventKind.ANSWER, "AC22-0417", action="ChangeConfiguration", text="no: planted-echo"),
        an_event(EventKind.SNAPSHOT, "AC22-0417", holds={"BackendUrl": TOKEN, "Hidden": None}),
    )
    await journal.commit(Change(events=told))
    await journal.import_stations([Station(identity="AC22-0417", access="planted-gate"), Station(identity="B")])


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("campaign.db*"))


async def test_what_was_stored_is_read_back_and_lies_nowhere_in_the_files(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    await fill(journal)

    (attempt,) = await journal.attempts()
    told = [dict(line.event.data) for line in await journal.timeline("AC22-0417")][1:]
    stations = await journal.stations()
    (version,) = await journal.station_versions("AC22-0417")
    lying = files(tmp_path)  # with what is in the write-ahead log
    await journal.close()

    assert attempt.unit == UNIT
    assert [data.get("value") or data.get("text") or data.get("holds") for data in told] == [
        "planted-value",
        "no: planted-echo",
        {"BackendUrl": TOKEN, "Hidden": None},
    ]
    assert stations[0].access == version.station.access == "planted-gate"
    for secret in PLANTED:
        forms = (secret.encode(), secret.encode().hex().encode(), base64.b64encode(secret.encode())[:12])
        assert not [form for form in forms if form in lying + files(tmp_path)]


async def test_the_audit_needs_no_key_and_sees_a_sealed_value_that_was_changed(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    await fill(journal)
    await journal.close()
    store = open_store(url_of(tmp_path / "campaign.db"))
    sound = verify(store)

    with sqlite3.connect(tmp_path / "campaign.db") as connection:
        connection.execute("UPDATE event SET data = replace(data, 'sealed:1:', 'sealed:1:AA') WHERE kind = 'command'")

    broken = verify(store)
    store.close()
    assert sound == []
    assert broken


async def test_another_process_opens_it_with_the_same_key(tmp_path: Path) -> None:
    first = opened(tmp_path)
    await fill(first)

    second = opened(tmp_path)
    (attempt,) = await second.attempts()
    await first.close()
    await second.close()

    assert attempt.unit == UNIT


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "The store is sealed, and its key cannot be had"),
        (lambda path: path.write_text("another key than that"), "The store was sealed with another key"),
    ],
    ids=["missing", "wrong"],
)
async def test_without_its_key_nothing_is_opened_and_no_new_key_is_drawn(
    tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    journal = opened(tmp_path)
    await fill(journal)
    await journal.close()
    harm(tmp_path / "secrets" / STORE_KEY)
    left = sorted((tmp_path / "secrets").iterdir())

    with pytest.raises(NotAllowed, match=said) as found:
        opened(tmp_path)

    assert "secrets/store_key" in found.value.hint
    assert sorted((tmp_path / "secrets").iterdir()) == left


@pytest.mark.parametrize("half_written", ["", "short"])
async def test_a_key_that_was_never_written_whole_seals_nothing(tmp_path: Path, half_written: str) -> None:
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / STORE_KEY).touch(mode=0o600)
    (tmp_path / "secrets" / STORE_KEY).write_text(half_written)

    with pytest.raises(NotAllowed, match="seals nothing"):
        opened(tmp_path)


async def test_a_sealed_value_that_was_moved_to_another_station_does_not_open(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    await fill(journal)
    with sqlite3.connect(tmp_path / "campaign.db") as connection:
        connection.execute("UPDATE attempt SET id = 'OTHER#1', identity = 'OTHER'")

    with pytest.raises(NotAllowed, match="does not open"):
        await journal.attempts()

    await journal.close()


async def test_a_store_from_before_is_read_as_it_is_and_sealed_from_then_on(tmp_path: Path) -> None:
    older = opened(tmp_path, keys=None)
    await fill(older)
    await older.close()

    journal = opened(tmp_path)
    (attempt,) = await journal.attempts()
    await journal.commit(Change(events=(an_event(EventKind.COMMAND, "AC22-0417", value="planted-afterwards"),)))
    told = [line.event.data for line in await journal.timeline("AC22-0417")]
    await journal.close()

    assert attempt.unit == UNIT
    assert [data["value"] for data in told if "value" in data] == ["planted-value", "planted-afterwards"]
    assert b"planted-afterwards" not in files(tmp_path)


async def test_who_gives_no_key_reads_no_sealed_value(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    await fill(journal)
    await journal.close()

    keyless = opened(tmp_path, keys=None)
    with pytest.raises(NotAllowed, match="nobody gave its key"):
        await keyless.attempts()
    await keyless.close()


async def test_an_inventory_that_did_not_change_is_seen_as_the_same(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    await fill(journal)

    again = await journal.import_stations([Station(identity="AC22-0417", access="planted-gate"), Station(identity="B")])

    await journal.close()
    assert (again.changes.unchanged, again.changes.changed) == (2, ())


async def test_texts_that_no_encoding_likes_survive_the_seal(tmp_path: Path) -> None:
    odd = (PreparedWrite(key="K", new="half \ud800 of a pair, \x00, \U0001f50c", old="sealed:1:not-really"),)
    journal = opened(tmp_path)

    await journal.commit(opening(an_attempt(unit=odd)))

    (attempt,) = await journal.attempts()
    await journal.close()
    assert attempt.unit == odd
