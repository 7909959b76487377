"""Simulated stations over real sockets, judged by their own wire log."""

from typing import Any

import pytest

from migrate.simulator.address import base_of, dial_url
from migrate.simulator.behaviour import KEYED_FAMILIES, behaviour
from migrate.simulator.control import BadOrder
from migrate.simulator.faults import Fault
from migrate.simulator.orders import orders_of
from migrate.simulator.wirelog import (
    Kind,
    Side,
    backend_held,
    boots_on_target,
    commands_repeated_without_read,
    commands_sent,
    last_side,
    transactions_cut,
)

pytestmark = pytest.mark.story


@pytest.mark.parametrize("family", KEYED_FAMILIES)
async def test_a_healthy_station_of_every_family_boots_on_the_target_after_write_and_reset(
    field: Any, station_of: Any, family: str
) -> None:
    there = await field([station_of(family)])

    answers = await there.point_to(there.target.url)
    await there.reset()
    await there.until_side(Side.TARGET)
    await there.until(lambda: boots_on_target(there.log()) == 1)

    assert set(answers) <= {"Accepted", "RebootRequired"}
    assert last_side(there.log()) == {"SIM-1": Side.TARGET}
    assert base_of(dial_url(backend_held(there.log())["SIM-1"], "SIM-1", behaviour(family).slash)) == there.target.url
    assert commands_sent(there.log()) == len(answers) + 1
    assert commands_repeated_without_read(there.log()) == 0


@pytest.mark.parametrize("family", KEYED_FAMILIES)
async def test_a_written_backend_reads_back_at_once_and_is_not_used_before_the_restart(
    field: Any, station_of: Any, family: str
) -> None:
    there = await field([station_of(family)])

    await there.point_to(there.target.url)

    held = there.fleet.stations["SIM-1"].held
    assert base_of(dial_url(held, "SIM-1", behaviour(family).slash)) == there.target.url
    assert last_side(there.log()) == {"SIM-1": Side.SOURCE}


async def test_a_station_that_applies_at_once_moves_without_restart_and_without_boot(
    field: Any, station_of: Any
) -> None:
    there = await field([station_of("live")])

    await there.point_to(there.target.url)
    await there.until_side(Side.TARGET)
    await there.until(lambda: there.target.sessions["SIM-1"] == 1)

    assert there.log(Kind.RESTART) == []
    assert boots_on_target(there.log()) == 0


@pytest.mark.parametrize("family", ["eviq", "microocpp"])
async def test_the_time_drawn_runs_from_the_reset_to_the_next_dial(field: Any, station_of: Any, family: str) -> None:
    there = await field([station_of(family, reboot_s=60.0)], speed=100.0)

    await there.reset()
    await there.until(lambda: len(there.log(Kind.APPLIED)) == 2)

    (asked_at,) = (event.at_s for event in there.log(Kind.COMMAND) if event.action == "Reset")
    assert 0.59 < there.log(Kind.APPLIED)[1].at_s - asked_at < 0.75


