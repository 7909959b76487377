"""One station's socket and the CSMS's socket behind it.

Joins the two lanes, the tap and the turns: bytes pass untouched and in order,
calls of ours go out between messages when it is our turn, and their answers go
no further than here.  It dials nothing and keeps no list of other sessions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from migrate.adapters.ocpp.framing import Opcode, Piece, close_frame, encode
from migrate.adapters.ocpp.lane import Fate, Lane
from migrate.adapters.ocpp.messages import (
    Answer,
    Error,
    Malformed,
    Result,
    call_text,
    kind_of,
    may_begin_message,
    parse,
    peek,
)
from migrate.adapters.ocpp.tap import Tap, is_of_no_interest
from migrate.adapters.ocpp.turns import Turns
from migrate.domain.errors import Unreachable
from migrate.domain.evidence import Kind, Sighting

SERVICE_RESTART, GOING_AWAY = 1012, 1001
MASK = b"\x00\x00\x00\x00"  # towards the CSMS a frame must be masked; nothing of ours there is secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one relay bears, in real seconds, bytes and connections."""

    max_connections: int = 20_000
    max_opening: int = 2_000  # handshakes at once; the oldest gives way
    max_dials: int = 256  # towards the CSMS at once
    per_address: int | None = None
    handshake_s: float = 10.0
    dial_s: float = 10.0
    idle_s: float = 60.0  # silence after which a station is pinged
    pong_s: float = 20.0
    max_missed: int = 3  # pings, before a socket counts as half-open and is closed
    sweep_s: float = 5.0
    csms_patience_s: float = 30.0
    max_held_bytes: int = 1 << 18
    max_waiting: int = 8
    trigger_s: float = 120.0  # a boot within it was asked for; one maker takes 60 s


