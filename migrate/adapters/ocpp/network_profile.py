"""A slot of OCPP 2.0.1 and 2.1 as one value: what SetNetworkProfile writes, and what a station shows of it.

The unit of writes holds a slot as a flat JSON object with the names of
``connectionData``; what lies deeper is named with a dot (``apn.apn``).  This
module turns one into the other, and refuses what a version cannot carry.  It
speaks to nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from migrate.adapters.ocpp.dialect201 import Variable
from migrate.adapters.ocpp.replies import Command
from migrate.domain.errors import Mismatch

VERSION_21 = "ocpp2.1"

_SLOT = re.compile(r"NetworkProfile\[([0-9]{1,6})\]")

_SHOWN: Mapping[str, str] = {
    "ocppVersion": "OcppVersion",
    "ocppTransport": "OcppTransport",
    "ocppCsmsUrl": "OcppCsmsUrl",
    "messageTimeout": "MessageTimeout",
    "securityProfile": "SecurityProfile",
    "ocppInterface": "OcppInterface",
}
"""A field of ``connectionData`` and the variable of ``NetworkConfiguration[n]`` that shows it (2.1, part 2, chapter 2)."""

DECISIVE = "ocppCsmsUrl"
"""A slot whose address is not shown is not shown at all."""

_NUMBERS = frozenset({"messageTimeout", "securityProfile", "apn.simPin"})
_FLAGS = frozenset({"apn.useOnlyPreferredNetwork"})
_SINCE_21 = ("identity", "basicAuthPassword")
_MAIN_OF = {"apn": "apn.apn", "vpn": "vpn.server"}
"""Without this one field there is no such object at all: an inventory without an APN makes none."""


def slot_of(key: str) -> int | None:
    """The slot that a key names.

    >>> slot_of("NetworkProfile[2]"), slot_of("OCPPCommCtrlr.NetworkConfigurationPriority")
    (2, None)
    """
    found = _SLOT.fullmatch(key)
    return int(found[1]) if found else None


def variables_of(slot: int) -> dict[str, Variable]:
    """The variables that show a slot, by the names they have in ``connectionData``."""
    return {field: Variable("NetworkConfiguration", name, str(slot)) for field, name in _SHOWN.items()}


def shown(slot: int, values: Mapping[Variable, str | None]) -> str | None:
    """A slot as a station shows it, or ``None`` where it does not: without its URL the rest says nothing."""
    found = {field: values.get(one) for field, one in variables_of(slot).items()}
    if found[DECISIVE] is None:
        return None
    fields = {field: value for field, value in found.items() if value is not None}
    return json.dumps({field: _typed(field, value) for field, value in fields.items()}, ensure_ascii=False)


def set_network_profile(identity: str, slot: int, value: str, protocol: str) -> Command:
    """The call that fills a slot.  Raises ``Mismatch`` for what is no object, or more than this version can carry."""
    return Command(
        "SetNetworkProfile",
        {"configurationSlot": slot, "connectionData": connection_data(identity, value, protocol)},
    )


def connection_data(identity: str, value: str, protocol: str) -> dict[str, Any]:
    """The nested object of a flat value.

    2.1 chooses the version in the handshake and ignores ``ocppVersion``, so it
    is left out there; 2.0.1 has one identity and one password for all slots, so
    a slot that brings its own cannot be written to it.
    """
    fields = _flat(identity, value)
    too_new = [name for name in _SINCE_21 if name in fields]
    if protocol != VERSION_21 and too_new:
        raise Mismatch(
            f"{identity} speaks {protocol}, in which a slot has no {' and no '.join(too_new)} of its own.",
            identity=identity,
            hint="Give the profile's slot no such field, or update the station to OCPP 2.1 first.",
        )
    if protocol == VERSION_21:
        fields.pop("ocppVersion", None)
    for group, main in _MAIN_OF.items():
        if not fields.get(main):
            fields = {name: one for name, one in fields.items() if not name.startswith(f"{group}.")}
    return _nested({name: _typed(name, one) for name, one in fields.items()})


def _flat(identity: str, value: str) -> dict[str, str]:
    try:
        fields = json.loads(value)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        # The value may hold a password: it is never quoted.
        raise Mismatch(f"{identity}: the value for its network profile is no JSON object.", identity=identity) from None
    return {name: _text(one) for name, one in fields.items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _typed(name: str, text: str) -> str | int | bool:
    if name in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return text == "true" if name in _FLAGS else text


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, one in fields.items():
        group, _, inner = name.partition(".")
        if inner:
            data.setdefault(group, {})[inner] = one
        else:
            data[name] = one
    return data