async def test_a_read_only_key_is_rejected_and_nothing_is_held(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest", Fault.READ_ONLY_KEY)])

    answers = await there.point_to(there.target.url)

    assert answers == ["Rejected"]
    assert backend_held(there.log()) == {"SIM-1": there.source.url}


async def test_a_station_that_moved_well_may_refuse_to_be_taken_back(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp")])
    await there.point_to(there.target.url)
    await there.reset()
    await there.until(lambda: boots_on_target(there.log()) == 1)

    go_wrong = orders_of(there.fleet)["go_wrong"]
    await go_wrong({"identity": "SIM-1", "fault": "read_only_key"})
    wish = {"key": behaviour("microocpp").backend_keys[0], "value": there.source.url}
    answer = await there.target.call("SIM-1", "ChangeConfiguration", wish)

    with pytest.raises(BadOrder, match="read_only_key"):
        await go_wrong({"identity": "SIM-1", "fault": "gremlins"})
    assert answer[-1] == {"status": "Rejected"}
    assert last_side(there.log()) == {"SIM-1": Side.TARGET}


@pytest.mark.parametrize("family", ["keba", "alfen5", "amina"])
async def test_a_half_way_refusal_applies_the_first_key_and_lets_it_be_undone(
    field: Any, station_of: Any, family: str
) -> None:
    there = await field([station_of(family, Fault.HALF_WAY_REFUSAL)])
    before = await there.show(*there.fleet.stations["SIM-1"].ways.backend_keys)

    answers = await there.point_to("ws://127.0.0.1:1/elsewhere")
    changed = {k: v for k, v in (await there.show(*before)).items() if v != before[k]}
    undone = [await there.write(key, before[key]) for key in changed]

    assert answers[0] in ("Accepted", "RebootRequired")
    assert set(answers[1:]) == {"Rejected"}
    assert "Rejected" not in undone
    assert await there.show(*before) == before


async def test_an_unanswered_reset_restarts_all_the_same(field: Any, station_of: Any) -> None:
    there = await field([station_of("keba", Fault.RESET_UNANSWERED)])
    await there.point_to(there.target.url)

    status = await there.reset()
    await there.until_side(Side.TARGET)

    assert status == ""
    assert [e for e in there.log(Kind.ANSWER) if e.action == "Reset"] == []


async def test_a_station_that_accepted_a_reset_restarts_though_its_network_fails_at_once(
    field: Any, station_of: Any
) -> None:
    there = await field([station_of("eviq")], speed=5.0)
    await there.point_to(there.target.url)

    await there.reset()
    await there.source.down()
    await there.until_restarted()

    assert there.log(Kind.DISCONNECTED)[-1].status == "restarted"


async def test_an_ignored_reset_is_answered_and_nothing_happens(field: Any, station_of: Any) -> None:
    there = await field([station_of("keba", Fault.RESET_IGNORED)])
    await there.point_to(there.target.url)

    status = await there.reset()
    await there.show("CentralSystemPort")  # the next command is still answered in the same session

    assert status == "Accepted"
    assert there.log(Kind.RESTART) == []
    assert len(there.log(Kind.CONNECTED)) == 1


async def test_a_station_that_never_boots_by_itself_boots_when_triggered(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp", Fault.NO_BOOT)])
    await there.point_to(there.target.url)
    await there.reset()
    await there.until(lambda: there.target.sessions["SIM-1"] == 1)
    await there.target.call("SIM-1", "GetConfiguration", {})
    assert boots_on_target(there.log()) == 0

    answer = await there.target.call("SIM-1", "TriggerMessage", {"requestedMessage": "BootNotification"})
    await there.until(lambda: boots_on_target(there.log()) == 1)

    assert answer[2] == {"status": "Accepted"}


@pytest.mark.parametrize(
    ("family", "fault"),
    [("openocpp", Fault.FALLS_BACK), ("amina", Fault.FALLS_BACK), ("growatt", Fault.WITHOUT_EFFECT)],
)
async def test_a_station_that_returns_by_itself_boots_on_the_source_again(
    field: Any, station_of: Any, family: str, fault: Fault
) -> None:
    there = await field([station_of(family, fault)])
    await there.point_to(there.target.url)

    await there.reset()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)

    assert boots_on_target(there.log()) == 0
    assert last_side(there.log()) == {"SIM-1": Side.SOURCE}
    visited = any(event.side is Side.TARGET for event in there.log(Kind.CONNECTED))
    assert visited is (fault is Fault.FALLS_BACK)
    assert (backend_held(there.log())["SIM-1"].rstrip("/") == there.source.url) is (fault is Fault.FALLS_BACK)


async def test_a_transactional_station_goes_home_when_its_boot_is_not_accepted_in_time(
    field: Any, station_of: Any
) -> None:
    there = await field([station_of("openocpp")])
    there.target.boot_answers["SIM-1"] = "Rejected"
    await there.point_to(there.target.url)

    await there.reset()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)

    assert boots_on_target(there.log()) == 0
    assert backend_held(there.log()) == {"SIM-1": there.source.url}


async def test_a_station_with_slots_takes_the_next_one_when_the_target_is_down(field: Any, station_of: Any) -> None:
    there = await field([station_of("amina")])
    await there.target.down()
    await there.point_to(there.target.url)

    await there.reset()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)

    assert backend_held(there.log()) == {"SIM-1": there.target.url}
    assert last_side(there.log()) == {"SIM-1": Side.SOURCE}