class Leg(Protocol):
    """What a session asks of either transport."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def is_closing(self) -> bool: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Hub(Protocol):
    """What a session asks of its relay."""

    limits: Limits

    def see(self, sighting: Sighting) -> None: ...
    def note(self, session: Session, text: str) -> None: ...
    def closed(self, session: Session, *, by_csms: bool) -> None: ...


@dataclass(slots=True)
class Injection:
    """A call of ours on its way."""

    id: str
    text: bytes = field(repr=False)
    triggers_boot: bool
    not_after_s: float
    sent: asyncio.Future[None]
    answer: asyncio.Future[Answer]


class Session:
    """One connection of a station, from welcome to close."""

    __slots__ = (
        "_calls",
        "_count",
        "_is_over",
        "_is_stuck",
        "_loop",
        "_missed",
        "_pinged_at",
        "_prefix",
        "_retry",
        "connected_at",
        "down",
        "heard_at",
        "heard_s",
        "hub",
        "now",
        "station",
        "subprotocol",
        "tap",
        "turns",
        "up",
        "upstream",
    )

    def __init__(self, *, hub: Hub, tap: Tap, station: Leg, subprotocol: str, prefix: str) -> None:
        self.hub, self.tap, self.station, self.subprotocol = hub, tap, station, subprotocol
        self.upstream: Leg = station  # until ``join``
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], datetime] = tap.now
        self.connected_at = self.heard_at = self.now()
        self.heard_s = self._loop.time()
        self.turns = Turns(hub.limits.csms_patience_s, hub.limits.max_held_bytes)
        self._prefix, self._count = prefix, 0
        self._calls: dict[str, Injection] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._pinged_at, self._missed = 0.0, 0
        self._is_over = self._is_stuck = False

    def join(self, upstream: Leg) -> None:
        """Both legs stand: from now on bytes pass."""
        self.upstream = upstream
        self.up = Lane(
            write=upstream.write,
            heard=self._heard_station,
            control=self._passes_up,
            hold=self._hold,
        )
        self.down = Lane(
            write=self.station.write,
            heard=self._heard_csms,
            control=self._passes_down,
            hold=self._hold,
        )

    @property
    def id(self) -> str:
        return self.tap.place.session

    @property
    def identity(self) -> str:
        return self.tap.place.identity

    # --- bytes -------------------------------------------------------------

    def from_station(self, data: bytes) -> None:
        self.heard_s, self.heard_at = self._loop.time(), self.now()
        self.up.feed(data)

    def from_csms(self, data: bytes) -> None:
        self.down.feed(data)
        if self.turns.waiting:
            self._send_next()

    def station_stuck(self, is_stuck: bool) -> None:
        """The station does not read: the CSMS is not read either, and nothing of ours is sent."""
        self._is_stuck = is_stuck
        self.upstream.pause_reading() if is_stuck else self.upstream.resume_reading()
        if not is_stuck:
            self._send_next()

    def csms_stuck(self, is_stuck: bool) -> None:
        self.station.pause_reading() if is_stuck else self.station.resume_reading()

    def _judge_station(self, text: bytes) -> Fate:
        """Once we have called in this session, an answer with an id of ours is for us alone."""
        seen = peek(text)
        if seen is None:
            return Fate.UNDECIDED if may_begin_message(text) else Fate.PASS
        return Fate.SWALLOW if seen[0] != 2 and seen[1].startswith(self._prefix) else Fate.PASS

    def _heard_station(self, text: bytes, fate: Fate) -> None:
        if fate is Fate.SWALLOW:
            self._answered(text)
            return
        if is_of_no_interest(text):
            return
        if self.turns.has_csms_calls and (seen := peek(text)) and seen[0] != 2:
            self.turns.csms_answered(seen[1])
            self._send_next()
        self._see(self.tap.station_said(text))

    def _judge_csms(self, text: bytes) -> Fate:
        """While a call of ours waits or is open, the CSMS's calls wait; its answers do not."""
        kind = kind_of(text)
        if kind is None and may_begin_message(text):
            return Fate.UNDECIDED
        return Fate.HOLD if kind == 2 else Fate.PASS

    def _heard_csms(self, text: bytes, fate: Fate) -> None:
        if text[:2] == b"[3" and not self.tap.waits_for_answer:
            return
        seen = peek(text)
        if seen is None or seen[0] != 2:
            self._see(self.tap.csms_said(text))
        elif fate is Fate.HOLD and self.turns.is_holding:
            self.turns.held_call(seen[1])
        else:
            self.turns.csms_called(seen[1], self._loop.time())

    def _passes_up(self, piece: Piece) -> bool:
        """Everything but the pongs to our own pings."""
        if piece.opcode is Opcode.PONG and piece.payload == self._prefix.encode():
            self._missed, self._pinged_at = 0, 0.0
            return False
        return True

    def _passes_down(self, piece: Piece) -> bool:
        """A CSMS that says goodbye first gets rid of what it had to say before."""
        if piece.opcode is Opcode.CLOSE:
            self._release()
        return True

    def _see(self, sightings: Iterable[Sighting]) -> None:
        for sighting in sightings:
            self.hub.see(sighting)

    # --- our own calls -------------------------------------------------------

    async def inject(self, action: str, payload: Mapping[str, Any], *, timeout_s: float, not_after_s: float) -> Answer:
        """Call the station and wait for its answer.

        ``not_after_s`` is on the loop's clock: what could not be written by
        then is never written.  Raises ``Unreachable``, ``sent`` or not.
        """
        call = self._enqueue(action, payload, not_after_s)
        try:
            self._send_next()
            await self._until_sent(call)
            return await self._until_answered(call, action, timeout_s)
        finally:
            self._drop(call)

    def _enqueue(self, action: str, payload: Mapping[str, Any], not_after_s: float) -> Injection:
        if why := self._against_calling():
            raise self._unreachable(why, sent=False)
        self._count += 1
        id_ = f"{self._prefix}{self._count}"
        triggers = action == "TriggerMessage" and payload.get("requestedMessage") == "BootNotification"
        text = call_text(id_, action, payload)
        call = Injection(id_, text, triggers, not_after_s, self._loop.create_future(), self._loop.create_future())
        self._calls[id_] = call
        self.turns.waiting.append(id_)
        self.up.judge, self.down.judge = self._judge_station, self._judge_csms
        return call

    def _against_calling(self) -> str:
        if self._is_over or self.station.is_closing():
            return "its session is over"
        if self.subprotocol.startswith("ocpp2"):
            return f"it speaks {self.subprotocol}, which this relay only passes through"
        if self.down.is_blind or self.up.is_blind:
            return "its stream holds something that is no WebSocket frame"
        return "too many calls wait for it" if len(self._calls) >= self.hub.limits.max_waiting else ""

    def _send_next(self) -> None:
        """Write the next call of ours if nothing stands against it."""
        if not self.turns.waiting or self._is_stuck or self._is_over or not self.down.is_at_boundary:
            return
        id_ = self.turns.next(self._loop.time())
        if not id_:
            self._try_later()
            return
        call = self._calls[id_]
        if self._loop.time() > call.not_after_s:
            self.turns.drop(id_)  # its sender is about to be told
            return
        self.tap.expects_boot |= call.triggers_boot
        if call.triggers_boot:
            self._loop.call_later(self.hub.limits.trigger_s, self._forget_trigger)
        self.station.write(encode(Opcode.TEXT, call.text))
        if not call.sent.done():
            call.sent.set_result(None)

    def _try_later(self) -> None:
        """A CSMS's call that is never answered stops counting, without anything coming over the wire."""
        if (until := self.turns.busy_until(self._loop.time())) and not self.turns.open:
            if self._retry is not None:
                self._retry.cancel()
            self._retry = self._loop.call_at(until, self._send_next)

    def _forget_trigger(self) -> None:
        self.tap.expects_boot = False

    async def _until_sent(self, call: Injection) -> None:
        try:
            async with asyncio.timeout_at(call.not_after_s):
                await call.sent
        except TimeoutError:
            if call.sent.done() and not call.sent.cancelled():
                return  # written in the very moment the patience ended
            raise self._unreachable("it could not be sent in time", sent=False) from None

    async def _until_answered(self, call: Injection, action: str, timeout_s: float) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await call.answer
        except TimeoutError:
            raise self._unreachable(f"it did not answer {action} within {timeout_s:g} s", sent=True) from None
        if call.triggers_boot and not (isinstance(answer, Result) and answer.payload.get("status") == "Accepted"):
            self._forget_trigger()
        return answer

    def _answered(self, text: bytes) -> None:
        """The first answer counts; a second one, or one after our patience, is swallowed and noted."""
        seen = peek(text)
        call = self._calls.get(seen[1]) if seen else None
        if call is None or call.answer.done() or not call.sent.done():
            self.hub.note(self, "a late or second answer to a call of ours")
            return
        message = parse(text)
        if isinstance(message, Result | Error):
            call.answer.set_result(message)
        else:
            reason = message.reason if isinstance(message, Malformed) else "no answer"
            call.answer.set_result(Error(call.id, "FormatViolation", f"unreadable answer: {reason}"))
        self._drop(call)

    def _drop(self, call: Injection) -> None:
        """A call is over: the next of ours, or what the CSMS had to hold back, may go out."""
        if self._calls.pop(call.id, None) is None:
            return
        self.turns.drop(call.id)
        if not self.turns.is_holding:
            self._release()
        self._send_next()

    def _hold(self, raw: bytes) -> None:
        if not self.turns.hold(raw):
            self._fail_calls("the CSMS had more to say than could wait")

    def _release(self) -> None:
        raw = self.turns.release(self._loop.time())
        self.down.release()
        if not self.turns.is_holding:
            self.down.judge = None
        if raw:
            self.station.write(raw)

    def _fail_calls(self, why: str) -> None:
        for call in list(self._calls.values()):
            ending: asyncio.Future[Any] = call.answer if call.sent.done() else call.sent
            if not ending.done():
                ending.set_exception(self._unreachable(why, sent=call.sent.done()))
            self.turns.drop(call.id)
        self._calls.clear()
        self._release()

    def _unreachable(self, why: str, *, sent: bool) -> Unreachable:
        hint = "What it did must be read back." if sent else "Nothing was sent."
        return Unreachable(f"{self.identity}: {why}.", identity=self.identity, sent=sent, hint=hint)

    # --- life and death --------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Ping a silent station; close a socket that has not answered several pings."""
        if self._pinged_at and self.heard_s > self._pinged_at:
            self._pinged_at, self._missed = 0.0, 0
        if self._pinged_at and now - self._pinged_at > self.hub.limits.pong_s:
            self._missed += 1
            self._pinged_at = 0.0
        if self._missed >= self.hub.limits.max_missed:
            self.end("half-open: it answered no ping", abort=True)
        elif not self._pinged_at and now - self.heard_s > self.hub.limits.idle_s:
            self.ping(now)

    def ping(self, now: float) -> None:
        """Ask whether anybody is there, unless a question is open."""
        if not self._pinged_at and not self._is_over and self.down.is_at_boundary:
            self._pinged_at = now
            if not self._is_stuck:
                self.station.write(encode(Opcode.PING, self._prefix.encode()))

    def is_answering(self, now: float) -> bool:
        """Heard from since it was last asked, or asked too short a time ago to say."""
        if self.heard_s > self._pinged_at and not self._missed:
            return True
        return not self._missed and now - self._pinged_at <= self.hub.limits.pong_s

    def drain(self) -> None:
        """Tell both sides that the relay goes; the station will dial again."""
        if self.down.is_at_boundary:
            self.station.write(close_frame(SERVICE_RESTART, "relay restarts"))
        if self.up.is_at_boundary:
            self.upstream.write(close_frame(GOING_AWAY, mask=MASK))
        self.end("the relay was drained")

    def end(self, why: str, *, abort: bool = False, by_csms: bool = False) -> None:
        """Close both legs, once; whatever was written before is still delivered."""
        if self._is_over:
            return
        self._fail_calls(why)
        self._is_over = True
        if self._retry is not None:
            self._retry.cancel()
        for leg in (self.station, self.upstream):
            leg.abort() if abort else leg.close()
        self._see(self.tap.over())
        self.hub.see(self.tap.place.sighting(Kind.DISCONNECTED, self.now(), detail=why))
        self.hub.closed(self, by_csms=by_csms)
