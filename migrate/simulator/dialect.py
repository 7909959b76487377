"""The station's end of an OCPP 1.6 session, on the `ocpp` package.

Translates: an action comes in, one method of the station answers, a payload
goes out.  It decides nothing.  Schemas are not checked on the way, because a
station in the field does not check them either and a fleet has no CPU for it.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar, cast

import ocpp.messages
from ocpp.charge_point import ChargePoint as AnyChargePoint
from ocpp.exceptions import (
    InternalError,
    NotSupportedError,
    OccurenceConstraintViolationError,
    OCPPError,
    UnknownCallErrorCodeError,
)
from ocpp.exceptions import NotImplementedError as ActionNotImplemented
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action

from migrate.simulator.deal import StationSpec
from migrate.simulator.downloading import Order
from migrate.simulator.flash import Shown, TooManyKeys

SILENT = logging.getLogger("ocpp")
SILENT.disabled = True  # it prints whole frames, secrets included
ocpp.messages.ASYNC_VALIDATION = False


Method = TypeVar("Method", bound=Callable[..., Any])
Answer = TypeVar("Answer")
ERRORS: Mapping[str, type[OCPPError]] = {
    "InternalError": InternalError,
    "NotImplemented": ActionNotImplemented,
    "NotSupported": NotSupportedError,
}


def answers(action: str) -> Callable[[Method], Method]:
    """Route an action to a method, without checking schemas."""
    return cast("Callable[[Method], Method]", on(action, skip_schema_validation=True))


class BadAnswer(Exception):
    """The CSMS answered with an error, with nonsense, or not at all."""


class Refusal(Exception):
    """The station answers a command with an error; `code` is OCPP's name of it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class NoAnswer(Exception):
    """The station answers nothing to a command, and goes on."""


class Commanded(Protocol):
    """What a session asks of the station behind it."""

    async def change(self, key: str, value: str) -> str: ...
    async def show(self, keys: list[str]) -> tuple[list[Shown], list[str]]: ...
    async def reset(self, kind: str) -> str: ...
    async def trigger(self, action: str) -> str: ...
    async def update_firmware(self, order: Order, action: str = ...) -> str: ...
    async def install_certificate(self, kind: str, pem: str) -> str: ...
    async def show_certificates(self, kind: str) -> list[dict[str, str]]: ...
    async def answered(self, action: str, message_id: str) -> None: ...
    def refuse(self, action: str) -> str: ...


class End(AnyChargePoint):  # type: ignore[misc]  # the ocpp package carries no types
    """One session in whatever version; dies with its socket."""

    def __init__(self, identity: str, connection: Any, *, counts_ids: bool = False) -> None:
        super().__init__(identity, connection, logger=SILENT)
        self._is_silent = False
        if counts_ids:
            self._unique_id_generator = itertools.count(1).__next__

    async def answered(self, action: str, message_id: str) -> None:
        """A command was answered."""

    async def _handle_call(self, msg: Any) -> Any:
        answer = await super()._handle_call(msg)
        await self.answered(str(msg.action), str(msg.unique_id))
        return answer

    async def _send(self, message: str) -> None:
        if self._is_silent:  # set by the handler whose answer this is: nothing can come between them
            self._is_silent = False
            return
        await super()._send(message)

    async def contradict(self, message_id: str) -> None:
        """Send an error for a message that has its answer already."""
        await self._connection.send(json.dumps([4, message_id, "InternalError", "", {}]))

    async def _obey(self, work: Awaitable[Answer]) -> Answer:
        """What the station decided, or its refusal in OCPP's words, or nothing at all."""
        try:
            return await work
        except Refusal as error:
            raise ERRORS[error.code](description=str(error)) from error
        except TooManyKeys as error:
            raise OccurenceConstraintViolationError(description="too many keys at once") from error
        except NoAnswer:
            self._is_silent = True
            raise

    async def _ask(self, request: Any) -> Any:
        """Send one CALL; a CALLERROR, an unfit answer or none is BadAnswer, never hidden."""
        try:
            return await self.call(request, suppress=False, skip_schema_validation=True)
        except (OCPPError, UnknownCallErrorCodeError, TimeoutError, TypeError, AttributeError) as error:
            raise BadAnswer(type(request).__name__) from error


