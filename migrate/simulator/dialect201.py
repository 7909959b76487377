"""The station's end of an OCPP 2.0.1 or 2.1 session, on the `ocpp` package.

Translates: an action comes in, one method of the station answers, a payload
goes out.  It decides nothing, and like its sister for 1.6 it checks no schema.
For what a move needs, 2.1 uses the messages of 2.0.1.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ocpp.v21 import ChargePoint as ChargePoint21
from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201.enums import Action

from migrate.simulator.deal import StationSpec
from migrate.simulator.dialect import End, answers, firmware_order, now, seconds
from migrate.simulator.downloading import Order
from migrate.simulator.reporting import Part

ROOT = "CSMSRootCertificate"


@dataclass(frozen=True, slots=True)
class Asked:
    """One variable that a CSMS names, as it names it."""

    component: Mapping[str, Any]
    variable: Mapping[str, Any]
    value: str = ""

    @property
    def key(self) -> str:
        """In one word: `Component[instance].Variable[instance]`."""
        return f"{_named(self.component)}.{_named(self.variable)}"


@dataclass(frozen=True, slots=True)
class Said:
    """The station's answer about one variable."""

    status: str
    value: str | None = None
    reason: str = ""


class Commanded201(Protocol):
    """What a session asks of the station behind it."""

    async def get_variables(self, asked: Sequence[Asked]) -> list[Said]: ...
    async def set_variables(self, asked: Sequence[Asked]) -> list[Said]: ...
    async def set_network_profile(self, slot: int, data: Mapping[str, Any]) -> Said: ...
    async def reset(self, kind: str) -> str: ...
    async def trigger_of(self, action: str, connector: int) -> str: ...
    async def report(self, request: int, base: str) -> str: ...
    async def install_certificate(self, kind: str, pem: str) -> str: ...
    async def show_certificates(self, kind: str) -> list[dict[str, str]]: ...
    async def update_firmware(self, order: Order, action: str = ...) -> str: ...
    async def answered(self, action: str, message_id: str) -> None: ...
    def refuse(self, action: str) -> str: ...


