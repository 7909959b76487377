"""The stations' own log, and the judgements drawn from it."""

import json
from pathlib import Path

import pytest

from migrate.simulator.wirelog import (
    Kind,
    Side,
    WireEvent,
    WireLog,
    backend_held,
    boots_on_target,
    commands_repeated_without_read,
    commands_sent,
    last_side,
    read,
    stations_booted_on_target,
    transactions_cut,
)


def event(kind: Kind, side: Side = Side.SOURCE, identity: str = "A", **facts: object) -> WireEvent:
    return WireEvent(seq=1, at_s=0.0, identity=identity, side=side, kind=kind, **facts)  # type: ignore[arg-type]


def change(key: str = "Url", value: str = "ws://new", identity: str = "A") -> WireEvent:
    return event(Kind.COMMAND, identity=identity, action="ChangeConfiguration", key=key, value=value)


def look(*keys: str) -> WireEvent:
    return event(Kind.COMMAND, action="GetConfiguration", keys=keys)


RESET = event(Kind.COMMAND, action="Reset", key="Hard")
TRIGGER = event(Kind.COMMAND, action="TriggerMessage", key="BootNotification")
BACK = event(Kind.CONNECTED)


@pytest.mark.parametrize(
    ("log", "blind"),
    [
        pytest.param([change(), change()], 1, id="same write twice"),
        pytest.param([change(), change("url")], 1, id="keys have no case"),
        pytest.param([change(), change(value="ws://old")], 0, id="another value"),
        pytest.param([change(), look("Url"), change()], 0, id="read in between"),
        pytest.param([change(), look("URL"), change()], 0, id="read in another case"),
        pytest.param([change(), look(), change()], 0, id="everything read in between"),
        pytest.param([change(), look("Other"), change()], 1, id="another key read"),
        pytest.param([change(), BACK, change()], 1, id="a new session is no read of a key"),
        pytest.param([change(), TRIGGER, change()], 1, id="a trigger is no read of a key"),
        pytest.param([change(), change(identity="B")], 0, id="another station"),
        pytest.param([change(), change(), change()], 2, id="three in a row"),
        pytest.param([RESET, RESET], 1, id="two resets"),
        pytest.param([RESET, BACK, RESET], 0, id="reset after a new session"),
        pytest.param([RESET, look("Any"), RESET], 0, id="reset after a read"),
        pytest.param([RESET, TRIGGER, RESET], 0, id="reset after a trigger"),
        pytest.param([RESET, event(Kind.DISCONNECTED), RESET], 1, id="a departure is no look"),
    ],
)
def test_an_effect_repeated_without_a_look_is_counted(log: list[WireEvent], blind: int) -> None:
    assert commands_repeated_without_read(log) == blind


def test_boots_and_commands_are_counted_by_what_the_station_saw() -> None:
    log = [
        change(),
        RESET,
        look(),
        event(Kind.BOOT_SENT, Side.TARGET),
        event(Kind.BOOT_ACCEPTED, Side.SOURCE),
        event(Kind.BOOT_ACCEPTED, Side.TARGET),
        event(Kind.BOOT_ACCEPTED, Side.TARGET),
    ]

    assert commands_sent(log) == 2
    assert boots_on_target(log) == 2
    assert stations_booted_on_target(log) == {"A"}


@pytest.mark.parametrize(
    ("log", "side"),
    [
        pytest.param([BACK], Side.SOURCE, id="connected"),
        pytest.param([BACK, event(Kind.DISCONNECTED)], Side.SOURCE, id="a drop moves nobody"),
        pytest.param([BACK, event(Kind.RESTART)], Side.NONE, id="restarted and not seen since"),
        pytest.param([event(Kind.RESTART), event(Kind.CONNECTED, Side.TARGET)], Side.TARGET, id="came back elsewhere"),
        pytest.param([event(Kind.STORED, Side.NONE)], Side.NONE, id="never connected"),
    ],
)
def test_a_station_lives_where_it_was_last_connected(log: list[WireEvent], side: Side) -> None:
    assert last_side(log) == {"A": side}


def test_what_a_station_holds_is_the_last_thing_stored_not_the_last_used() -> None:
    log = [event(Kind.STORED, value="ws://new"), event(Kind.APPLIED, value="ws://old")]

    assert backend_held(log) == {"A": "ws://new"}


def test_a_driver_who_finished_was_not_cut_off() -> None:
    log = [event(Kind.TRANSACTION_STOPPED, status="Local"), event(Kind.TRANSACTION_STOPPED, status="SoftReset")]

    assert transactions_cut(log) == 1


def test_half_a_line_left_by_a_kill_is_passed_over_and_never_written_on_to(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    first = WireLog(path)
    first.write(Kind.CONNECTED, "A", Side.SOURCE)
    first.close()
    path.write_bytes(path.read_bytes() + b'{"seq":2,"at_s":1.0,"ident')

    second = WireLog(path)
    second.write(Kind.DISCONNECTED, "A", Side.SOURCE)
    second.close()

    assert [(e.seq, e.kind) for e in read(path)] == [(1, Kind.CONNECTED), (2, Kind.DISCONNECTED)]


def test_hostile_names_stay_on_one_line(tmp_path: Path) -> None:
    log = WireLog(tmp_path / "wire.jsonl")
    name = 'A"\n{}\x1b[31m\ud800é'
    log.write(Kind.COMMAND, name, Side.NONE, action="ChangeConfiguration", key=name)
    log.close()

    (line,) = (tmp_path / "wire.jsonl").read_bytes().splitlines()
    assert json.loads(line)["identity"] == name
    assert read(tmp_path / "wire.jsonl")[0].key == name


def test_a_veiled_value_tells_equality_and_nothing_else(tmp_path: Path) -> None:
    one, other = WireLog(tmp_path / "1.jsonl"), WireLog(tmp_path / "2.jsonl")

    assert one.veil("secret") == one.veil("secret") != one.veil("secret2")
    assert one.veil("secret") != other.veil("secret")
    one.close()
    other.close()


def test_the_wire_log_is_its_owners_only(tmp_path: Path) -> None:
    WireLog(tmp_path / "wire.jsonl").close()

    assert (tmp_path / "wire.jsonl").stat().st_mode & 0o777 == 0o600
