"""How a simulated station obeys its backend in OCPP 2.0.1 and 2.1.

Variables and network profiles instead of keys; everything else as in 1.6.
Each command goes into the wire log as the station itself saw it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from migrate.simulator.address import Layout
from migrate.simulator.dialect import NoAnswer
from migrate.simulator.dialect201 import Asked, Said, StationEnd201, slot_text
from migrate.simulator.flash import ACCEPTED, NOT_SUPPORTED, REJECTED, TooManyKeys
from migrate.simulator.habits import Reporting, Resetting, SlotWriting, Storing, Writing
from migrate.simulator.obedience import LONGEST_NAME, NOT_IMPLEMENTED, Obedience
from migrate.simulator.reporting import answer, parts
from migrate.simulator.wirelog import Kind
from migrate.simulator.world import SHORTEST_S

PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
ACTIVE = "OCPPCommCtrlr.ActiveNetworkProfile"
SECURITY_PROFILE = "SecurityCtrlr.SecurityProfile"
SHOWN_SLOT = re.compile(r"networkconfiguration\[(\d+)\]\.(\w+)", re.IGNORECASE)
NEEDED = ("ocppTransport", "ocppCsmsUrl", "messageTimeout", "securityProfile", "ocppInterface")
"""Required of a network profile in both versions; 2.0.1 wants `ocppVersion` too."""


class Obedience201(Obedience):
    """What one session does with what it is told."""

    async def get_variables(self, asked: Sequence[Asked]) -> list[Said]:
        keys = tuple(one.key[:LONGEST_NAME] for one in asked)
        self._asked("GetVariables", keys=keys)
        if len(asked) > self._station.flash.max_keys:
            self._said("GetVariables", "too many variables")
            raise TooManyKeys
        said = [self._shown(one) for one in asked]
        self._said("GetVariables", f"{sum(one.status == ACCEPTED for one in said)} of {len(said)}")
        return said

    def _shown(self, asked: Asked) -> Said:
        flash = self._station.flash
        if slot := SHOWN_SLOT.fullmatch(asked.key):
            return self._shown_slot(int(slot[1]), slot[2])
        if self._is_slot(asked.key):
            return Said("UnknownComponent")
        known, _ = flash.read([asked.key])
        if not known:
            return self._unknown(asked)
        value = known[0].value
        return Said(ACCEPTED, value) if value is not None else Said(REJECTED, reason="WriteOnly")

    def _shown_slot(self, slot: int, variable: str) -> Said:
        text = self._station.flash.value(f"NetworkProfile[{slot}]")
        if not self._station.ways.shows_slots or not text:
            return Said("UnknownComponent")
        fields = {name.lower(): value for name, value in json.loads(text).items()}
        if variable.lower() == "basicauthpassword":
            return Said(REJECTED, reason="WriteOnly")
        value = fields.get(variable.lower())
        return Said("UnknownVariable") if value is None else Said(ACCEPTED, str(value))

    def _unknown(self, asked: Asked) -> Said:
        component = asked.key.partition(".")[0]
        return Said("UnknownVariable" if self._station.flash.knows_component(component) else "UnknownComponent")

    async def set_variables(self, asked: Sequence[Asked]) -> list[Said]:
        return [self._set(one) for one in asked]

    def _set(self, asked: Asked) -> Said:
        station, key = self._station, asked.key
        is_address = station.flash.is_backend_key(key) and not self._is_slot(key)
        shown = asked.value if is_address else station.world.wire.veil(asked.value)
        self._asked("SetVariables", key=key[:LONGEST_NAME], value=shown)
        if is_address and self._is_lost():
            raise NoAnswer
        said = self._written(key, asked.value)
        if said.status == NOT_SUPPORTED:
            said = self._unknown(asked)
        self._take_over(is_address and said.status in (ACCEPTED, "RebootRequired"))
        self._said("SetVariables", f"{said.status} {said.reason}".strip(), key[:LONGEST_NAME])
        return said

    def _written(self, key: str, value: str) -> Said:
        if SHOWN_SLOT.fullmatch(key):
            return Said(REJECTED, reason="PriorityNetworkConf")  # B09.FR.22: not while the order names the slot
        if self._is_slot(key):
            return Said("UnknownComponent")
        if key.lower() == PRIORITY.lower() and not self._can_be_order(value):
            return Said(REJECTED, reason="InvalidNetworkConf")
        status = self._station.flash.write(key, value)
        return Said(status, reason="ReadOnly" if status == REJECTED else "")

    def _can_be_order(self, value: str) -> bool:
        """Every slot that it names exists; whether somebody answers there only a dial tells."""
        named = [number.strip() for number in value.split(",")]
        return all(self._station.flash.is_backend_key(f"NetworkProfile[{number}]") for number in named)

    async def set_network_profile(self, slot: int, data: Mapping[str, Any]) -> Said:
        key = f"NetworkProfile[{slot}]"
        self._asked("SetNetworkProfile", key=key[:LONGEST_NAME], value=str(data.get("ocppCsmsUrl", "")))
        if self._is_lost():
            raise NoAnswer
        said = self._filled(slot, data)
        self._take_over(said.status == ACCEPTED)
        self._said("SetNetworkProfile", f"{said.status} {said.reason}".strip(), key[:LONGEST_NAME])
        return said

    def _filled(self, slot: int, data: Mapping[str, Any]) -> Said:
        station, key = self._station, f"NetworkProfile[{slot}]"
        if station.ways.layout is not Layout.NETWORK_PROFILES:
            raise self._refusal("SetNetworkProfile", NOT_SUPPORTED, "it has no network profiles")
        if not station.flash.is_backend_key(key):
            return Said(REJECTED, reason="InvalidConfSlot")
        if why := self._against(data):
            return Said(REJECTED, reason=why)
        if station.ways.slot_writing is SlotWriting.FAILS:
            return Said("Failed", reason="InternalError")
        if station.ways.slot_writing is SlotWriting.INERT or station.ways.storing is Storing.NOTHING:
            return Said(ACCEPTED)
        if station.flash.write(key, slot_text(data)) == REJECTED:
            return Said(REJECTED, reason="InternalError")
        if station.ways.appends_slots:
            station.flash.append(slot)
        return Said(ACCEPTED)

    def _against(self, data: Mapping[str, Any]) -> str:
        """Why this cannot be a network profile of this station (B09.FR.02 and FR.04), in the words of one stack."""
        is_old = "ocpp2.1" not in self._station.ways.speaks
        if any(data.get(name) in (None, "") for name in (*NEEDED, *(["ocppVersion"] if is_old else []))):
            return "InvalidNetworkConf"
        if is_old and {"identity", "basicAuthPassword"} & data.keys():
            return "InvalidNetworkConf"
        if data["ocppTransport"] != "JSON":
            return "InvalidNetworkConf"
        if self._station.ways.interface not in ("", data["ocppInterface"]):
            return "InvalidInterface"
        held_now = int(self._station.flash.number(SECURITY_PROFILE, 0))
        wanted = data["securityProfile"]
        if not isinstance(wanted, int):
            return "InvalidNetworkConf"
        return "NoSecurityDowngrade" if wanted < held_now else ""

    @staticmethod
    def _is_slot(key: str) -> bool:
        return key.lower().startswith("networkprofile[")

    def _take_over(self, is_stored: bool) -> None:
        """An address was written: say which one the configuration spells now."""
        if is_stored:
            self._session.log(Kind.STORED, value=self._station.held)
            self._apply_at_once()
            if self._station.ways.writing is Writing.STORES_SILENTLY:
                raise NoAnswer

    async def trigger_of(self, action: str, connector: int) -> str:
        """A status is a connector's: without one named nothing is sent (F06.FR.12, and libocpp does so)."""
        if action == "StatusNotification" and not 0 < connector <= self._station.spec.connectors:
            self._asked("TriggerMessage", key=action)
            return self._said("TriggerMessage", REJECTED, action)
        return await self.trigger(action)

    async def report(self, request: int, base: str) -> str:
        """Its device model, in parts that follow the answer."""
        self._asked("GetBaseReport", keys=(base[:LONGEST_NAME],))
        reporting = self._station.ways.reporting
        if reporting is Reporting.NOT_IMPLEMENTED:
            raise self._refusal("GetBaseReport", NOT_IMPLEMENTED, "no reports")
        status = answer(reporting, base)
        if status == ACCEPTED:
            self._session.aside(self._report(request))
        return self._said("GetBaseReport", status)

    async def _report(self, request: int) -> None:
        station, end = self._station, self._session.end
        await asyncio.sleep(SHORTEST_S)  # the answer to the question goes first
        for part in parts(station.flash, station.ways, station.spec.connectors):
            self._session.log(Kind.REPORT, key=str(part.number), status="to be continued" if part.continues else "last")
            if isinstance(end, StationEnd201):
                await end.report_part(request, part)

    async def reset(self, kind: str) -> str:
        """*OnIdle* cuts nobody off: while somebody charges it is scheduled.  *Immediate* is the hard one of 1.6."""
        self._asked("Reset", key=kind[:LONGEST_NAME])
        station = self._station
        if kind == "OnIdle" and (station.connector.is_charging or station.ways.resetting is Resetting.SCHEDULED):
            self._session.aside(self._session.restart_when_ready())
            return self._said("Reset", "Scheduled")
        return await self._restart("Hard" if kind == "Immediate" else "Soft")
