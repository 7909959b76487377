"""Questions to one station through the relay, answered as they came: what a probe asks and an errand does not.

Beside values it hands through whether a key is read-only, which keys the
station does not know, and which it passed over in silence.  It writes
nothing, and it repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from migrate.adapters.channels.device_report import reported
from migrate.adapters.channels.relay import VERSIONS_2, RelayChannel
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.messages import held_value
from migrate.adapters.ocpp.replies import accepted, agreed
from migrate.domain.answered import Entry, Reported, Told
from migrate.domain.evidence import Side
from migrate.domain.profile import Restart

MAX_ENTRIES = 2_000
MAX_KEY = 255  # longer than any standard says


class RelayInquiry:
    """The station's own answers on one side.  Time-outs are real seconds."""

    def __init__(self, client: ListenClient, side: Side, *, timeout_s: float = 30.0) -> None:
        self._client, self._side, self._timeout_s = client, side, timeout_s
        self._channel = RelayChannel(client, side, timeout_s=timeout_s)

    async def tell(self, identity: str, keys: Sequence[str]) -> Told:
        """One GetConfiguration; every key the station lists when none is named."""
        payload = {"key": list(keys)} if keys else {}
        answer = await self._call(identity, "GetConfiguration", payload)
        return _told(keys, accepted(identity, "GetConfiguration", answer).payload)

    async def variables(self, identity: str, keys: Sequence[str]) -> Told:
        """The same of a station that speaks OCPP 2, by GetVariables, which says nothing of what may be written."""
        values = await self._channel.read(identity, keys)
        known = tuple(Entry(key=key, value=value) for key, value in values.items())
        return Told(entries=known, unknown=tuple(key for key in keys if key not in values))

    async def report(self, identity: str, base: str) -> Reported:
        """One GetBaseReport, and all that came of it."""
        protocol = await self._spoken(identity)
        answer = await self._client.report(self._side, identity, base, timeout_s=self._timeout_s, protocol=protocol)
        return reported(base, accepted(identity, "GetBaseReport", answer).payload)

    async def trigger(self, identity: str, message: str) -> str:
        """One TriggerMessage: ``Accepted``, which proves nothing; raises ``Refused`` or ``Unreachable``.

        OCPP 2 knows a status of connectors only, and has one named (F06.FR.12).
        """
        payload: dict[str, Any] = {"requestedMessage": message}
        if message == "StatusNotification" and await self._spoken(identity) in VERSIONS_2:
            payload["evse"] = {"id": 1, "connectorId": 1}
        answer = await self._call(identity, "TriggerMessage", payload)
        return agreed(identity, "TriggerMessage", answer)

    async def restart(self, identity: str) -> None:
        """One Reset that waits for whoever charges."""
        await self._channel.restart(identity, Restart.SOFT)

    async def cut(self, identity: str) -> None:
        """Lose the station's line."""
        await self._client.drop(self._side, identity)

    async def _spoken(self, identity: str) -> str:
        """The version of its session; without one the call itself will say that nobody is there."""
        session = (await self._client.presence(identity)).on(self._side)
        return session.protocol if session is not None else ""

    async def _call(self, identity: str, action: str, payload: Mapping[str, Any]) -> Any:
        return await self._client.inject(self._side, identity, action, payload, timeout_s=self._timeout_s)


def _told(asked: Sequence[str], payload: Mapping[str, Any]) -> Told:
    entries = tuple(_entries(payload.get("configurationKey")))
    listed = payload.get("unknownKey")
    unknown = tuple(key[:MAX_KEY] for key in listed if isinstance(key, str)) if isinstance(listed, list) else ()
    spoken_of = {entry.key.casefold() for entry in entries} | {key.casefold() for key in unknown}
    return Told(entries=entries, unknown=unknown, silent=tuple(k for k in asked if k.casefold() not in spoken_of))


def _entries(listed: object) -> list[Entry]:
    if not isinstance(listed, list):
        return []
    return [
        Entry(key=entry["key"][:MAX_KEY], value=held_value(entry.get("value")), readonly=_flag(entry.get("readonly")))
        for entry in listed[:MAX_ENTRIES]
        if isinstance(entry, dict) and isinstance(entry.get("key"), str)
    ]


def _flag(value: object) -> bool | None:
    """Its own word; some stations write it as text, some leave it out."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None
