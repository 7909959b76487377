"""Sockets that die at any moment, on either side, with calls open and messages half sent."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest

from migrate.adapters.ocpp.framing import Opcode, encode
from migrate.domain.errors import Unreachable
from migrate.domain.evidence import Kind

DEATHS = ("station aborts", "station leaves", "csms aborts", "csms leaves", "both abort", "station stops reading")


async def one_life(field: Any, identity: str, death: str, dice: random.Random) -> None:
    station, csms = await field.pair(identity)
    call = asyncio.create_task(field.relay.inject(identity, "Reset", {}, timeout_s=5.0))
    for number in range(dice.randrange(5)):
        whole = encode(Opcode.TEXT, os.urandom(dice.choice([10, 1000, 100_000])), mask=station.mask)
        station.raw(whole[: dice.randrange(len(whole))] if number == 3 else whole)
        csms.raw(encode(Opcode.TEXT, b'[2,"%d","ClearCache",{}]' % number))
        await asyncio.sleep(dice.random() * 0.005)
    if death == "station stops reading":
        station.writer.transport.pause_reading()
        csms.raw(encode(Opcode.BINARY, b"x" * 8_000_000))
        await asyncio.sleep(0.01)
        csms.writer.transport.abort()
    for who, peer in (("station", station), ("csms", csms)):
        if death.startswith((who, "both")):
            peer.leave() if death.endswith("leaves") else peer.writer.transport.abort()
    with pytest.raises(Unreachable):
        await call
    await asyncio.gather(station.stop(), csms.stop())


async def test_whatever_dies_when_every_session_ends_once_and_nothing_is_left(field: Any) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    for turn in range(3):
        await asyncio.gather(
            *(one_life(field, f"AC{n}", DEATHS[n % 6], random.Random(turn * 100 + n)) for n in range(18))
        )

    await field.sees(Kind.DISCONNECTED, times=54)
    connected = sorted(sighting.session for sighting in field.seen(Kind.CONNECTED))
    assert sorted(sighting.session for sighting in field.seen(Kind.DISCONNECTED)) == connected
    assert field.relay.stats()["live"] == 0
    assert complaints == []
