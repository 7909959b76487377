"""How stacks were seen to behave on the wire, one by one, each by the station's own log and its backend's eyes."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.simulator.faults import ENDINGS, EVERY_FAULT, WAYS, Fault
from migrate.simulator.habits import Flashing, Trigger
from migrate.simulator.orders import ORDERS
from migrate.simulator.wirelog import Kind, Side, boots_on_target, last_side

pytestmark = pytest.mark.story


@pytest.mark.parametrize("reconnect_s", [0.0, 1.0, 9.0, 12.0, 30.0])
async def test_after_a_drop_it_is_back_after_its_own_time_without_a_word(
    field: Any, station_of: Any, reconnect_s: float
) -> None:
    silent = {"reconnect_s": reconnect_s, "boots_on_reconnect": False, "reports_on_reconnect": False}
    there = await field([station_of("everest", ways=silent)], speed=20.0)
    await there.until(lambda: len(there.log(Kind.STATUS)) == 2)

    await ORDERS["drop_link"](there.fleet, {"identity": "SIM-1"})
    await there.until(lambda: len(there.log(Kind.CONNECTED)) == 2)
    await there.until_answers()

    (left,), (_, back) = there.log(Kind.DISCONNECTED), there.log(Kind.CONNECTED)
    assert reconnect_s / 20 * 0.8 <= back.at_s - left.at_s <= reconnect_s / 20 * 1.2 + 0.4
    assert len(there.log(Kind.BOOT_SENT)) == 1
    assert len(there.log(Kind.STATUS)) == 2


async def test_one_accepts_any_key_and_stores_nothing(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp", Fault.STORES_NOTHING)])

    answers = [await there.write("Cst_BackendUrl", there.target.url), await there.write("NoSuchKey", "x")]
    shown = await there.show("Cst_BackendUrl")
    await there.reset()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)

    assert answers == ["Accepted", "Accepted"]
    assert shown == {"Cst_BackendUrl": there.source.url}


async def test_one_shows_the_new_address_only_once_it_has_restarted(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp", Fault.SHOWS_OLD)])
    await there.point_to(there.target.url)
    before = await there.show("Cst_BackendUrl")

    await there.reset()
    await there.until(lambda: boots_on_target(there.log()) == 1)
    after = await there.target.call("SIM-1", "GetConfiguration", {"key": ["Cst_BackendUrl"]})

    assert before == {"Cst_BackendUrl": there.source.url}
    assert after[2]["configurationKey"][0]["value"] == there.target.url


async def test_a_build_without_the_key_knows_nothing_of_it(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp", Fault.KEY_ABSENT)])

    answer = await there.source.call("SIM-1", "GetConfiguration", {"key": ["Cst_BackendUrl"]})

    assert answer[2] == {"configurationKey": [], "unknownKey": ["Cst_BackendUrl"]}
    assert await there.write("Cst_BackendUrl", there.target.url) == "NotSupported"


@pytest.mark.parametrize(("fault", "stored"), [(Fault.WRITE_UNANSWERED, "target"), (Fault.WRITE_IGNORED, "source")])
async def test_a_write_that_is_not_answered_leaves_the_station_able_to_speak(
    field: Any, station_of: Any, fault: Fault, stored: str
) -> None:
    there = await field([station_of("microocpp", fault)])

    with pytest.raises(TimeoutError):
        await there.source.call(
            "SIM-1", "ChangeConfiguration", {"key": "Cst_BackendUrl", "value": there.target.url}, timeout_s=0.2
        )

    assert await there.show("Cst_BackendUrl") == {"Cst_BackendUrl": getattr(there, stored).url}


async def test_a_write_that_is_lost_on_its_way_is_taken_the_second_time(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp", Fault.WRITE_LOST)])
    write = {"key": "Cst_BackendUrl", "value": there.target.url}

    with pytest.raises(TimeoutError):
        await there.source.call("SIM-1", "ChangeConfiguration", write, timeout_s=0.2)
    between = await there.show("Cst_BackendUrl")
    again = await there.write("Cst_BackendUrl", there.target.url)

    assert between == {"Cst_BackendUrl": there.source.url}
    assert again == "RebootRequired"


async def test_a_reset_may_be_answered_by_closing_the_connection(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest", Fault.RESET_CLOSES)])

    status = await there.reset()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)

    assert status == ""
    assert [e for e in there.log(Kind.ANSWER) if e.action == "Reset"] == []


async def test_a_hard_reset_may_leave_the_old_socket_open_beside_the_new_one(field: Any, station_of: Any) -> None:
    there = await field([station_of("alfen6", Fault.RESET_TWO_SOCKETS)])
    await there.point_to(there.target.url)

    with pytest.raises(TimeoutError):
        await there.source.call("SIM-1", "Reset", {"type": "Hard"}, timeout_s=0.2)
    await there.until(lambda: boots_on_target(there.log()) == 1)

    assert (there.source.sessions["SIM-1"], there.target.sessions["SIM-1"]) == (1, 1)
    assert not await there.source.is_alive("SIM-1", timeout_s=0.2)


async def test_a_reset_may_be_refused_until_its_own_boot_is_accepted(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest", Fault.RESET_BEFORE_BOOT)])
    there.source.boot_answers["SIM-1"] = "Pending"
    await there.reset()
    await there.until_restarted()
    await there.until(lambda: there.source.sessions["SIM-1"] == 1)

    too_early = await there.source.call("SIM-1", "Reset", {"type": "Soft"})
    there.source.boot_answers.clear()
    await there.until(lambda: len(there.log(Kind.BOOT_ACCEPTED)) == 2)
    in_time = await there.source.call("SIM-1", "Reset", {"type": "Soft"})

    assert too_early[0] == 4
    assert in_time[2] == {"status": "Accepted"}


async def test_one_answers_a_write_twice_and_crashes_over_it_once(field: Any, station_of: Any) -> None:
    there = await field([station_of("microocpp", Fault.ANSWERS_TWICE)])

    answer = await there.write("Cst_BackendUrl", there.target.url)
    await there.until(lambda: boots_on_target(there.log()) == 1)
    again = await there.target.call(
        "SIM-1", "ChangeConfiguration", {"key": "Cst_BackendUrl", "value": there.target.url}
    )

    assert answer == "RebootRequired"
    assert again[2] == {"status": "RebootRequired"}
    assert [e.status for e in there.log(Kind.DISCONNECTED)] == ["restarted"]
    assert [e for e in there.log(Kind.COMMAND) if e.action == "Reset"] == []


async def test_one_numbers_its_messages_anew_in_every_session(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest", Fault.COUNTS_IDS)])

    await there.reset()
    await there.until(lambda: there.source.boots["SIM-1"] == 2)

    session = there.fleet.stations["SIM-1"].session
    assert session.end._unique_id_generator() < 6


@pytest.mark.parametrize(
    ("trigger", "answer", "sent"),
    [
        (Trigger.ANSWERS, "Accepted", Kind.BOOT_SENT),
        (Trigger.NEVER, "NotImplemented", None),
        (Trigger.SILENT, "Accepted", None),
        (Trigger.NO_BOOT, "Rejected", None),
        (Trigger.ERROR, "InternalError", None),
        (Trigger.OTHER_NAME, "Accepted", None),
    ],
)
async def test_a_trigger_is_taken_in_six_manners(
    field: Any, station_of: Any, trigger: Trigger, answer: str, sent: Kind | None
) -> None:
    there = await field([station_of("everest", ways={"trigger": trigger})])
    boots = len(there.log(Kind.BOOT_SENT))

    frame = await there.trigger()
    if sent:
        await there.until(lambda: len(there.log(Kind.BOOT_SENT)) == boots + 1)
    await there.show("HeartbeatInterval")

    assert answer in (frame[2] if isinstance(frame[2], str) else frame[2]["status"])
    assert (len(there.log(Kind.BOOT_SENT)) > boots) is (sent is Kind.BOOT_SENT)


@pytest.mark.parametrize(
    ("flashing", "error", "words"),
    [
        (Flashing.NOT_IMPLEMENTED, "NotImplemented", []),
        (Flashing.NOT_SUPPORTED, "NotSupported", []),
        (Flashing.SILENT, "", []),
        (Flashing.FAILS, "", ["Downloading", "DownloadFailed"]),
        (Flashing.PRETENDS, "", ["Downloading", "Downloaded", "Installing", "Installed"]),
        (Flashing.UPDATES, "", ["Downloading", "Downloaded", "Installing", "Installed"]),
    ],
)
async def test_only_one_of_six_manners_of_taking_firmware_changes_the_version(
    field: Any, station_of: Any, flashing: Flashing, error: str, words: list[str]
) -> None:
    there = await field([station_of("everest", ways={"flashing": flashing})])
    before = there.fleet.stations["SIM-1"].spec.firmware
    location = "https://{}@files.example/fw/9.9.9.bin".format("user:canary-53cr3t")

    frame = await there.source.call("SIM-1", "UpdateFirmware", {"location": location, "retrieveDate": "2026-01-01"})
    await there.until(lambda: [e.status for e in there.log(Kind.FIRMWARE)] == words)

    assert (frame[2] if frame[0] == 4 else "") == error
    is_new = flashing is Flashing.UPDATES
    assert there.fleet.stations["SIM-1"].spec.firmware == ("9.9.9" if is_new else before)
    assert there.source.boots["SIM-1"] == 1 + is_new
    assert b"canary" not in there.wire.read_bytes()


async def test_a_mended_station_has_none_of_its_faults_any_more(field: Any, station_of: Any) -> None:
    there = await field([station_of("everest", Fault.TRIGGER_ABSENT, visit_s=0.1)])

    there.fleet.send_crew("SIM-1")
    await there.until(lambda: boots_on_target(there.log()) == 1)
    answer = await there.target.call("SIM-1", "TriggerMessage", {"requestedMessage": "Heartbeat"})

    assert answer[2] == {"status": "Accepted"}
    assert last_side(there.log()) == {"SIM-1": Side.TARGET}


def test_every_fault_that_is_a_way_is_one_that_a_station_can_have(station_of: Any) -> None:
    for fault in WAYS:
        assert station_of("everest").ways_with(fault) != station_of("everest").ways_with(Fault.NONE), fault


def test_every_fault_ends_in_a_state_that_an_attempt_can_end_in() -> None:
    ends = {"settled", "failed", "reverted", "lost", "stuck", "deferred", "skipped"}

    assert all(ENDINGS[fault] <= ends for fault in EVERY_FAULT)