class StationEnd201(End, ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """One session in 2.0.1."""

    def __init__(self, identity: str, connection: Any, station: Commanded201, *, counts_ids: bool = False) -> None:
        super().__init__(identity, connection, counts_ids=counts_ids)
        self._station = station
        self._events = 0

    async def answered(self, action: str, message_id: str) -> None:
        await self._station.answered(action, message_id)

    @answers(Action.get_variables)
    async def on_get_variables(self, get_variable_data: Any = None, **_: Any) -> call_result.GetVariables:
        asked = _asked(get_variable_data)
        said = await self._obey(self._station.get_variables(asked))
        return call_result.GetVariables(get_variable_result=[_got(*one) for one in zip(asked, said, strict=True)])

    @answers(Action.set_variables)
    async def on_set_variables(self, set_variable_data: Any = None, **_: Any) -> call_result.SetVariables:
        asked = _asked(set_variable_data)
        said = await self._obey(self._station.set_variables(asked))
        return call_result.SetVariables(set_variable_result=[_set(*one) for one in zip(asked, said, strict=True)])

    @answers(Action.set_network_profile)
    async def on_set_network_profile(
        self, configuration_slot: int, connection_data: Any = None, **_: Any
    ) -> call_result.SetNetworkProfile:
        data = connection_data if isinstance(connection_data, dict) else {}
        said = await self._obey(self._station.set_network_profile(configuration_slot, _camel(data)))
        return call_result.SetNetworkProfile(status=said.status, status_info=_info(said))

    @answers(Action.reset)
    async def on_reset(self, type: str, **_: Any) -> call_result.Reset:  # noqa: A002 - the field's name in OCPP
        return call_result.Reset(status=await self._obey(self._station.reset(str(type))))

    @answers(Action.trigger_message)
    async def on_trigger_message(self, requested_message: str, **named: Any) -> call_result.TriggerMessage:
        where = _mapping(named.get("evse"))
        connector = where.get("id", 0) if "connector_id" in where else 0
        status = await self._obey(self._station.trigger_of(str(requested_message), connector))
        return call_result.TriggerMessage(status=status)

    @answers(Action.get_base_report)
    async def on_get_base_report(
        self, request_id: int = 0, report_base: str = "", **_: Any
    ) -> call_result.GetBaseReport:
        return call_result.GetBaseReport(status=await self._obey(self._station.report(request_id, str(report_base))))

    @answers(Action.change_availability)
    async def on_change_availability(self, **_: Any) -> call_result.ChangeAvailability:
        return call_result.ChangeAvailability(status=self._station.refuse("ChangeAvailability"))

    @answers(Action.update_firmware)
    async def on_update_firmware(
        self, request_id: object = 0, firmware: Any = None, **_: Any
    ) -> call_result.UpdateFirmware:
        status = await self._obey(self._station.update_firmware(firmware_order(request_id, firmware)))
        return call_result.UpdateFirmware(status=status)

    @answers(Action.install_certificate)
    async def on_install_certificate(
        self, certificate_type: str, certificate: str, **_: Any
    ) -> call_result.InstallCertificate:
        kind = "CentralSystemRootCertificate" if certificate_type == ROOT else str(certificate_type)
        status = await self._obey(self._station.install_certificate(kind, str(certificate)))
        return call_result.InstallCertificate(status=status)

    @answers(Action.get_installed_certificate_ids)
    async def on_get_installed_certificate_ids(
        self, certificate_type: Any = None, **_: Any
    ) -> call_result.GetInstalledCertificateIds:
        asks_for_it = not certificate_type or ROOT in certificate_type
        kind = "CentralSystemRootCertificate" if asks_for_it else "another"
        found = await self._obey(self._station.show_certificates(kind))
        chain = [{"certificate_type": ROOT, "certificate_hash_data": one} for one in found]
        status = "Accepted" if chain else "NotFound"
        return call_result.GetInstalledCertificateIds(status=status, certificate_hash_data_chain=chain or None)

    async def boot(self, spec: StationSpec, reason: str) -> tuple[str, float]:
        """Announce the station; the CSMS's word and the interval it asks for."""
        station: dict[str, Any] = {
            "vendor_name": spec.vendor,
            "model": spec.model,
            "serial_number": spec.serial,
            "firmware_version": spec.firmware,
        }
        if spec.iccid or spec.imsi:
            station["modem"] = {"iccid": spec.iccid, "imsi": spec.imsi}
        answer = await self._ask(call.BootNotification(charging_station=station, reason=reason))
        return str(answer.status), seconds(answer.interval)

    async def beat(self) -> None:
        await self._ask(call.Heartbeat())

    async def report_firmware(self, status: str, request: int | None = None) -> None:
        await self._ask(call.FirmwareStatusNotification(status=status, request_id=request))

    async def report_security(self, event: str) -> None:
        """A CSMS is no central system any more."""
        await self._ask(call.SecurityEventNotification(type=event.replace("CentralSystem", "Csms"), timestamp=now()))

    async def report_part(self, request: int, part: Part) -> None:
        """Straight from its model: the package would rename what is inside."""
        await self._ask(
            call.NotifyReport(
                request_id=request,
                generated_at=now(),
                seq_no=part.number,
                report_data=list(part.entries),
                tbc=part.continues,
            )
        )

    async def report_status(self, connector: int, status: str, _error: str = "NoError") -> None:
        """2.0.1 has no word for the station as a whole, and none for charging: a connector is Occupied."""
        if connector:
            words = {"Charging": "Occupied", "Preparing": "Occupied", "Finishing": "Occupied"}
            await self._ask(
                call.StatusNotification(
                    timestamp=now(), connector_status=words.get(status, status), evse_id=connector, connector_id=1
                )
            )

    async def start_transaction(self, tag: str) -> str:
        number = str(uuid.uuid4())
        await self._tell("Started", number, "Authorized", id_token={"id_token": tag, "type": "ISO14443"})
        return number

    async def stop_transaction(self, transaction: int | str, reason: str) -> None:
        trigger = "EVDeparted" if reason == "Local" else "ResetCommand"
        stopped = "Local" if reason == "Local" else "ImmediateReset"
        await self._tell("Ended", transaction, trigger, stopped_reason=stopped)

    async def _tell(
        self,
        event: str,
        number: int | str,
        trigger: str,
        id_token: Mapping[str, str] | None = None,
        stopped_reason: str | None = None,
    ) -> None:
        info = {"transaction_id": number} | ({"stopped_reason": stopped_reason} if stopped_reason else {})
        request = call.TransactionEvent(
            event_type=event,
            timestamp=now(),
            trigger_reason=trigger,
            seq_no=self._events,
            transaction_info=info,
            evse={"id": 1, "connector_id": 1},
            id_token=id_token,
        )
        self._events += 1
        await self._ask(request)


class StationEnd21(StationEnd201, ChargePoint21):  # type: ignore[misc]
    """One session in 2.1."""

    _ocpp_version = "2.1"


def _asked(listed: object) -> list[Asked]:
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [
        Asked(_mapping(one.get("component")), _mapping(one.get("variable")), str(one.get("attribute_value", "")))
        for one in entries
    ]


def _named(part: Mapping[str, Any]) -> str:
    name, instance = str(part.get("name", "")), part.get("instance")
    return f"{name}[{instance}]" if instance else name


def _got(asked: Asked, said: Said) -> Mapping[str, Any]:
    shown = {} if said.value is None else {"attribute_value": said.value}
    return {"attribute_status": said.status, "component": asked.component, "variable": asked.variable} | shown


def _set(asked: Asked, said: Said) -> Mapping[str, Any]:
    why = {"attribute_status_info": {"reason_code": said.reason}} if said.reason else {}
    return {"attribute_status": said.status, "component": asked.component, "variable": asked.variable} | why


def _info(said: Said) -> Mapping[str, str] | None:
    return {"reason_code": said.reason} if said.reason else None


def _camel(data: Mapping[str, Any]) -> dict[str, Any]:
    """The names as they came over the wire; the package has changed them on the way in."""
    return {_camel_word(name): _camel(one) if isinstance(one, dict) else one for name, one in data.items()}


def _camel_word(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def slot_text(data: Mapping[str, Any]) -> str:
    """What the flash keeps of a slot."""
    return json.dumps(data, sort_keys=True)
