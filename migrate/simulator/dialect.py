"""The station's end of an OCPP 1.6 session, on the `ocpp` package.

Translates: an action comes in, one method of the station answers, a payload
goes out.  It decides nothing.  Schemas are not checked on the way, because a
station in the field does not check them either and a fleet has no CPU for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar, cast

import ocpp.messages
from ocpp.exceptions import NotImplementedError as ActionNotImplemented
from ocpp.exceptions import OccurenceConstraintViolationError, OCPPError, UnknownCallErrorCodeError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action

from migrate.simulator.deal import StationSpec
from migrate.simulator.flash import Shown, TooManyKeys

SILENT = logging.getLogger("ocpp")
SILENT.disabled = True  # it prints whole frames, secrets included
ocpp.messages.ASYNC_VALIDATION = False


Method = TypeVar("Method", bound=Callable[..., Any])


def answers(action: str) -> Callable[[Method], Method]:
    """Route an action to a method, without checking schemas."""
    return cast("Callable[[Method], Method]", on(action, skip_schema_validation=True))


class BadAnswer(Exception):
    """The CSMS answered with an error, with nonsense, or not at all."""


class Commanded(Protocol):
    """What a session asks of the station behind it."""

    async def change(self, key: str, value: str) -> str: ...
    async def show(self, keys: list[str]) -> tuple[list[Shown], list[str]]: ...
    async def reset(self, kind: str) -> str: ...
    async def trigger(self, action: str) -> str: ...
    def refuse(self, action: str) -> str: ...


class StationEnd(ChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """One session; dies with its socket."""

    def __init__(self, identity: str, connection: Any, station: Commanded) -> None:
        super().__init__(identity, connection, logger=SILENT)
        self._station = station

    @answers(Action.change_configuration)
    async def on_change_configuration(self, key: str, value: str, **_: Any) -> call_result.ChangeConfiguration:
        return call_result.ChangeConfiguration(status=await self._station.change(str(key), str(value)))

    @answers(Action.get_configuration)
    async def on_get_configuration(self, key: Any = None, **_: Any) -> call_result.GetConfiguration:
        try:
            known, unknown = await self._station.show([str(name) for name in key or ()])
        except TooManyKeys as error:
            raise OccurenceConstraintViolationError(description="too many keys at once") from error
        return call_result.GetConfiguration(configuration_key=[_entry(one) for one in known], unknown_key=unknown)

    @answers(Action.reset)
    async def on_reset(self, type: str, **_: Any) -> call_result.Reset:  # noqa: A002 - the field's name in OCPP
        return call_result.Reset(status=await self._station.reset(str(type)))

    @answers(Action.trigger_message)
    async def on_trigger_message(self, requested_message: str, **_: Any) -> call_result.TriggerMessage:
        return call_result.TriggerMessage(status=await self._station.trigger(str(requested_message)))

    @answers(Action.change_availability)
    async def on_change_availability(self, **_: Any) -> call_result.ChangeAvailability:
        return call_result.ChangeAvailability(status=self._station.refuse("ChangeAvailability"))

    @answers(Action.update_firmware)
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
        return str(answer.status), _seconds(answer.interval)

    async def beat(self) -> None:
        await self._ask(call.Heartbeat())

    async def report_status(self, connector: int, status: str) -> None:
        await self._ask(
            call.StatusNotification(
                connector_id=connector,
                error_code="NoError",
                status=status,
                timestamp=_now(),
            )
        )

    async def start_transaction(self, tag: str) -> int:
        request = call.StartTransaction(connector_id=1, id_tag=tag, meter_start=0, timestamp=_now())
        number = (await self._ask(request)).transaction_id
        return number if isinstance(number, int) else -1  # some CSMSes send none; the driver charges all the same

    async def stop_transaction(self, transaction: int, reason: str) -> None:
        request = call.StopTransaction(
            transaction_id=transaction,
            meter_stop=7000,
            timestamp=_now(),
            reason=reason,
        )
        await self._ask(request)

    async def _ask(self, request: Any) -> Any:
        """Send one CALL; a CALLERROR, an unfit answer or none is BadAnswer, never hidden."""
        try:
            return await self.call(request, suppress=False, skip_schema_validation=True)
        except (OCPPError, UnknownCallErrorCodeError, TimeoutError, TypeError, AttributeError) as error:
            raise BadAnswer(type(request).__name__) from error


def _entry(one: Shown) -> Mapping[str, Any]:
    entry: dict[str, Any] = {"key": one.key, "readonly": one.readonly}
    return entry if one.value is None else entry | {"value": one.value}


def _seconds(interval: object) -> float:
    return float(interval) if isinstance(interval, int | float) else 0.0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
