"""The language of ``listen.sock``: one JSON document per line.

Only data, in both directions.  Requests carry a number and are answered under
it; a subscription's connection carries nothing but its stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from migrate.adapters.ocpp.messages import Answer, Error, Result
from migrate.domain.errors import CsmsUnavailable, MigrateError, Unreachable
from migrate.domain.evidence import Side, Sighting
from migrate.ports import Latency, Presence

MAX_LINE_BYTES = 1 << 20
PULSE_S = 2.0  # how often the listening process says what it sees


class Request(msgspec.Struct, omit_defaults=True):
    """What a client asks of the listening process."""

    do: str
    number: int = 0
    side: Side = Side.SOURCE
    identity: str = ""
    action: str = ""
    payload: dict[str, Any] = {}
    timeout_s: float = 30.0
    not_after_s: float | None = None  # on CLOCK_MONOTONIC, which all processes of a host share
    protocol: str = ""  # the subprotocol that the payload is written in; blank: whichever the session speaks


class Failure(msgspec.Struct, omit_defaults=True):
    """An error of our own tree, on its way to another process."""

    kind: str
    message: str
    hint: str = ""
    identity: str = ""
    side: str = ""
    sent: bool = False


class CallError(msgspec.Struct):
    """A station's CALLERROR."""

    code: str
    description: str = ""


class Reply(msgspec.Struct, omit_defaults=True):
    """The answer to one request: exactly one of its fields is set."""

    number: int
    result: dict[str, Any] | None = None
    call_error: CallError | None = None
    presence: Presence | None = None
    stats: dict[str, Any] | None = None
    failure: Failure | None = None


class News(msgspec.Struct, omit_defaults=True):
    """One line of a subscription: who can be seen and how quickly it answers, a sighting, or that some were left out."""

    sees: list[Side] | None = None
    latency: dict[Side, Latency] | None = None  # only of those that were measured lately
    sighting: Sighting | None = None
    dropped: bool = False


def line(document: Request | Reply | News) -> bytes:
    return msgspec.json.encode(document) + b"\n"


def failure(error: MigrateError) -> Failure:
    """What another process must know of an error in order to raise it again."""
    return Failure(
        kind=type(error).__name__,
        message=error.message,
        hint=error.hint,
        identity=getattr(error, "identity", ""),
        side=getattr(error, "side", ""),
        sent=bool(getattr(error, "sent", False)),
    )


def raised(failed: Failure) -> MigrateError:
    """The error behind a failure."""
    if failed.kind == Unreachable.__name__:
        return Unreachable(failed.message, identity=failed.identity, sent=failed.sent, hint=failed.hint)
    if failed.kind == CsmsUnavailable.__name__:
        return CsmsUnavailable(failed.message, side=failed.side, hint=failed.hint)
    return MigrateError(failed.message, hint=failed.hint)


def reply_to(number: int, answer: Answer) -> Reply:
    if isinstance(answer, Error):
        return Reply(number, call_error=CallError(answer.code, answer.description))
    return Reply(number, result=dict(answer.payload))


def answer_in(reply: Reply) -> Answer:
    if reply.call_error is not None:
        return Error("", reply.call_error.code, reply.call_error.description)
    payload: Mapping[str, Any] = reply.result or {}
    return Result("", payload)