async def test_no_station_ever_dials_outside_of_loopback(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp")])
    await there.write("Cst_BackendUrl", "ws://192.0.2.1:80/ocpp")

    await there.reset()
    await there.until(lambda: len(there.log(Kind.REFUSED)) == 1)

    assert there.log(Kind.REFUSED)[0].status == "not loopback"


async def test_a_lost_station_appears_nowhere_until_a_crew_has_been_there(field: Any, station_of: Any) -> None:
    there = await field([station_of("alfen6", Fault.LOST, visit_s=0.1)])
    await there.point_to(there.target.url)
    await there.reset()
    await there.until_restarted()
    await there.until(lambda: there.fleet.stations["SIM-1"].state == "gone")
    assert last_side(there.log()) == {"SIM-1": Side.NONE}

    there.fleet.send_crew("SIM-1")
    await there.until(lambda: boots_on_target(there.log()) == 1)

    assert last_side(there.log()) == {"SIM-1": Side.TARGET}


async def test_a_second_silent_socket_appears_beside_the_answering_one(field: Any, station_of: Any) -> None:
    there = await field([station_of("eviq", Fault.DUPLICATE_SESSION)])
    await there.point_to(there.target.url)

    await there.reset()
    await there.until(lambda: there.target.sessions["SIM-1"] == 2)

    assert boots_on_target(there.log()) == 1
    with pytest.raises(TimeoutError):
        await there.target.call("SIM-1", "GetConfiguration", {}, timeout_s=0.2)
    assert not await there.target.is_alive("SIM-1", timeout_s=0.2)


async def test_a_driver_charges_to_the_end_when_nobody_touches_the_station(field: Any, station_of: Any) -> None:
    there = await field([station_of("keba", Fault.BUSY, transaction_s=200.0)])

    await there.until(lambda: len(there.log(Kind.TRANSACTION_STOPPED)) == 1)

    assert len(there.log(Kind.TRANSACTION_STARTED)) == 1
    assert transactions_cut(there.log()) == 0
    assert not there.fleet.stations["SIM-1"].connector.is_charging


async def test_a_reset_that_cuts_a_driver_off_is_on_record(field: Any, station_of: Any) -> None:
    there = await field([station_of("keba", Fault.BUSY, transaction_s=1e6)])
    await there.until(lambda: len(there.log(Kind.TRANSACTION_STARTED)) == 1)

    await there.reset(kind="Soft")
    await there.until_restarted()

    assert transactions_cut(there.log()) == 1


async def test_a_transaction_outlives_a_dropped_connection(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest", Fault.BUSY, transaction_s=400.0)])
    await there.until(lambda: len(there.log(Kind.TRANSACTION_STARTED)) == 1)

    await there.source.down()
    await there.source.up()
    await there.until(lambda: len(there.log(Kind.TRANSACTION_STOPPED)) == 1)

    assert len(there.log(Kind.TRANSACTION_STARTED)) == 1
    assert transactions_cut(there.log()) == 0


async def test_a_dropped_station_reconnects_without_a_boot(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest")])

    await there.source.down()
    await there.source.up()
    await there.until(lambda: len(there.log(Kind.CONNECTED)) == 2)
    await there.until(lambda: there.source.sessions["SIM-1"] == 1)
    await there.show("CentralSystemURI")

    assert len(there.log(Kind.BOOT_SENT)) == 1


async def test_a_growatt_rejects_triggers_after_a_reconnect(field: Any, station_of: Any) -> None:
    there = await field([station_of("growatt")])
    fresh = await there.source.call("SIM-1", "TriggerMessage", {"requestedMessage": "Heartbeat"})
    await there.source.down()
    await there.source.up()
    await there.until(lambda: there.source.sessions["SIM-1"] == 1)

    answer = await there.source.call("SIM-1", "TriggerMessage", {"requestedMessage": "Heartbeat"})

    assert (fresh[2]["status"], answer[2]["status"]) == ("Accepted", "Rejected")


async def test_a_growatt_without_the_trailing_slash_is_never_seen_again(field: Any, station_of: Any) -> None:
    there = await field([station_of("growatt")])
    await there.write("G_ServerURL", there.target.url)

    await there.reset()
    await there.until(lambda: len(there.log(Kind.REFUSED)) == 1)

    assert there.log(Kind.REFUSED)[0].status == "404"
    assert last_side(there.log()) == {"SIM-1": Side.NONE}


async def test_a_soft_reset_does_not_move_an_alfen(field: Any, station_of: Any) -> None:
    there = await field([station_of("alfen6")])
    await there.point_to(there.target.url)

    await there.reset(kind="Soft")
    await there.until(lambda: there.source.boots["SIM-1"] == 2)
    soft = last_side(there.log())
    await there.reset(kind="Hard")
    await there.until_side(Side.TARGET)

    assert soft == {"SIM-1": Side.SOURCE}


@pytest.mark.parametrize("value", ["not a url", "ws://[", "ws://127.0.0.1:99999/x", "", "ws://192.0.2.1:80/ocpp"])
async def test_an_address_that_cannot_work_is_accepted_and_the_station_never_returns(
    field: Any, station_of: Any, value: str
) -> None:
    there = await field([station_of("microocpp")])

    answer = await there.write("Cst_BackendUrl", value)
    await there.reset()
    await there.until(lambda: len(there.log(Kind.REFUSED)) == 1)

    assert answer == "RebootRequired"
    assert there.fleet.stations["SIM-1"].life.done() is False
    assert last_side(there.log()) == {"SIM-1": Side.NONE}


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_a_station_boots_again_until_it_is_accepted(field: Any, station_of: Any, status: str) -> None:
    there = await field([station_of("everest")])
    there.target.boot_answers["SIM-1"] = status
    await there.point_to(there.target.url)
    await there.reset()
    await there.until(lambda: len(there.log(Kind.BOOT_SENT)) >= 3)
    assert boots_on_target(there.log()) == 0

    there.target.boot_answers.clear()
    await there.until(lambda: boots_on_target(there.log()) == 1)

    assert last_side(there.log()) == {"SIM-1": Side.TARGET}


@pytest.mark.parametrize("identity", ["AB 1", "a/b", "über-1", "x" * 48, "50%"])
async def test_an_identity_of_any_letters_arrives_as_it_is(field: Any, station_of: Any, identity: str) -> None:
    there = await field([station_of("keba", identity=identity)])

    assert there.source.boots == {identity: 1}
    assert last_side(there.log()) == {identity: Side.SOURCE}


@pytest.mark.parametrize(
    "frame",
    [
        "[" * 100_000,
        '[2,"1","Reset",{"type":' + "9" * 5000 + "}]",
        '[2,"1",["Reset"],{}]',
        "\ufeff[]",
        '[2,"1","Reset"]',
    ],
    ids=["deep", "huge number", "action is a list", "bom", "no payload"],
)
async def test_a_hostile_frame_may_cost_a_session_but_never_the_station(
    field: Any, station_of: Any, frame: str
) -> None:
    there = await field([station_of("everest")])

    await there.source.send_raw("SIM-1", frame)
    await there.until_answers()

    assert not there.fleet.stations["SIM-1"].life.done()


async def test_secrets_never_reach_the_wire_log(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest")])

    await there.write("AuthorizationKey", "canary-53cr3t-value")
    await there.write("NoSuchKey", "canary-53cr3t-value")
    shown = await there.show("AuthorizationKey")

    assert shown == {"AuthorizationKey": "DummyAuthorizationKey"}
    assert b"canary" not in there.wire.read_bytes()
    first, second = (e.value for e in there.log(Kind.COMMAND) if e.action == "ChangeConfiguration")
    assert first == second
