"""The station's end of an OCPP 1.6 session, on the `ocpp` package.

Translates: an action comes in, one method of the station answers, a payload
goes out.  It decides nothing.  Schemas are not checked on the way, because a
station in the field does not check them either and a fleet has no CPU for it.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import ocpp.messages
from ocpp.exceptions import NotImplementedError as ActionNotImplemented
from ocpp.exceptions import OccurenceConstraintViolationError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action

from migrate.simulator.deal import StationSpec
from migrate.simulator.flash import Shown, TooManyKeys

SILENT = logging.getLogger("ocpp")
SILENT.disabled = True  # it prints whole frames, secrets included
ocpp.messages.ASYNC_VALIDATION = False


class Commanded(Protocol):
    """What a session asks of the station behind it."""

    async def change(self, key: str, value: str) -> str: ...
    async def show(self, keys: list[str]) -> tuple[list[Shown], list[str]]: ...
    async def reset(self, kind: str) -> str: ...
    async def trigger(self, action: str, connector: int) -> str: ...
    def refuse(self, action: str) -> str: ...


class StationEnd(ChargePoint):
    """One session; dies with its socket."""

    def __init__(self, identity: str, connection: Any, station: Commanded) -> None:
        super().__init__(identity, connection, logger=SILENT)
        self._station = station

    @on(Action.change_configuration, skip_schema_validation=True)
    async def on_change_configuration(self, key: str, value: str, **_: Any) -> call_result.ChangeConfiguration:
        return call_result.ChangeConfiguration(status=await self._station.change(str(key), str(value)))  # type: ignore[arg-type]

    @on(Action.get_configuration, skip_schema_validation=True)
    async def on_get_configuration(self, key: Any = None, **_: Any) -> call_result.GetConfiguration:
        try:
            known, unknown = await self._station.show([str(name) for name in key or ()])
        except TooManyKeys as error:
            raise OccurenceConstraintViolationError(description="too many keys at once") from error
        return call_result.GetConfiguration(configuration_key=[_entry(one) for one in known], unknown_key=unknown)

    @on(Action.reset, skip_schema_validation=True)
    async def on_reset(self, type: str, **_: Any) -> call_result.Reset:  # noqa: A002 - the field's name in OCPP
        return call_result.Reset(status=await self._station.reset(str(type)))  # type: ignore[arg-type]

    @on(Action.trigger_message, skip_schema_validation=True)
    async def on_trigger_message(
        self, requested_message: str, connector_id: int = 0, **_: Any
    ) -> call_result.TriggerMessage:
        status = await self._station.trigger(str(requested_message), connector_id)
        return call_result.TriggerMessage(status=status)  # type: ignore[arg-type]

    @on(Action.change_availability, skip_schema_validation=True)
    async def on_change_availability(self, **_: Any) -> call_result.ChangeAvailability:
        return call_result.ChangeAvailability(status=self._station.refuse("ChangeAvailability"))  # type: ignore[arg-type]

    @on(Action.update_firmware, skip_schema_validation=True)
    async def on_update_firmware(self, **_: Any) -> call_result.UpdateFirmware:
        raise ActionNotImplemented(description=self._station.refuse("UpdateFirmware"))

    async def boot(self, spec: StationSpec) -> tuple[str, float]:
        """Announce the station; the CSMS's word and the interval it asks for."""
        request = call.BootNotification(
            charge_point_vendor=spec.vendor,
            charge_point_model=spec.model,
            charge_point_serial_number=spec.serial,
            firmware_version=spec.firmware,
            iccid=spec.iccid or None,
            imsi=spec.imsi or None,
        )
        answer = await self._ask(request)
        return str(answer.status), float(answer.interval)

    async def beat(self) -> None:
        await self._ask(call.Heartbeat())

    async def report_status(self, connector: int, status: str) -> None:
        await self._ask(
            call.StatusNotification(
                connector_id=connector,
                error_code="NoError",  # type: ignore[arg-type]
                status=status,  # type: ignore[arg-type]
                timestamp=_now(),
            )
        )

    async def start_transaction(self, tag: str) -> int:
        request = call.StartTransaction(connector_id=1, id_tag=tag, meter_start=0, timestamp=_now())
        return int((await self._ask(request)).transaction_id)

    async def stop_transaction(self, transaction: int, reason: str) -> None:
        request = call.StopTransaction(
            transaction_id=transaction,
            meter_stop=7000,
            timestamp=_now(),
            reason=reason,  # type: ignore[arg-type]
        )
        await self._ask(request)

    async def _ask(self, request: Any) -> Any:
        """Send one CALL; a CALLERROR is raised, never hidden."""
        return await self.call(request, suppress=False, skip_schema_validation=True)


def _entry(one: Shown) -> Mapping[str, Any]:
    entry: dict[str, Any] = {"key": one.key, "readonly": one.readonly}
    return entry if one.value is None else entry | {"value": one.value}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
