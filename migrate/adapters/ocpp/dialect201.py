"""OCPP 2.0.1 and 2.1 in the words that a move needs.

Builds the calls we send and reads the stations' answers.  It speaks to nobody.
A key is ``Component.Variable``, each with an instance in brackets where it has
one.  ``NetworkProfile[n]`` is slot *n*: written by SetNetworkProfile as one
object, and shown, where a station shows it at all, as variables of the
component ``NetworkConfiguration[n]`` (2.1 device model; older stacks hide it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ocpp.charge_point import remove_nones, snake_to_camel_case
from ocpp.v201 import call, datatypes
from ocpp.v201.enums import MessageTriggerEnumType, ResetEnumType

from migrate.adapters.ocpp.messages import Answer, clean, held_value
from migrate.adapters.ocpp.replies import Command, accepted, agreed, reason_of, refusal
from migrate.domain.errors import Mismatch
from migrate.domain.profile import Restart

ITEMS_PER_GET = "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"
BYTES_PER_GET = "DeviceDataCtrlr.BytesPerMessage[GetVariables]"
BESIDE_THE_ITEMS = 128  # of a CALL: its head, its id and its brackets

_NAME = r"([^.\[\]]{1,50})(?:\[([^\[\]]{0,50})\])?"
_KEY = re.compile(rf"{_NAME}\.{_NAME}")

ABSENT = frozenset({"UnknownComponent", "UnknownVariable"})
HIDDEN = frozenset({"Rejected", "NotSupportedAttributeType"})
"""How a station answers for a variable that it has and does not show: a password is write-only."""


def _command(request: Any) -> Command:
    payload: Mapping[str, Any] = snake_to_camel_case(remove_nones(asdict(request)))
    return Command(type(request).__name__, payload)


# ── keys ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the device model."""

    component: str
    name: str
    component_instance: str = ""
    instance: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """By what two spellings are the same: names are compared without regard to case."""
        parts = (self.component, self.component_instance, self.name, self.instance)
        return tuple(part.casefold() for part in parts)


def variable(key: str) -> Variable | None:
    """The variable that a key names, or ``None`` for one that this version cannot name.

    >>> variable("DeviceDataCtrlr.ItemsPerMessage[GetVariables]").instance
    'GetVariables'
    >>> variable("GetConfigurationMaxKeys") is None
    True
    """
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    component, component_instance, name, instance = found.groups("")
    return Variable(component, name, component_instance, instance)


def _parts(one: Variable) -> tuple[datatypes.ComponentType, datatypes.VariableType]:
    component = datatypes.ComponentType(name=one.component, instance=one.component_instance or None)
    return component, datatypes.VariableType(name=one.name, instance=one.instance or None)


# ── reading ────────────────────────────────────────────────────────────────


def get_variables(variables: Sequence[Variable]) -> Command:
    data = []
    for one in variables:
        component, name = _parts(one)
        data.append(datatypes.GetVariableDataType(component=component, variable=name))
    return _command(call.GetVariables(get_variable_data=data))


@dataclass(frozen=True, slots=True)
class Variables:
    """What a station said of the variables it was asked for; ``unanswered`` are those it passed over in silence."""

    values: Mapping[Variable, str | None]
    unanswered: tuple[Variable, ...] = ()


def told(identity: str, asked: Sequence[Variable], answer: Answer) -> Variables:
    """Read a GetVariables answer.

    Unknown variables are absent; a value that is missing, rejected or
    write-only is hidden: ``None``.  A status that nobody knows raises
    ``Mismatch``: nothing is concluded from it.
    """
    payload = accepted(identity, "GetVariables", answer).payload
    by_key = {one.key: one for one in asked}
    values: dict[Variable, str | None] = {}
    answered: set[Variable] = set()
    for entry in _entries(payload.get("getVariableResult")):
        one = by_key.get(_key_of(entry))
        if one is None or one in answered:
            continue
        answered.add(one)
        status = clean(entry.get("attributeStatus"), 64)
        if status == "Accepted":
            values[one] = held_value(entry.get("attributeValue"))
        elif status in HIDDEN:
            values[one] = None
        elif status not in ABSENT:
            raise Mismatch(f"{identity} answered GetVariables with the status {status!r}.", identity=identity)
    return Variables(values, tuple(one for one in asked if one not in answered))


