"""A minimal CSMS inside the relay, for demonstrations and benches.

It accepts whoever boots and knows nothing.  What is seen through it is marked
``lab`` and proves no arrival at any backend.  It takes the place of the
upstream's transport, so that a session need not know the difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from migrate.adapters.ocpp.framing import FrameReader, Opcode, Piece, close_frame, encode
from migrate.adapters.ocpp.messages import MAX_TEXT_BYTES, Answer, Call, Error, Result, answer_text, parse

HEARTBEAT_S = 30


class Lab:
    """One station's CSMS.

    ``to_station`` is given the frames that a real one would have sent,
    ``stuck`` is told when the station should not be listened to.
    """

    __slots__ = ("_closed", "_is_closing", "_now", "_reader", "_stuck", "_text", "_to_station", "_transactions")

    def __init__(
        self,
        *,
        to_station: Callable[[bytes], None],
        closed: Callable[[], None],
        stuck: Callable[[bool], None],
        now: Callable[[], datetime],
    ) -> None:
        self._to_station, self._closed, self._stuck, self._now = to_station, closed, stuck, now
        self._reader = FrameReader()
        self._text = bytearray()
        self._transactions = 0
        self._is_closing = False

    def write(self, data: bytes) -> None:
        for piece in self._reader.feed(data):
            if piece.is_control:
                self._control(piece)
            elif len(self._text) <= MAX_TEXT_BYTES:
                self._text += piece.payload
            if piece.ends and not piece.is_control:
                text, self._text = bytes(self._text), bytearray()
                self._heard(text)

    def _control(self, piece: Piece) -> None:
        if piece.opcode is Opcode.PING:
            self._later(encode(Opcode.PONG, piece.payload))
        elif piece.opcode is Opcode.CLOSE:
            self._later(close_frame(1000))
            self.close()

    def _heard(self, text: bytes) -> None:
        call = parse(text)
        if isinstance(call, Call):
            self._later(encode(Opcode.TEXT, answer_text(self._answer(call))))

    def _later(self, frame: bytes) -> None:
        """Answers come after the station's bytes were handled, as from a real CSMS."""
        asyncio.get_running_loop().call_soon(self._to_station, frame)

    def _answer(self, call: Call) -> Answer:
        payload = self._payload(call)
        return Result(call.id, payload) if payload is not None else Error(call.id, "NotImplemented", "lab")

    def _payload(self, call: Call) -> Mapping[str, Any] | None:
        # With fractions of a second: one maker's firmware crashes without (evcc-io/evcc PR#31158).
        now = self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if call.action == "BootNotification":
            return {"currentTime": now, "interval": HEARTBEAT_S, "status": "Accepted"}
        if call.action == "Heartbeat":
            return {"currentTime": now}
        if "idToken" in call.payload:  # Authorize, and a TransactionEvent with a card: OCPP 2.0.1
            return {"idTokenInfo": {"status": "Accepted"}}
        if call.action in _TAGGED:
            return self._tagged(call.action)
        return {} if call.action in _SILENT else None

    def _tagged(self, action: str) -> Mapping[str, Any]:
        accepted: dict[str, Any] = {"idTagInfo": {"status": "Accepted"}}
        if action == "StartTransaction":
            self._transactions += 1
            accepted["transactionId"] = self._transactions
        return accepted

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self._closed)

    abort = close

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        """A station that does not read its answers is not listened to either."""
        self._stuck(True)

    def resume_reading(self) -> None:
        self._stuck(False)

    def get_write_buffer_size(self) -> int:
        return 0


_TAGGED = frozenset({"Authorize", "StartTransaction", "StopTransaction"})
_SILENT = frozenset(
    {
        "StatusNotification",
        "MeterValues",
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignedFirmwareStatusNotification",
        "TransactionEvent",
        "NotifyEvent",
        "NotifyReport",
        "NotifyMonitoringReport",
        "ReportChargingProfiles",
    }
)
