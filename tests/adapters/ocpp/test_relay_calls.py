"""Calls of ours: whose turn it is, and who hears the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from migrate.adapters.ocpp.framing import Opcode, encode
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.messages import Error, Result
from migrate.domain.errors import Unreachable
from migrate.domain.evidence import Kind

RESET = ("Reset", {"type": "Soft"})
TRIGGER = ("TriggerMessage", {"requestedMessage": "BootNotification"})


def call(field: Any, action: str = "Reset", payload: Any = None, **how: Any) -> asyncio.Task[Any]:
    settings = {"timeout_s": 3.0, **how}
    return asyncio.create_task(field.relay.inject("AC1", action, payload or {"type": "Soft"}, **settings))


async def test_the_answer_to_our_call_reaches_us_and_never_the_csms(field: Any) -> None:
    station, csms = await field.pair()

    asked = call(field)
    _, id_, action, payload = await station.hear()
    station.say(3, id_, {"status": "Accepted"})
    station.say(2, "7", "Heartbeat", {})

    assert (action, payload) == RESET
    assert await asked == Result(id_, {"status": "Accepted"})
    assert await csms.hear() == [2, "7", "Heartbeat", {}]
    assert csms.texts.empty()


async def test_a_call_error_is_an_answer(field: Any) -> None:
    station, _ = await field.pair()

    asked = call(field)
    _, id_, *_ = await station.hear()
    station.say(4, id_, "NotImplemented", "no", {})

    assert await asked == Error(id_, "NotImplemented", "no")


async def test_calls_of_the_csms_wait_while_ours_is_open_and_its_answers_do_not(field: Any) -> None:
    station, csms = await field.pair()
    asked = call(field)
    _, id_, *_ = await station.hear()

    csms.say(2, "c1", "ClearCache", {})
    csms.say(3, "s1", {"currentTime": "2026-11-20T00:00:00Z"})
    csms.say(2, "c2", "GetConfiguration", {})

    assert await station.hear() == [3, "s1", {"currentTime": "2026-11-20T00:00:00Z"}]
    assert await station.is_silent()
    station.say(3, id_, {"status": "Accepted"})
    assert (await asked).payload == {"status": "Accepted"}
    assert [(await station.hear())[1], (await station.hear())[1]] == ["c1", "c2"]


async def test_ours_waits_for_the_answer_to_the_call_the_csms_has_open(field: Any) -> None:
    station, csms = await field.pair()
    csms.say(2, "c1", "ClearCache", {})
    await station.hear()

    asked = call(field)

    assert await station.is_silent()
    station.say(3, "c1", {"status": "Accepted"})
    _, id_, *_ = await station.hear()
    station.say(3, id_, {"status": "Accepted"})
    await asked
    assert (await csms.hear())[1] == "c1"


async def test_a_call_of_the_csms_that_nobody_answers_does_not_block_ours_for_ever(field_with: Any) -> None:
    field = await field_with(limits=Limits(csms_patience_s=0.1))
    station, csms = await field.pair()
    csms.say(2, "c1", "ClearCache", {})
    await station.hear()

    asked = call(field)
    _, id_, *_ = await station.hear()
    station.say(3, id_, {})

    assert isinstance(await asked, Result)


async def test_what_cannot_be_sent_in_time_is_never_sent(field: Any) -> None:
    station, csms = await field.pair()
    csms.say(2, "c1", "ClearCache", {})
    await station.hear()

    with pytest.raises(Unreachable) as caught:
        await call(field, send_within_s=0.05)

    station.say(3, "c1", {})
    assert not caught.value.sent
    assert await station.is_silent()


async def test_no_session_means_nothing_was_sent(field: Any) -> None:
    with pytest.raises(Unreachable, match="AC1 has no session") as caught:
        await call(field)

    assert not caught.value.sent


async def test_a_caller_whose_time_ran_out_elsewhere_is_refused(field: Any) -> None:
    station, _ = await field.pair()

    with pytest.raises(Unreachable) as caught:
        await call(field, not_after_s=asyncio.get_running_loop().time() - 0.001)

    assert not caught.value.sent
    assert await station.is_silent()


async def test_a_late_answer_is_swallowed_and_noted(field: Any) -> None:
    station, csms = await field.pair()
    with pytest.raises(Unreachable) as caught:
        await call(field, timeout_s=0.05)
    _, id_, *_ = await station.hear()

    station.say(3, id_, {"status": "Accepted"})
    station.say(2, "1", "Heartbeat", {})

    assert caught.value.sent
    assert await csms.hear() == [2, "1", "Heartbeat", {}]
    assert [note.identity for note in field.notes] == ["AC1"]


async def test_the_first_of_two_answers_counts(field: Any) -> None:
    station, csms = await field.pair()
    asked = call(field)
    _, id_, *_ = await station.hear()

    station.say(3, id_, {"status": "Accepted"})
    station.say(4, id_, "InternalError", "", {})

    assert isinstance(await asked, Result)
    assert await csms.is_silent()
    assert len(field.notes) == 1


@pytest.mark.parametrize("who", ["station", "csms"])
async def test_a_connection_that_dies_fails_the_open_call_as_sent(field: Any, who: str) -> None:
    station, csms = await field.pair()
    asked = call(field)
    await station.hear()

    (station if who == "station" else csms).leave()

    with pytest.raises(Unreachable) as caught:
        await asked
    assert caught.value.sent


async def test_two_calls_of_ours_go_out_one_after_the_other(field: Any) -> None:
    station, _ = await field.pair()
    first, second = call(field), call(field, "ClearCache", {"a": 1})

    _, id_, action, _ = await station.hear()
    assert await station.is_silent()
    station.say(3, id_, {})
    _, id_, later, _ = await station.hear()
    station.say(3, id_, {})

    await asyncio.gather(first, second)
    assert (action, later) == ("Reset", "ClearCache")


async def test_a_call_never_falls_into_a_message_half_sent(field: Any) -> None:
    station, csms = await field.pair()
    whole = encode(Opcode.TEXT, b'[3,"s1",{"status":"Accepted"}]')
    csms.raw(whole[:9])
    await station.received_all(9)

    asked = call(field)
    assert await station.is_silent()
    csms.raw(whole[9:])

    assert (await station.hear())[1] == "s1"
    _, id_, *_ = await station.hear()
    station.say(3, id_, {})
    await asked


async def test_a_csms_that_says_too_much_meanwhile_is_heard_and_ours_fails(field_with: Any) -> None:
    field = await field_with(limits=Limits(max_held_bytes=1000))
    station, csms = await field.pair()
    asked = call(field, timeout_s=60.0)
    await station.hear()

    for number in range(3):
        csms.say(2, f"c{number}", "DataTransfer", {"data": "x" * 400})

    assert [(await station.hear())[1] for _ in range(3)] == ["c0", "c1", "c2"]
    with pytest.raises(Unreachable) as caught:
        await asked
    assert caught.value.sent


async def test_a_cancelled_call_lets_the_csms_speak_again_and_its_answer_goes_nowhere(field: Any) -> None:
    station, csms = await field.pair()
    asked = call(field)
    _, id_, *_ = await station.hear()
    csms.say(2, "c1", "ClearCache", {})

    asked.cancel()

    assert (await station.hear())[1] == "c1"
    station.say(3, id_, {})
    assert await csms.is_silent()


async def test_an_answer_in_fragments_with_a_ping_between_is_still_ours_alone(field: Any) -> None:
    station, csms = await field.pair()
    asked = call(field)
    _, id_, *_ = await station.hear()
    text = f'[3,"{id_}",{{"status":"Accepted"}}]'.encode()
    first = bytearray(encode(Opcode.TEXT, text[:5], mask=station.mask))
    first[0] &= 0x7F  # more follows
    ping = encode(Opcode.PING, b"hello", mask=station.mask)

    for byte in bytes(first) + ping + encode(Opcode.CONTINUATION, text[5:], mask=station.mask):
        station.raw(bytes((byte,)))
        await asyncio.sleep(0)

    assert (await asked).payload == {"status": "Accepted"}
    assert await csms.received_all(len(ping)) == ping


async def test_a_boot_that_we_asked_for_is_marked_even_when_it_comes_before_the_answer(field: Any) -> None:
    station, csms = await field.pair()
    asked = call(field, *TRIGGER)
    _, id_, *_ = await station.hear()

    station.say(2, "b1", "BootNotification", {"chargePointVendor": "ACME", "chargePointModel": "X"})
    station.say(3, id_, {"status": "Accepted"})
    await csms.hear()
    csms.say(3, "b1", {"status": "Accepted", "currentTime": "2026-11-20T00:00:00Z", "interval": 30})

    await asked
    boot = await field.sees(Kind.BOOT)
    assert boot.solicited
    assert boot.answer == "Accepted"


async def test_a_boot_after_a_refused_trigger_is_the_stations_own(field: Any) -> None:
    station, csms = await field.pair()
    asked = call(field, *TRIGGER)
    _, id_, *_ = await station.hear()
    station.say(3, id_, {"status": "Rejected"})
    await asked

    station.say(2, "b1", "BootNotification", {"chargePointVendor": "ACME", "chargePointModel": "X"})
    await csms.hear()
    csms.say(3, "b1", {"status": "Accepted"})

    assert not (await field.sees(Kind.BOOT)).solicited


MAX_KEYS = [
    pytest.param([{"key": "A", "value": "1"}, {"key": "GetConfigurationMaxKeys", "value": "30"}], ["30"], id="told"),
    pytest.param([{"key": "getconfigurationmaxkeys", "readonly": True, "value": 4}], ["4"], id="as a number"),
    pytest.param([{"key": "GetConfigurationMaxKeys"}], [], id="hidden"),
    pytest.param([{"key": "GetConfigurationMaxKeys", "value": "many"}], [], id="nonsense"),
    pytest.param("nothing", [], id="no list"),
]


@pytest.mark.parametrize(("listed", "told"), MAX_KEYS)
async def test_how_many_keys_a_station_takes_is_a_sighting_when_it_tells_us(
    field: Any, listed: Any, told: list[str]
) -> None:
    station, _ = await field.pair()
    asked = call(field, "GetConfiguration", {"key": ["A"]})
    _, id_, *_ = await station.hear()

    station.say(3, id_, {"configurationKey": listed})
    await asked

    assert [sighting.detail for sighting in field.seen(Kind.KEYS)] == told


async def test_what_a_station_tells_the_csms_of_its_keys_stays_between_them(field: Any) -> None:
    station, csms = await field.pair()
    csms.say(2, "c1", "GetConfiguration", {})
    await station.hear()

    station.say(3, "c1", {"configurationKey": [{"key": "GetConfigurationMaxKeys", "value": "30"}]})
    await csms.hear()

    assert field.seen(Kind.KEYS) == []
