"""Calls of ours to one station.

Puts them on the wire when it is their turn, keeps the CSMS's own calls back
meanwhile, and hands out the answers.  It repeats nothing: what was sent and not
answered is the caller's to read back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from migrate.adapters.ocpp.framing import Opcode, encode
from migrate.adapters.ocpp.lane import Fate
from migrate.adapters.ocpp.messages import (
    Answer,
    Error,
    Malformed,
    Result,
    answer_text,
    call_text,
    may_begin_message,
    parse,
    peek,
)
from migrate.adapters.ocpp.reports import NOTIFY, Report
from migrate.adapters.ocpp.turns import Turns
from migrate.domain.errors import Unreachable

MAX_OWED = 64  # a station waits for an answer before it sends the next part


class Wire(Protocol):
    """What calls ask of the session they go through."""

    @property
    def identity(self) -> str: ...
    @property
    def is_writable(self) -> bool: ...
    def against_calling(self) -> str: ...
    def to_station(self, data: bytes) -> None: ...
    def watch_answers(self) -> None: ...
    def hold_csms(self, is_held: bool) -> None: ...
    def expect_boot(self, is_expected: bool) -> None: ...
    def report_of(self, text: bytes) -> Report | None: ...
    def note(self, text: str) -> None: ...


@dataclass(slots=True)
class Injection:
    """A call of ours on its way."""

    id: str
    action: str
    text: bytes = field(repr=False)
    triggers_boot: bool
    not_after_s: float
    sent: asyncio.Future[None]
    answer: asyncio.Future[Answer]


class Calls:
    """One session's calls of ours, and whose turn it is."""

    __slots__ = (
        "_count",
        "_loop",
        "_max_waiting",
        "_open",
        "_owed",
        "_prefix",
        "_retry",
        "_trigger",
        "_trigger_s",
        "_wire",
        "turns",
    )

    def __init__(self, wire: Wire, turns: Turns, *, prefix: str, max_waiting: int, trigger_s: float) -> None:
        self._wire, self.turns, self._prefix = wire, turns, prefix
        self._max_waiting, self._trigger_s = max_waiting, trigger_s
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, Injection] = {}
        self._owed: list[bytes] = []  # answers of ours to parts of a report, until they may be written
        self._count = 0
        self._retry: asyncio.TimerHandle | None = None
        self._trigger: asyncio.TimerHandle | None = None

    def judge(self, text: bytes) -> Fate:
        """What is for us alone: an answer with an id of ours, and the parts of a report that we asked for."""
        seen = peek(text)
        if seen is None:
            return Fate.UNDECIDED if may_begin_message(text) else Fate.PASS
        if seen[0] == 2 and seen[2] == NOTIFY:
            return Fate.SWALLOW if self._wire.report_of(text) else Fate.UNDECIDED  # its number may come last
        return Fate.SWALLOW if seen[0] != 2 and seen[1].startswith(self._prefix) else Fate.PASS

    @property
    def is_due(self) -> bool:
        """Whether something of ours waits to be written."""
        return bool(self.turns.waiting or self._owed)

    async def inject(self, action: str, payload: Mapping[str, Any], *, timeout_s: float, not_after_s: float) -> Answer:
        """Call the station and wait for its answer.

        ``not_after_s`` is on the loop's clock: what could not be written by
        then is never written.  Raises ``Unreachable``, ``sent`` or not.
        """
        call = self._enqueue(action, payload, not_after_s)
        try:
            self.send_next()
            await self._until_sent(call)
            return await self._until_answered(call, timeout_s)
        finally:
            self._drop(call)

    def _enqueue(self, action: str, payload: Mapping[str, Any], not_after_s: float) -> Injection:
        why = self._wire.against_calling()
        if why or len(self._open) >= self._max_waiting:
            raise self._unreachable(why or "too many calls wait for it", sent=False)
        self._count += 1
        id_ = f"{self._prefix}{self._count}"
        triggers = action == "TriggerMessage" and payload.get("requestedMessage") == "BootNotification"
        text = call_text(id_, action, payload)
        future = self._loop.create_future
        call = self._open[id_] = Injection(id_, action, text, triggers, not_after_s, future(), future())
        self.turns.waiting.append(id_)
        self._wire.watch_answers()
        self._wire.hold_csms(True)
        return call

    def send_next(self) -> None:
        """Write what we owe, and the next call of ours if nothing stands against it."""
        while self._owed and self._wire.is_writable:
            self._wire.to_station(encode(Opcode.TEXT, self._owed.pop(0)))
        if not self.turns.waiting or not self._wire.is_writable:
            return
        now = self._loop.time()
        id_ = self.turns.next(now)
        if not id_:
            self._try_later(now)
            return
        call = self._open[id_]
        if now > call.not_after_s:
            self.turns.drop(id_)  # its sender is about to be told
            return
        if call.triggers_boot:
            self._expect_boot()
        self._wire.to_station(encode(Opcode.TEXT, call.text))
        if not call.sent.done():
            call.sent.set_result(None)

    def _try_later(self, now: float) -> None:
        """A CSMS's call that is never answered stops counting, without anything coming over the wire."""
        if not self.turns.open:
            _stop(self._retry)
            self._retry = self._loop.call_at(self.turns.busy_until(now), self.send_next)

    def _expect_boot(self) -> None:
        """From before the trigger leaves: one stack boots first and answers afterwards."""
        _stop(self._trigger)
        self._wire.expect_boot(True)
        self._trigger = self._loop.call_later(self._trigger_s, self._wire.expect_boot, False)

    async def _until_sent(self, call: Injection) -> None:
        try:
            async with asyncio.timeout_at(call.not_after_s):
                await call.sent
        except TimeoutError:
            if call.sent.done() and not call.sent.cancelled():
                return  # written in the very moment the patience ended
            raise self._unreachable("it could not be sent in time", sent=False) from None

    async def _until_answered(self, call: Injection, timeout_s: float) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await call.answer
        except TimeoutError:
            raise self._unreachable(f"it did not answer {call.action} within {timeout_s:g} s", sent=True) from None
        if call.triggers_boot and not (isinstance(answer, Result) and answer.payload.get("status") == "Accepted"):
            self._wire.expect_boot(False)
        return answer

    def heard(self, text: bytes) -> None:
        """A message that is for us alone."""
        seen = peek(text)
        if seen is None or seen[0] != 2:
            self._answered(text, seen)
            return
        if report := self._wire.report_of(text):
            report.take(text)
        if len(self._owed) < MAX_OWED:
            self._owed.append(answer_text(Result(seen[1], {})))
        self.send_next()

    def _answered(self, text: bytes, seen: tuple[int, str, str] | None) -> None:
        """The first answer counts; a second one, or one after our patience, is noted and goes no further."""
        call = self._open.get(seen[1]) if seen else None
        if call is None or call.answer.done() or not call.sent.done():
            self._wire.note("a late or second answer to a call of ours")
            return
        call.answer.set_result(_answer(call.id, text))
        self._drop(call)

    def _drop(self, call: Injection) -> None:
        """A call is over: the next of ours, or what the CSMS had to hold back, may go out."""
        if self._open.pop(call.id, None) is None:
            return
        self.turns.drop(call.id)
        if not self.turns.is_holding:
            self.release()
        self.send_next()

    def hold(self, raw: bytes) -> None:
        """Keep back a part of a CSMS's call; when there is no room our calls give way, for nothing of it may be lost."""
        if not self.turns.hold(raw):
            self.fail("the CSMS had more to say than could wait")

    def release(self) -> None:
        """Send what the CSMS had to hold back."""
        raw = self.turns.release(self._loop.time())
        if not self.turns.is_holding:
            self._wire.hold_csms(False)
        if raw:
            self._wire.to_station(raw)

    def fail(self, why: str) -> None:
        """No call of ours can be answered any more."""
        for call in list(self._open.values()):
            ending: asyncio.Future[Any] = call.answer if call.sent.done() else call.sent
            if not ending.done():
                ending.set_exception(self._unreachable(why, sent=call.sent.done()))
            self.turns.drop(call.id)
        self._open.clear()
        self.release()

    def stop(self, why: str) -> None:
        """The session is over."""
        self.fail(why)
        _stop(self._retry)
        _stop(self._trigger)

    def _unreachable(self, why: str, *, sent: bool) -> Unreachable:
        identity = self._wire.identity
        hint = "What it did must be read back." if sent else "Nothing was sent."
        return Unreachable(f"{identity}: {why}.", identity=identity, sent=sent, hint=hint)


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _answer(id_: str, text: bytes) -> Answer:
    """What a station said to us; what cannot be read counts as a refusal to speak the protocol."""
    message = parse(text)
    if isinstance(message, Result | Error):
        return message
    reason = message.reason if isinstance(message, Malformed) else "no answer"
    return Error(id_, "FormatViolation", f"unreadable answer: {reason}")