def _entries(listed: object) -> list[Mapping[str, Any]]:
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _key_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    component, name = entry.get("component"), entry.get("variable")
    if not isinstance(component, dict) or not isinstance(name, dict):
        return ()
    parts = (component.get("name"), component.get("instance"), name.get("name"), name.get("instance"))
    return tuple(part.casefold() if isinstance(part, str) else "" for part in parts)


def limit(text: str | None) -> int:
    """A count that a station says of itself; 0 where it says none that makes sense."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def pages(variables: Iterable[Variable], *, items: int, size_bytes: int = 0) -> list[list[Variable]]:
    """Variables in requests that a station takes: so many items, and so many bytes where it limits them."""
    made: list[list[Variable]] = []
    room = 0
    for one in variables:
        length = sum(len(part.encode()) for part in one.key) + 80  # its names, and the JSON around them
        if not made or len(made[-1]) >= items or (size_bytes and length > room):
            made.append([])
            room = size_bytes - BESIDE_THE_ITEMS
        made[-1].append(one)
        room -= length
    return made


# ── writing and restarting ─────────────────────────────────────────────────


def set_variable(one: Variable, value: str) -> Command:
    component, name = _parts(one)
    data = datatypes.SetVariableDataType(attribute_value=value, component=component, variable=name)
    return _command(call.SetVariables(set_variable_data=[data]))


def changed(identity: str, key: str, answer: Answer) -> str:
    """``Accepted`` or ``RebootRequired``; everything else is a refusal, with the station's reason code."""
    action = f"SetVariables of {key}"
    results = _entries(accepted(identity, action, answer).payload.get("setVariableResult"))
    if len(results) != 1:
        raise Mismatch(f"{identity} answered {action} with {len(results)} results instead of one.", identity=identity)
    status = clean(results[0].get("attributeStatus"), 64)
    if status not in ("Accepted", "RebootRequired"):
        raise refusal(identity, action, status, reason_of(results[0], "attributeStatusInfo"))
    return status


def reset(kind: Restart) -> Command:
    """A soft one waits until nobody charges (``OnIdle``); a hard one does not."""
    return _command(call.Reset(type=ResetEnumType.immediate if kind is Restart.HARD else ResetEnumType.on_idle))


def will_restart(identity: str, answer: Answer) -> str:
    """``Accepted``, or ``Scheduled``: it restarts when it is idle, which may take hours, and that is a yes."""
    return agreed(identity, "Reset", answer, also=("Scheduled",))


def trigger_boot() -> Command:
    return _command(call.TriggerMessage(requested_message=MessageTriggerEnumType.boot_notification))


# ── firmware ───────────────────────────────────────────────────────────────


def update_firmware(
    request_id: int,
    location: str,
    retrieve_at: str,
    *,
    install_at: str = "",
    signing_certificate: str = "",
    signature: str = "",
    retries: int | None = None,
    retry_interval_s: int | None = None,
) -> Command:
    """Times are RFC 3339 texts; the certificate is PEM, the signature base64 (2.0.1, FirmwareType)."""
    firmware = datatypes.FirmwareType(
        location=location,
        retrieve_date_time=retrieve_at,
        install_date_time=install_at or None,
        signing_certificate=signing_certificate or None,
        signature=signature or None,
    )
    request = call.UpdateFirmware(
        request_id=request_id, firmware=firmware, retries=retries, retry_interval=retry_interval_s
    )
    return _command(request)


def firmware_taken(identity: str, answer: Answer) -> str:
    """``Accepted`` or ``AcceptedCanceled`` (it dropped an earlier order for this one); else a refusal."""
    return agreed(identity, "UpdateFirmware", answer, also=("AcceptedCanceled",))
