"""One session of a simulated station: what it says, and how it obeys.

Begins with an open socket and ends with it.  What outlives a session (flash,
driver, faults) belongs to the station.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from migrate.simulator.address import dial_url
from migrate.simulator.behaviour import Apply, Drop, Trigger
from migrate.simulator.dialect import BadAnswer, StationEnd
from migrate.simulator.faults import Fault
from migrate.simulator.flash import ACCEPTED, NOT_SUPPORTED, REJECTED, Shown, TooManyKeys
from migrate.simulator.wirelog import Kind, Side
from migrate.simulator.world import SHORTEST_S

if TYPE_CHECKING:
    from migrate.simulator.station import SimulatedStation

PROBATION_S = 25.0  # how long a station that will fall back looks at its new backend
STOP_TIMEOUT_S = 2.0  # real: for the StopTransaction before a restart
LONGEST_NAME = 100
BROKEN = (ConnectionClosed, OSError)
CHOKED = (*BROKEN, OCPPError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What ends the loop of the ocpp package when a CSMS sends nonsense."""

TAG = "SIMULATED-TAG"


class Leave(StrEnum):
    """Why a session ended."""

    DROPPED = "dropped"  # by the other side or by the network
    MOVED = "moved"  # to another backend, without a restart
    RESTARTED = "restarted"


