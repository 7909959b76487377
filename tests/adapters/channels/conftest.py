"""A listening process between stations and a channel, in one event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvloop

from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.listen import ListenServer
from migrate.adapters.ocpp.relay import LAB, Relay
from migrate.domain.errors import JournalError
from migrate.domain.evidence import Side, Sighting
from tests.adapters.channels.doubles import Device
from tests.adapters.ocpp.wire import PATIENCE_S, Peer


class Shelf:
    """A journal's sightings, kept by whoever owns the campaign: they outlive the listening process."""

    def __init__(self) -> None:
        self.kept: list[Sighting] = []
        self.is_full = False

    async def record(self, seen: Sequence[Sighting]) -> list[int]:
        await asyncio.sleep(0)
        if self.is_full:
            raise JournalError("The disk is full.")
        places = [len(self.kept) + 1 + at for at in range(len(seen))]
        self.kept += [replace(sighting, seq=place) for sighting, place in zip(seen, places, strict=True)]
        return places

    async def tail(self, after: int) -> list[Sighting]:
        await asyncio.sleep(0)
        return self.kept[after : after + 2]  # small pages: a reader must ask again


class Site:
    """Two relays in lab mode behind one socket, and stations that dial them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "listen.sock"
        self.shelf = Shelf()
        self.client = ListenClient(self.path, dial_s=1.0)
        self.stations: list[tuple[Peer, asyncio.Task[None]]] = []
        self.peers: list[Peer] = []
        self.server: ListenServer
        self.relays: dict[Side, Relay] = {}

    async def up(self, upstream: str = LAB) -> None:
        self.relays = {
            side: Relay(
                side=side,
                listen=("127.0.0.1", 0),
                upstream=upstream,
                now=lambda: datetime.now(UTC),
                tag_key=b"key",
            )
            for side in Side
        }
        self.server = ListenServer(list(self.relays.values()), self.path, self.shelf.record)
        await self.server.start()

    async def station(
        self, identity: str, *, side: Side = Side.SOURCE, device: Device | None = None, protocol: str = "ocpp1.6"
    ) -> Peer:
        peer = await self.raw_station(identity, side=side, protocol=protocol)
        self.stations.append((peer, asyncio.create_task(obey(peer, device or Device()))))
        return peer

    async def raw_station(self, identity: str, *, side: Side = Side.SOURCE, protocol: str = "ocpp1.6") -> Peer:
        """One that somebody else speaks for."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.relays[side].port)
        writer.write(
            f"GET /{identity} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode()
        )
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        peer = Peer(reader, writer, mask=os.urandom(4))
        self.peers.append(peer)
        return peer

    async def down(self) -> None:
        for _, task in self.stations:
            task.cancel()
        for peer in self.peers:
            await peer.stop()
        await self.client.close()
        await self.server.drain()


async def obey(peer: Peer, device: Device) -> None:
    """A station's firmware, in as far as it takes commands."""
    while True:
        message = await _next(peer)
        if message[0] != 2:
            continue
        _, id_, action, payload = message
        device.calls.append(action)
        if not device.is_mute:
            peer.say(*answer(device, id_, action, payload))


async def _next(peer: Peer) -> Any:
    while True:
        try:
            return await peer.hear()
        except TimeoutError:
            continue


def answer(device: Device, id_: str, action: str, payload: dict[str, Any]) -> list[Any]:
    if action in IN_201:
        return [3, id_, IN_201[action](device, payload)]
    if action == "GetConfiguration":
        return _configuration(device, id_, payload.get("key"))
    verdict = device.verdicts.get(payload.get("key", action), "Accepted")
    if verdict in ("InternalError", "NotImplemented"):
        return [4, id_, verdict, "", {}]
    if action == "ChangeConfiguration" and verdict in ("Accepted", "RebootRequired"):
        device.values[payload["key"]] = payload["value"]
    return [3, id_, {"status": verdict}]


def _configuration(device: Device, id_: str, asked: list[str] | None) -> list[Any]:
    """Leaves out what is beyond its page, as stations do that do not refuse."""
    held = {key.lower(): key for key in device.values}
    shown = list(device.values) if asked is None else [held[k.lower()] for k in asked if k.lower() in held]
    unknown = [k for k in asked or () if k.lower() not in held]
    entries = [{"key": k, "readonly": False, "value": device.values[k]} for k in shown[: device.max_keys]]
    return [3, id_, {"configurationKey": entries, "unknownKey": unknown}]


def _key(one: dict[str, Any]) -> str:
    parts = (one["component"], one["variable"])
    return ".".join(part["name"] + (f"[{part['instance']}]" if "instance" in part else "") for part in parts)


def _get_variables(device: Device, payload: dict[str, Any]) -> dict[str, Any]:
    """Passes over in silence what is beyond its page."""
    told = []
    for one in payload["getVariableData"][: device.max_keys]:
        found = {"attributeStatus": "UnknownVariable"}
        if (key := _key(one)) in device.values:
            value = device.values[key]
            found = {"attributeStatus": "Rejected"} if value is None else {"attributeStatus": "Accepted"}
            found |= {} if value is None else {"attributeValue": value}
        told.append({**one, **found})
    return {"getVariableResult": told}


def _set_variables(device: Device, payload: dict[str, Any]) -> dict[str, Any]:
    (one,) = payload["setVariableData"]
    verdict = device.verdicts.get(key := _key(one), "Accepted")
    if verdict in ("Accepted", "RebootRequired"):
        device.values[key] = one["attributeValue"]
    where = {"component": one["component"], "variable": one["variable"]}
    return {"setVariableResult": [where | ({"attributeStatus": verdict} if verdict else {})]}


def _set_network_profile(device: Device, payload: dict[str, Any]) -> dict[str, Any]:
    slot = payload["configurationSlot"]
    device.values[f"NetworkConfiguration[{slot}].OcppCsmsUrl"] = payload["connectionData"]["ocppCsmsUrl"]
    return {"status": device.verdicts.get(f"NetworkProfile[{slot}]", "Accepted")}


IN_201 = {
    "GetVariables": _get_variables,
    "SetVariables": _set_variables,
    "SetNetworkProfile": _set_network_profile,
}


def pytest_asyncio_loop_factories() -> dict[str, Any]:
    """The event loop that ``migrate listen`` runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    await site.up()
    yield site
    await site.down()
