"""One station's socket and the CSMS's socket behind it.

Joins the two lanes, the tap and the turns: bytes pass untouched and in order,
calls of ours go out between messages when it is our turn, and their answers go
no further than here.  It dials nothing and keeps no list of other sessions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from migrate.adapters.ocpp.calls import Calls
from migrate.adapters.ocpp.framing import Opcode, Piece, close_frame, encode
from migrate.adapters.ocpp.gauge import Gauge, timed_id
from migrate.adapters.ocpp.lane import Fate, Lane
from migrate.adapters.ocpp.limits import Limits
from migrate.adapters.ocpp.messages import MAX_TEXT_BYTES, kind_of, may_begin_message, peek
from migrate.adapters.ocpp.reports import Report, Reports
from migrate.adapters.ocpp.spoken import SPOKEN, version_of
from migrate.adapters.ocpp.tap import Tap
from migrate.adapters.ocpp.turns import Turns
from migrate.domain.evidence import Kind, Sighting

A_LOT = 1 << 16  # bytes of a station at once; the event loop may have megabytes of them in one go
SERVICE_RESTART, GOING_AWAY = 1012, 1001
MASK = b"\x00\x00\x00\x00"  # towards the CSMS a frame must be masked; nothing of ours there is secret


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
    gauge: Gauge
    reports: Reports

    def see(self, sighting: Sighting) -> None: ...
    def note(self, session: Session, text: str) -> None: ...
    def closed(self, session: Session, *, by_csms: bool) -> None: ...


class Session:
    """One connection of a station, from welcome to close."""

    __slots__ = (
        "_is_csms_stuck",
        "_is_over",
        "_is_stuck",
        "_loop",
        "_missed",
        "_pinged_at",
        "_secret",
        "_timed",
        "calls",
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

    def __init__(
        self, *, hub: Hub, tap: Tap, now: Callable[[], datetime], station: Leg, subprotocol: str, prefix: str
    ) -> None:
        self.hub, self.tap, self.station, self.subprotocol = hub, tap, station, subprotocol
        self.upstream: Leg = station  # until ``join``
        self._loop = asyncio.get_running_loop()
        self.now = now
        self.connected_at = self.heard_at = now()
        self.heard_s = self._loop.time()
        limits = hub.limits
        self.turns = Turns(limits.csms_patience_s, limits.max_held_bytes)
        self.calls = Calls(self, self.turns, prefix=prefix, max_waiting=limits.max_waiting, trigger_s=limits.trigger_s)
        self._secret = prefix.encode()  # what our pings carry
        self._pinged_at, self._missed = 0.0, 0
        self._is_over = self._is_stuck = self._is_csms_stuck = False
        self._timed = ""  # the id of a call whose answer is being timed

    def join(self, upstream: Leg) -> None:
        """Both legs stand: from now on bytes pass."""
        self.upstream = upstream
        hold = self.calls.hold
        self.up = Lane(write=upstream.write, heard=self._heard_station, control=self._passes_up, hold=hold)
        self.down = Lane(write=self.station.write, heard=self._heard_csms, control=self._passes_down, hold=hold)
        if self.hub.reports.expects(self.identity):
            self.watch_answers()  # what is left of a report comes with the next session

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
        if len(data) >= A_LOT:  # it talks without end: the others are heard in between
            _pause(self.station, True)
            self._loop.call_soon(self._hear_on)

    def _hear_on(self) -> None:
        if not self._is_over:
            _pause(self.station, self._is_csms_stuck)

    def from_csms(self, data: bytes) -> None:
        self.down.feed(data)
        if self.calls.is_due:
            self.calls.send_next()

    def station_stuck(self, is_stuck: bool) -> None:
        """The station does not read: the CSMS is not read either, and nothing of ours is sent."""
        self._is_stuck = is_stuck
        _pause(self.upstream, is_stuck)
        if not is_stuck:
            self.calls.send_next()

    def csms_stuck(self, is_stuck: bool) -> None:
        """The CSMS does not read: neither is the station."""
        self._is_csms_stuck = is_stuck
        _pause(self.station, is_stuck)

    def _heard_station(self, text: bytes, fate: Fate) -> None:
        if fate is Fate.SWALLOW:
            self.calls.heard(text)
            return
        if text[:3] != b"[2," and self.turns.has_csms_calls and (seen := peek(text)) and seen[0] != 2:
            self.turns.csms_answered(seen[1])
            self.calls.send_next()
        if self.heard_s >= self.hub.gauge.next_s:
            self._time(text)
        sighting = self.tap.station_said(text, self.heard_at)
        if sighting is not None:
            self.hub.see(sighting)

    def _time(self, text: bytes) -> None:
        """One call in a while shows how quickly the CSMS answers."""
        id_ = timed_id(text)
        if id_ and self.hub.gauge.asked(self, self._loop.time()):
            self._timed = id_

    def _judge_csms(self, text: bytes) -> Fate:
        """While a call of ours waits or is open, the CSMS's calls wait; its answers do not."""
        kind = kind_of(text)
        if kind is None and may_begin_message(text):
            return Fate.UNDECIDED
        return Fate.HOLD if kind == 2 else Fate.PASS

    def _heard_csms(self, text: bytes, fate: Fate) -> None:
        if text[:2] == b"[3" and not self.tap.waits_for_answer and not self._timed:
            return
        seen = peek(text)
        if seen is None:
            return
        if seen[0] != 2:
            if seen[1] == self._timed and self._timed:
                self._timed = ""
                self.hub.gauge.answered(self, self._loop.time())
            sighting = self.tap.csms_answered(seen[1], text)
            if sighting is not None:
                self.hub.see(sighting)
        elif fate is Fate.HOLD and self.turns.is_holding:
            self.turns.held_call(seen[1])
        else:
            self.turns.csms_called(seen[1], self._loop.time())

    def _passes_up(self, piece: Piece) -> bool:
        """Everything but the pongs to our own pings."""
        if piece.opcode is Opcode.PONG and piece.payload == self._secret:
            self._missed, self._pinged_at = 0, 0.0
            return False
        return True

    def _passes_down(self, piece: Piece) -> bool:
        """A CSMS that says goodbye first gets rid of what it had to say before."""
        if piece.opcode is Opcode.CLOSE:
            self.calls.release()
        return True

    # --- what our calls ask -----------------------------------------------

    @property
    def is_writable(self) -> bool:
        """Whether a frame of ours would leave at once, and between two messages."""
        return not self._is_stuck and not self._is_over and self.down.is_at_boundary

    def against_calling(self) -> str:
        if self._is_over or self.station.is_closing():
            return "its session is over"
        if version_of(self.subprotocol) not in SPOKEN:
            return f"it speaks {self.subprotocol}, which this relay only passes through"
        return "its stream holds something that is no WebSocket frame" if self.down.is_blind or self.up.is_blind else ""

    def to_station(self, data: bytes) -> None:
        self.station.write(data)

    def watch_answers(self) -> None:
        """Once we have called this station, some of what it says is for us alone."""
        self.up.judge, self.up.max_undecided_bytes = self.calls.judge, MAX_TEXT_BYTES

    def report_of(self, text: bytes) -> Report | None:
        return self.hub.reports.of(self.identity, text)

    def hold_csms(self, is_held: bool) -> None:
        self.down.judge = self._judge_csms if is_held else None
        if not is_held:
            self.down.release()

    def expect_boot(self, is_expected: bool) -> None:
        self.tap.expects_boot = is_expected

    def note(self, text: str) -> None:
        self.hub.note(self, text)

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
                self.station.write(encode(Opcode.PING, self._secret))

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
        self.calls.stop(why)
        self._is_over = True
        if self._timed:
            self.hub.gauge.forget(self)
        for leg in (self.station, self.upstream):
            leg.abort() if abort else leg.close()
        for sighting in self.tap.over():
            self.hub.see(sighting)
        self.hub.see(self.tap.place.sighting(Kind.DISCONNECTED, self.now(), detail=why))
        self.hub.closed(self, by_csms=by_csms)


def _pause(leg: Leg, is_paused: bool) -> None:
    if leg.is_closing():
        return  # nothing more will be read; one event loop raises when it is asked
    if is_paused:
        leg.pause_reading()
    else:
        leg.resume_reading()