class Session:
    """One connected socket of one station."""

    def __init__(self, station: SimulatedStation, connection: ClientConnection, side: Side, number: str) -> None:
        self.side = side
        self.number = number
        self._station = station
        self._connection = connection
        self._end = StationEnd(station.spec.identity, connection, self)
        self._leaving: asyncio.Future[Leave] = asyncio.get_running_loop().create_future()
        self._asides: set[asyncio.Task[None]] = set()
        self._beat_s = station.world.heartbeat_s
        self._if_dropped = Leave.DROPPED  # a station that has accepted a Reset restarts with or without a network

    async def run(self) -> Leave:
        """Live until the socket breaks or the station leaves."""
        self._log(Kind.CONNECTED)
        reader = asyncio.create_task(self._read())
        self._aside(self._do_duties())
        ends: set[asyncio.Future[Any]] = {reader, self._leaving}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._connection.transport.abort()
            raise
        finally:
            await self._hush(reader)
        leave = self._leaving.result() if self._leaving.done() else self._if_dropped
        await self._hang_up(leave)
        return leave

    async def _read(self) -> None:
        with suppress(*CHOKED):
            await self._end.start()

    async def _hush(self, reader: asyncio.Task[None]) -> None:
        """Cancel until they obey: the wait_for under the ocpp package's call() may swallow one (python/cpython#86296)."""
        alive = {reader, *self._asides}
        while alive := {task for task in alive if not task.done()}:
            for task in alive:
                task.cancel()
            await asyncio.wait(alive, timeout=SHORTEST_S)

    async def _hang_up(self, leave: Leave) -> None:
        if leave is Leave.RESTARTED and self._station.ways.drop is Drop.ABRUPT:
            self._connection.transport.abort()
        else:
            await self._connection.close()

    def _leave(self, how: Leave) -> None:
        if not self._leaving.done():
            self._leaving.set_result(how)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._station.world.watch(asyncio.create_task(_quietly(work)))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def _log(self, kind: Kind, **facts: str | tuple[str, ...]) -> None:
        self._station.log(kind, session=self.number, **facts)

    # what it says

    async def _do_duties(self) -> None:
        station = self._station
        if station.is_on_probation(self.side):
            await asyncio.sleep(station.world.real_s(PROBATION_S))
            station.give_up()
            self._leave(Leave.RESTARTED)
            return
        if station.boot_due and not (station.fault is Fault.NO_BOOT and self.side is Side.TARGET):
            await self._boot_until_accepted()
        station.online.set()
        station.begin_charging()
        await self._report_connectors()
        if station.is_charging:
            self._aside(self._serve_driver())
        await self._beat()

    async def _boot_until_accepted(self) -> None:
        """Pending, Rejected or no sensible answer: again after the interval that the CSMS asked for."""
        while self._station.boot_due:
            with suppress(BadAnswer):
                await self._boot()
            self._station.online.set()
            if self._station.boot_due:
                await asyncio.sleep(self._station.world.real_s(self._beat_s))

    async def _boot(self) -> None:
        self._log(Kind.BOOT_SENT)
        status, interval_s = await self._end.boot(self._station.spec)
        self._beat_s = interval_s if interval_s > 0 else self._station.world.heartbeat_s
        if status != ACCEPTED:
            self._log(Kind.ANSWER, action="BootNotification", status=status)
            return
        self._log(Kind.BOOT_ACCEPTED)
        self._station.boot_accepted()
        if self._station.fault is Fault.DUPLICATE_SESSION and self.side is Side.TARGET:
            ways, identity = self._station.ways, self._station.spec.identity
            await self._station.cast_shadow(dial_url(self._station.world.target_url, identity, ways.slash))

    async def _report_connectors(self) -> None:
        for connector in range(self._station.spec.connectors + 1):
            charging = connector == 1 and self._station.is_charging
            with suppress(BadAnswer):
                await self._end.report_status(connector, "Charging" if charging else "Available")

    async def _beat(self) -> None:
        wait_s = self._station.world.real_s(self._beat_s) * self._station.dice.random()
        while True:
            await asyncio.sleep(max(SHORTEST_S, wait_s))
            with suppress(BadAnswer):
                await self._end.beat()
            wait_s = self._station.world.real_s(self._beat_s)

    async def _serve_driver(self) -> None:
        """A driver charges until the time drawn; the transaction outlives a dropped session."""
        station = self._station
        if station.transaction is None:
            self._log(Kind.TRANSACTION_STARTED)
            station.transaction = await self._end.start_transaction(TAG)
        await asyncio.sleep(max(0.0, (station.charges_until or 0.0) - asyncio.get_running_loop().time()))
        await self._stop_transaction("Local")

    async def _stop_transaction(self, reason: str) -> None:
        number = self._station.transaction
        self._station.end_charging()
        self._log(Kind.TRANSACTION_STOPPED, status=reason)
        if number is not None:
            await self._end.stop_transaction(number, reason)
            await self._end.report_status(1, "Available")

    # how it obeys

    async def change(self, key: str, value: str) -> str:
        flash, name = self._station.flash, key[:LONGEST_NAME]
        is_address = flash.is_backend_key(key)
        shown = value if is_address else self._station.world.wire.veil(value)
        self._log(Kind.COMMAND, action="ChangeConfiguration", key=name, value=shown)
        status = flash.write(key, value)
        self._log(Kind.ANSWER, action="ChangeConfiguration", key=name, status=status)
        if is_address and status not in (REJECTED, NOT_SUPPORTED):
            self._log(Kind.STORED, value=self._station.held)
            if self._station.ways.apply is Apply.AT_ONCE:
                asyncio.get_running_loop().call_later(SHORTEST_S, self._leave, Leave.MOVED)
        return status

    async def show(self, keys: list[str]) -> tuple[list[Shown], list[str]]:
        self._log(Kind.COMMAND, action="GetConfiguration", keys=tuple(key[:LONGEST_NAME] for key in keys))
        try:
            known, unknown = self._station.flash.read(keys)
        except TooManyKeys:
            self._log(Kind.ANSWER, action="GetConfiguration", status="too many keys")
            raise
        self._log(Kind.ANSWER, action="GetConfiguration", status=f"{len(known)} known, {len(unknown)} unknown")
        return known, unknown

    async def reset(self, kind: str) -> str:
        self._log(Kind.COMMAND, action="Reset", key=kind[:LONGEST_NAME])
        if self._station.fault is not Fault.RESET_IGNORED:
            self._aside(self._restart_soon(kind))
        if self._station.fault is Fault.RESET_UNANSWERED:
            await asyncio.Event().wait()  # until the session is over
        self._log(Kind.ANSWER, action="Reset", status=ACCEPTED)
        return ACCEPTED

    async def _restart_soon(self, kind: str) -> None:
        station = self._station
        station.begin_restart(kind)
        self._if_dropped = Leave.RESTARTED
        if station.is_charging:
            with suppress(BadAnswer, TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._stop_transaction(f"{kind}Reset")
        await asyncio.sleep(station.world.real_s(station.ways.reset_drop_s))
        self._leave(Leave.RESTARTED)

    async def trigger(self, action: str) -> str:
        self._log(Kind.COMMAND, action="TriggerMessage", key=action[:LONGEST_NAME])
        status = self._trigger_status(action)
        self._log(Kind.ANSWER, action="TriggerMessage", key=action[:LONGEST_NAME], status=status)
        if status == ACCEPTED:
            first = self._station.ways.trigger_first
            self._aside(self._send_triggered(action, 0.0 if first else SHORTEST_S))
            await asyncio.sleep(0)  # with trigger_first the CALL leaves before our CALLRESULT
        return status

    def _trigger_status(self, action: str) -> str:
        station = self._station
        if station.is_on_probation(self.side):
            return REJECTED
        if station.ways.trigger is Trigger.UNTIL_RECONNECT and station.has_reconnected:
            return REJECTED
        is_able = station.ways.trigger is not Trigger.NEVER
        return ACCEPTED if is_able and action in TRIGGERED else "NotImplemented"

    async def _send_triggered(self, action: str, after_s: float) -> None:
        if after_s:
            await asyncio.sleep(after_s)
        if action == "BootNotification":
            await self._boot()
        elif action == "Heartbeat":
            await self._end.beat()
        else:
            await self._report_connectors()

    def refuse(self, action: str) -> str:
        self._log(Kind.COMMAND, action=action)
        self._log(Kind.ANSWER, action=action, status=REJECTED)
        return REJECTED


TRIGGERED = ("BootNotification", "Heartbeat", "StatusNotification")


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """What breaks with the socket breaks in silence: the reading loop notices."""
    with suppress(*BROKEN, BadAnswer):
        await work
