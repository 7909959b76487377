"""Reports of a device model: asked for by us, put together here, and never the CSMS's business."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from migrate.adapters.ocpp.framing import Opcode, encode
from migrate.adapters.ocpp.messages import Error, Result
from migrate.adapters.ocpp.reports import MAX_PARTS, Report
from migrate.domain.errors import Unreachable
from tests.adapters.ocpp.wire import Field, Peer

QUIET_S = 0.3


def asks(field: Field, base: str = "FullInventory", **how: Any) -> asyncio.Task[Any]:
    settings: dict[str, Any] = {"timeout_s": 3.0, "quiet_s": QUIET_S, "within_s": 10.0, **how}
    return asyncio.create_task(field.relay.report("AC1", base, **settings))


async def agrees(station: Peer) -> int:
    """The station says yes to the question; the number under which it reports."""
    _, id_, action, payload = await station.hear()
    assert action == "GetBaseReport"
    station.say(3, id_, {"status": "Accepted"})
    return int(payload["requestId"])


def entry(name: str) -> dict[str, Any]:
    return {"component": {"name": "Ctrlr"}, "variable": {"name": name}, "variableAttribute": [{"value": "1"}]}


def part(number: int, at: int, name: str = "", *, tbc: bool = False) -> dict[str, Any]:
    """One part, its number behind its content, as a stack that sorts its keys writes it."""
    listed = [entry(name)] if name else []
    return {"generatedAt": "2026-11-20T00:00:00Z", "reportData": listed, "requestId": number, "seqNo": at, "tbc": tbc}


def names(answer: Result) -> list[str]:
    return [one["variable"]["name"] for one in answer.payload["entries"]]


async def test_a_report_in_parts_reaches_us_whole_and_the_csms_not_at_all(field: Field) -> None:
    station, csms = await field.pair()
    asked = asks(field)
    number = await agrees(station)

    for at, name in enumerate(("A", "B", "C")):
        station.say(2, f"r{at}", "NotifyReport", part(number, at, name, tbc=name != "C"))
        assert await station.hear() == [3, f"r{at}", {}]
    station.say(2, "h", "Heartbeat", {})

    answer = await asked
    assert names(answer) == ["A", "B", "C"]
    assert (answer.payload["whole"], answer.payload["missing"]) == (True, [])
    assert await csms.hear() == [2, "h", "Heartbeat", {}]
    assert csms.texts.empty()


async def test_parts_that_come_twice_or_in_another_order_are_put_in_theirs(field: Field) -> None:
    station, _ = await field.pair()
    asked = asks(field)
    number = await agrees(station)

    for at, name, tbc in ((2, "C", False), (0, "A", True), (0, "A", True), (1, "B", True)):
        station.say(2, f"r{at}{name}", "NotifyReport", part(number, at, name, tbc=tbc))

    answer = await asked
    assert names(answer) == ["A", "B", "C"]
    assert answer.payload["parts"] == 3


async def test_a_part_that_never_comes_is_named_when_nothing_more_comes(field: Field) -> None:
    station, _ = await field.pair()
    asked = asks(field)
    number = await agrees(station)

    station.say(2, "r0", "NotifyReport", part(number, 0, "A", tbc=True))
    station.say(2, "r2", "NotifyReport", part(number, 2, "C"))

    answer = await asked
    assert names(answer) == ["A", "C"]
    assert (answer.payload["whole"], answer.payload["missing"]) == (False, [1])


async def test_a_station_that_agrees_and_reports_nothing_is_not_waited_for_for_ever(field: Field) -> None:
    station, _ = await field.pair()
    asked = asks(field)
    await agrees(station)

    answer = await asked

    assert (answer.payload["status"], answer.payload["parts"], answer.payload["whole"]) == ("Accepted", 0, False)


async def test_a_report_that_is_always_to_be_continued_is_ended_by_us_and_still_kept_from_the_csms(
    field: Field,
) -> None:
    station, csms = await field.pair()
    asked = asks(field)
    number = await agrees(station)

    for at in range(MAX_PARTS + 1):
        station.say(2, f"r{at}", "NotifyReport", part(number, at, "A", tbc=True))
        assert (await station.hear())[0] == 3

    answer = await asked
    assert (answer.payload["more"], answer.payload["whole"]) == (True, False)
    station.say(2, "late", "NotifyReport", part(number, MAX_PARTS + 1, "A", tbc=True))
    assert await station.hear() == [3, "late", {}]
    assert csms.texts.empty()


async def test_what_is_left_of_a_report_after_a_lost_line_reaches_the_csms_neither(field: Field) -> None:
    station, _ = await field.pair()
    asked = asks(field, quiet_s=3.0)
    number = await agrees(station)
    station.say(2, "r0", "NotifyReport", part(number, 0, "A", tbc=True))
    await station.hear()
    station.leave()

    station, csms = await field.pair()
    station.say(2, "r1", "NotifyReport", part(number, 1, "B"))

    assert await station.hear() == [3, "r1", {}]
    assert names(await asked) == ["A", "B"]
    assert csms.texts.empty()


async def test_the_report_that_the_csms_asked_for_passes_untouched(field: Field) -> None:
    station, csms = await field.pair()
    asked = asks(field)
    number = await agrees(station)

    theirs = part(7, 0, "Z")
    station.say(2, "t0", "NotifyReport", theirs)
    station.say(2, "r0", "NotifyReport", part(number, 0, "A"))

    assert await csms.hear() == [2, "t0", "NotifyReport", theirs]
    assert names(await asked) == ["A"]
    assert csms.texts.empty()


async def test_a_large_part_that_comes_in_pieces_is_known_by_its_number_at_its_end(field: Field) -> None:
    station, csms = await field.pair()
    asked = asks(field, quiet_s=3.0)
    number = await agrees(station)
    big = part(number, 0, "A")
    big["reportData"][0]["variableAttribute"][0]["value"] = "v" * 60_000

    frame = encode(Opcode.TEXT, json.dumps([2, "r0", "NotifyReport", big]).encode(), mask=station.mask)
    for at in range(0, len(frame), 4_000):
        station.raw(frame[at : at + 4_000])
        await asyncio.sleep(0)

    assert names(await asked) == ["A"]
    assert await station.hear() == [3, "r0", {}]
    assert csms.texts.empty()


async def test_an_answer_of_ours_waits_until_the_csms_has_ended_its_message(field: Field) -> None:
    station, csms = await field.pair()
    asked = asks(field, quiet_s=3.0)
    number = await agrees(station)
    called = encode(Opcode.TEXT, b'[3,"x",{"padding":"' + b"p" * 40_000 + b'"}]')

    csms.raw(called[:20_000])
    await station.received_all(20_000)
    station.say(2, "r0", "NotifyReport", part(number, 0, "A"))
    assert names(await asked) == ["A"]
    csms.raw(called[20_000:])

    assert (await station.hear())[1] == "x"
    assert await station.hear() == [3, "r0", {}]


@pytest.mark.parametrize("status", ["NotSupported", "Rejected", "EmptyResultSet"])
async def test_a_station_that_reports_nothing_says_so_at_once(field: Field, status: str) -> None:
    station, _ = await field.pair()

    asked = asks(field, quiet_s=60.0)
    _, id_, *_ = await station.hear()
    station.say(3, id_, {"status": status})

    assert (await asked).payload == {"status": status}


async def test_a_station_that_knows_no_such_question_says_so_and_one_without_a_session_is_not_there(
    field: Field,
) -> None:
    station, _ = await field.pair()

    asked = asks(field)
    _, id_, *_ = await station.hear()
    station.say(4, id_, "NotImplemented", "", {})

    assert await asked == Error(id_, "NotImplemented", "")
    with pytest.raises(Unreachable, match="no session"):
        await field.relay.report("NOBODY", "FullInventory", timeout_s=1.0)


@pytest.mark.parametrize("said", [b"[]", b"{}", b'[2,"1","NotifyReport",{"seqNo":true}]', b'[2,"1","NotifyReport",{}]'])
def test_what_is_no_part_changes_nothing(said: bytes) -> None:
    report = Report(7)

    report.take(said)

    assert (report.missing, report.is_whole, report.is_too_much) == ([], False, False)


def test_a_part_that_is_counted_beyond_all_bounds_ends_the_report_and_costs_nothing() -> None:
    report = Report(7)

    report.take(b'[2,"1","NotifyReport",{"requestId":7,"seqNo":2000000000,"tbc":false}]')

    assert report.is_too_much
    assert report.missing == []
