"""What an answer to a call of ours means, in any version of OCPP-J.

The frames are the same in 1.6, 2.0.1 and 2.1, and so are the grounds for
asking again or not: a clear yes, a refusal, an answer that leaves the effect
unknown, or one that nobody understands.  It knows no action and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.adapters.ocpp.messages import Answer, Error, Result, clean
from migrate.domain.errors import Mismatch, Refused, StationError, Unreachable

MAX_STATUS = 64

PERMANENT = frozenset(
    {
        "NotImplemented",
        "NotSupported",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "FormatViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "OccurrenceConstraintViolation",
        "TypeConstraintViolation",
        "MessageTypeNotSupported",
        "RpcFrameworkError",
    }
)
"""CALLERROR codes that asking again will not change (OCPP-J 1.6, 4.2.3, in both its spellings; OCPP-J 2.0.1, 4.3)."""

TEMPORARY = frozenset({"InternalError", "GenericError"})
"""Codes that say nothing about the command's effect: one stack sends them until its boot was accepted."""


@dataclass(frozen=True, slots=True)
class Command:
    """A call as it goes over the wire."""

    action: str
    payload: Mapping[str, Any]


def accepted(identity: str, action: str, answer: Answer) -> Result:
    """The result of a call; raises what its CALLERROR means."""
    if isinstance(answer, Error):
        raise _failure(identity, action, answer)
    return answer


def agreed(identity: str, action: str, answer: Answer, *, also: tuple[str, ...] = ()) -> str:
    """``Accepted``, or one of ``also``; everything else is a refusal."""
    result = accepted(identity, action, answer)
    status = status_of(result)
    if status not in ("Accepted", *also):
        raise refusal(identity, action, status, reason_of(result.payload))
    return status


def status_of(result: Result, name: str = "status") -> str:
    return clean(result.payload.get(name), MAX_STATUS)


def reason_of(payload: Mapping[str, Any], name: str = "statusInfo") -> str:
    """Why, in the station's own code (2.0.1 ``statusInfo.reasonCode``); empty where it gives none."""
    info = payload.get(name)
    return clean(info.get("reasonCode"), MAX_STATUS) if isinstance(info, dict) else ""


def refusal(identity: str, action: str, status: str, reason: str = "") -> StationError:
    """A status that is no yes, with the station's own reason; no status at all is a mismatch."""
    if not status:
        return Mismatch(f"{identity} answered {action} without a status.", identity=identity)
    said = f"{status}, {reason}" if reason else status
    return Refused(f"{identity} refused {action} ({said}).", identity=identity, status=status)


def _failure(identity: str, action: str, error: Error) -> StationError:
    """A CALLERROR by the table above; a code that nobody knows is a mismatch."""
    said = f"{identity} answered {action} with CALLERROR {error.code or 'without a code'}"
    said += f" ({error.description})." if error.description else "."
    if error.code in PERMANENT:
        return Refused(said, identity=identity, status=error.code)
    if error.code in TEMPORARY:
        return Unreachable(said, identity=identity, sent=True, hint="What it did must be read back.")
    return Mismatch(said, identity=identity, hint="No such code is known; look at the station's log.")
