"""The simulated backend: who gets in, what it answers, and that nothing malformed ends a connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from migrate.simulator.csms import SimulatedCsms, Strength

OCPP16 = [Subprotocol("ocpp1.6")]
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest.fixture
async def csms() -> AsyncIterator[SimulatedCsms]:
    backend = SimulatedCsms(register=frozenset({"A", "AB 1", "a/b"}))
    await backend.up()
    yield backend
    await backend.down()


def dial(csms: SimulatedCsms, segment: str, **facts: Any) -> connect:
    return connect(f"{csms.url}/{segment}", proxy=None, **{"subprotocols": OCPP16, **facts})


async def ask(socket: ClientConnection, action: str, payload: Any) -> list[Any]:
    await socket.send(json.dumps([2, "1", action, payload]))
    answer: list[Any] = json.loads(await socket.recv())
    return answer


@pytest.mark.parametrize("segment", ["A", "AB%201", "a%2Fb"])
async def test_a_registered_station_boots_under_its_decoded_identity(csms: SimulatedCsms, segment: str) -> None:
    async with dial(csms, segment) as socket:
        answer = await ask(socket, "BootNotification", BOOT)

    assert answer[0] == 3
    assert answer[2]["status"] == "Accepted"
    assert answer[2]["interval"] == 30
    assert sum(csms.boots.values()) == 1
    assert set(csms.boots) <= {"A", "AB 1", "a/b"}


@pytest.mark.parametrize("segment", ["B", "a", "", "x/A", "A/"])
async def test_an_unknown_station_or_path_is_refused_with_404(csms: SimulatedCsms, segment: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await dial(csms, segment)

    assert refusal.value.response.status_code == 404


async def test_a_station_that_offers_no_subprotocol_gets_in(csms: SimulatedCsms) -> None:
    async with dial(csms, "A", subprotocols=None) as socket:
        assert (await ask(socket, "Heartbeat", {}))[0] == 3


@pytest.mark.parametrize(
    "frame",
    ["", "{}", "[]", "[2]", "not json", '[2,"1",["x"],{}]', "[" * 100_000, "9" * 5000, b"\x00\xff", "[3,null,{}]"],
    ids=["empty", "object", "list", "short", "text", "list action", "deep", "huge number", "binary", "odd answer"],
)
async def test_a_malformed_frame_ends_no_connection(csms: SimulatedCsms, frame: str | bytes) -> None:
    async with dial(csms, "A") as socket:
        await socket.send(frame)
        await socket.send('[2,"2","Heartbeat",{}]')
        last = await socket.recv()
        if json.loads(last)[1] != "2":
            last = await socket.recv()

    assert json.loads(last)[:2] == [3, "2"]


async def test_an_unknown_action_is_not_implemented(csms: SimulatedCsms) -> None:
    async with dial(csms, "A") as socket:
        assert (await ask(socket, "LogStatusNotification", {}))[2] == "NotImplemented"


async def test_a_backend_that_goes_down_cuts_everybody_off_and_comes_back_at_its_address(csms: SimulatedCsms) -> None:
    address = csms.url
    socket = await dial(csms, "A")

    await csms.down()
    with pytest.raises(ConnectionClosed):
        await socket.recv()
    with pytest.raises(OSError, match="onnect"):
        await dial(csms, "A")
    await csms.up()

    assert csms.url == address
    async with dial(csms, "A") as again:
        assert (await ask(again, "Heartbeat", {}))[0] == 3


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_a_boot_that_is_not_accepted_is_not_counted(csms: SimulatedCsms, status: str) -> None:
    csms.boot_answers["A"] = status

    async with dial(csms, "A") as socket:
        answer = await ask(socket, "BootNotification", BOOT)

    assert answer[2]["status"] == status
    assert csms.boots["A"] == 0


async def boot_all(csms: SimulatedCsms, stations: int) -> list[bool]:
    """That many stations boot at once; which of them got an answer."""

    async def boots(number: int) -> bool:
        try:
            async with dial(csms, f"S-{number}") as socket:
                return (await ask(socket, "BootNotification", BOOT))[0] == 3
        except (ConnectionClosed, OSError):
            return False

    return await asyncio.gather(*(boots(number) for number in range(stations)))


async def test_a_weak_backend_takes_boots_as_fast_as_its_pool_and_lives() -> None:
    backend = SimulatedCsms(strength=Strength(pool=2, work_s=0.05))
    await backend.up()
    began = asyncio.get_running_loop().time()

    answered = await boot_all(backend, 8)
    took_s = asyncio.get_running_loop().time() - began
    await backend.down()

    assert all(answered)
    assert took_s >= 0.2
    assert backend.most_waiting > 2
    assert backend.deaths == 0


async def test_a_backend_with_too_small_a_pool_dies_under_many_boots_and_can_be_brought_up_again() -> None:
    backend = SimulatedCsms(strength=Strength(pool=1, work_s=0.2, dies_beyond=5))
    await backend.up()

    answered = await boot_all(backend, 30)
    was_up = backend.is_up
    await backend.up()
    later = await boot_all(backend, 2)
    await backend.down()

    assert not all(answered)
    assert (was_up, backend.deaths) == (False, 1)
    assert all(later)


async def test_a_slow_backend_takes_its_time_over_every_answer() -> None:
    backend = SimulatedCsms()
    await backend.up()
    backend.slow_s = 0.2
    async with dial(backend, "A") as socket:
        began = asyncio.get_running_loop().time()
        await ask(socket, "Heartbeat", {})
        took_s = asyncio.get_running_loop().time() - began
    await backend.down()

    assert took_s >= 0.2