class StationEnd(End, ChargePoint):  # type: ignore[misc]
    """One session in 1.6."""

    def __init__(self, identity: str, connection: Any, station: Commanded, *, counts_ids: bool = False) -> None:
        super().__init__(identity, connection, counts_ids=counts_ids)
        self._station = station

    async def answered(self, action: str, message_id: str) -> None:
        await self._station.answered(action, message_id)

    @answers(Action.change_configuration)
    async def on_change_configuration(self, key: str, value: str, **_: Any) -> call_result.ChangeConfiguration:
        status = await self._obey(self._station.change(str(key), str(value)))
        return call_result.ChangeConfiguration(status=status)

    @answers(Action.get_configuration)
    async def on_get_configuration(self, key: Any = None, **_: Any) -> call_result.GetConfiguration:
        known, unknown = await self._obey(self._station.show([str(name) for name in key or ()]))
        return call_result.GetConfiguration(configuration_key=[_entry(one) for one in known], unknown_key=unknown)

    @answers(Action.reset)
    async def on_reset(self, type: str, **_: Any) -> call_result.Reset:  # noqa: A002 - the field's name in OCPP
        return call_result.Reset(status=await self._obey(self._station.reset(str(type))))

    @answers(Action.trigger_message)
    async def on_trigger_message(self, requested_message: str, **_: Any) -> call_result.TriggerMessage:
        return call_result.TriggerMessage(status=await self._obey(self._station.trigger(str(requested_message))))

    @answers(Action.change_availability)
    async def on_change_availability(self, **_: Any) -> call_result.ChangeAvailability:
        return call_result.ChangeAvailability(status=self._station.refuse("ChangeAvailability"))

    @answers(Action.update_firmware)
    async def on_update_firmware(self, location: object = "", **_: Any) -> call_result.UpdateFirmware:
        await self._obey(self._station.update_firmware(Order(location=str(location))))
        return call_result.UpdateFirmware()

    @answers(Action.signed_update_firmware)
    async def on_signed_update_firmware(
        self, request_id: object = 0, firmware: Any = None, **_: Any
    ) -> call_result.SignedUpdateFirmware:
        order = firmware_order(request_id, firmware)
        status = await self._obey(self._station.update_firmware(order, "SignedUpdateFirmware"))
        return call_result.SignedUpdateFirmware(status=status)

    @answers(Action.install_certificate)
    async def on_install_certificate(
        self, certificate_type: str, certificate: str, **_: Any
    ) -> call_result.InstallCertificate:
        status = await self._obey(self._station.install_certificate(str(certificate_type), str(certificate)))
        return call_result.InstallCertificate(status=status)

    @answers(Action.get_installed_certificate_ids)
    async def on_get_installed_certificate_ids(
        self, certificate_type: str, **_: Any
    ) -> call_result.GetInstalledCertificateIds:
        found = await self._obey(self._station.show_certificates(str(certificate_type)))
        if not found:
            return call_result.GetInstalledCertificateIds(status="NotFound")
        return call_result.GetInstalledCertificateIds(status="Accepted", certificate_hash_data=found)

    async def report_security(self, event: str) -> None:
        await self._ask(call.SecurityEventNotification(type=event, timestamp=now()))

    async def boot(self, spec: StationSpec, _reason: str) -> tuple[str, float]:
        """Announce the station, in 1.6 without a reason; the CSMS's word and the interval it asks for."""
        request = call.BootNotification(
            charge_point_vendor=spec.vendor,
            charge_point_model=spec.model,
            charge_point_serial_number=spec.serial,
            firmware_version=spec.firmware,
            iccid=spec.iccid or None,
            imsi=spec.imsi or None,
        )
        answer = await self._ask(request)
        return str(answer.status), seconds(answer.interval)

    async def beat(self) -> None:
        await self._ask(call.Heartbeat())

    async def report_firmware(self, status: str, request: int | None = None) -> None:
        """Of a signed order by the message that the security extension has for it."""
        if request is None:
            await self._ask(call.FirmwareStatusNotification(status=status))
        else:
            await self._ask(call.SignedFirmwareStatusNotification(status=status, request_id=request))

    async def report_status(self, connector: int, status: str, error: str = "NoError") -> None:
        await self._ask(
            call.StatusNotification(
                connector_id=connector,
                error_code=error,
                status=status,
                timestamp=now(),
            )
        )

    async def start_transaction(self, tag: str) -> int:
        request = call.StartTransaction(connector_id=1, id_tag=tag, meter_start=0, timestamp=now())
        number = (await self._ask(request)).transaction_id
        return number if isinstance(number, int) else -1  # some CSMSes send none; the driver charges all the same

    async def stop_transaction(self, transaction: int | str, reason: str) -> None:
        request = call.StopTransaction(
            transaction_id=transaction,
            meter_stop=7000,
            timestamp=now(),
            reason=reason,
        )
        await self._ask(request)


def firmware_order(request_id: object, firmware: Any) -> Order:
    """What an order of firmware says, in the words of the security extension and of 2.0.1."""
    facts = firmware if isinstance(firmware, dict) else {}
    told = {name: str(facts.get(name) or "") for name in ("location", "signing_certificate", "signature")}
    number = request_id if isinstance(request_id, int) else 0
    return Order(
        location=told["location"],
        certificate=told["signing_certificate"],
        signature=told["signature"],
        request=number,
    )


def _entry(one: Shown) -> Mapping[str, Any]:
    entry: dict[str, Any] = {"key": one.key, "readonly": one.readonly}
    return entry if one.value is None else entry | {"value": one.value}


def seconds(interval: object) -> float:
    return float(interval) if isinstance(interval, int | float) else 0.0


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
