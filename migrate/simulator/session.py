"""One session of a simulated station: what it says from the first word to the last.

Begins with an open socket and ends with it.  What outlives a session (flash,
driver, faults) belongs to the station; how it obeys is in `obedience`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from typing import Any

from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from migrate.simulator.address import Slash, dial_url
from migrate.simulator.body import Body
from migrate.simulator.dialect import BadAnswer
from migrate.simulator.ends import end_of
from migrate.simulator.faults import Fault
from migrate.simulator.flash import ACCEPTED
from migrate.simulator.habits import Drop
from migrate.simulator.wirelog import Kind, Side
from migrate.simulator.world import SHORTEST_S

PROBATION_S = 25.0  # how long a station that will fall back looks at its new backend
FLASHING_S = 30.0  # between two words about new firmware
STOP_TIMEOUT_S = 2.0  # real: for the StopTransaction before a restart
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

    def __init__(self, station: Body, connection: ClientConnection, side: Side, number: str) -> None:
        self.side = side
        self.number = number
        self.station = station
        self.keeps_socket = False  # this one stays open when the station restarts
        self._connection = connection
        self.end = end_of(self, connection)
        self._leaving: asyncio.Future[Leave] = asyncio.get_running_loop().create_future()
        self._asides: set[asyncio.Task[None]] = set()
        self._beat_s = station.world.heartbeat_s
        self._is_abrupt = False
        self._if_dropped = Leave.DROPPED  # a station that has accepted a Reset restarts with or without a network

    async def run(self) -> Leave:
        """Live until the socket breaks or the station leaves."""
        self.log(Kind.CONNECTED, value=self.station.dialled, key=self._connection.subprotocol or "")
        reader = asyncio.create_task(self._read())
        self.aside(self._do_duties())
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
            await self.end.start()

    async def _hush(self, reader: asyncio.Task[None]) -> None:
        """Cancel until they obey: the wait_for under the ocpp package's call() may swallow one (python/cpython#86296)."""
        alive = {reader, *self._asides}
        while alive := {task for task in alive if not task.done()}:
            for task in alive:
                task.cancel()
            await asyncio.wait(alive, timeout=SHORTEST_S)

    async def _hang_up(self, leave: Leave) -> None:
        if self.keeps_socket and leave is Leave.RESTARTED:
            self.station.shadow.keep(self._connection)
        elif self._is_abrupt or (leave is Leave.RESTARTED and self.station.ways.drop is Drop.ABRUPT):
            self._connection.transport.abort()
        else:
            await self._connection.close()

    def leave(self, how: Leave) -> None:
        if not self._leaving.done():
            self._leaving.set_result(how)

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.station.world.watch(asyncio.create_task(_quietly(work)))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def log(self, kind: Kind, **facts: str | tuple[str, ...]) -> None:
        self.station.log(kind, session=self.number, **facts)

    # how it ends

    def move(self) -> None:
        self.leave(Leave.MOVED)

    def drop(self) -> None:
        """The network is gone: no close frame."""
        self._is_abrupt = True
        self.leave(self._if_dropped)

    def crash(self) -> bool:
        """It is switched off in the middle of everything; False when it is on its way out already."""
        self._is_abrupt = True
        return self.restart_at_once("Hard")

    def restart_at_once(self, kind: str) -> bool:
        if self._leaving.done():
            return False
        self.station.begin_restart(kind)
        self.leave(Leave.RESTARTED)
        return True

    async def restart_soon(self, kind: str) -> None:
        """End the transaction, wait as long as its maker does, and leave."""
        self.station.begin_restart(kind)
        self._if_dropped = Leave.RESTARTED
        if self.station.connector.is_charging:
            with suppress(BadAnswer, TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._stop_transaction(f"{kind}Reset")
        await asyncio.sleep(self.station.world.real_s(self.station.ways.reset_drop_s))
        self.leave(Leave.RESTARTED)

    async def restart_when_ready(self) -> None:
        """It has put its restart off: until nobody charges, and as long as its maker likes."""
        await self.station.connector.idle.wait()
        await asyncio.sleep(self.station.world.real_s(self.station.ways.ready_s))
        await self.restart_soon("Soft")

    # what it says

    async def _do_duties(self) -> None:
        station = self.station
        if station.is_on_probation(self.side):
            await asyncio.sleep(station.world.real_s(PROBATION_S))
            station.give_up()
            self.leave(Leave.RESTARTED)
            return
        if station.boot_due and (station.ways.boots_on_target or self.side is not Side.TARGET):
            await self._boot_until_accepted()
        station.online.set()
        station.begin_charging()
        await self._report_after_connecting()
        if station.connector.is_charging:
            self.serve_driver()
        await self._beat()

    async def _boot_until_accepted(self) -> None:
        """Pending, Rejected or no sensible answer: again after the interval that the CSMS asked for."""
        while self.station.boot_due:
            with suppress(BadAnswer):
                await self.boot()
            self.station.online.set()
            if self.station.boot_due:
                await asyncio.sleep(self.station.world.real_s(self._beat_s))

    async def boot(self, reason: str = "") -> None:
        reason = reason or self.station.boot_reason
        self.log(Kind.BOOT_SENT, status=reason)
        status, interval_s = await self.end.boot(self.station.spec, reason)
        self._beat_s = interval_s if interval_s > 0 else self.station.world.heartbeat_s
        if status != ACCEPTED:
            self.log(Kind.ANSWER, action="BootNotification", status=status)
            return
        self.log(Kind.BOOT_ACCEPTED)
        self.station.boot_accepted()
        if self.station.fault is Fault.DUPLICATE_SESSION and self.side is Side.TARGET:
            url = dial_url(self.station.world.target_url, self.station.spec.identity, Slash.IF_MISSING)
            await self.station.shadow.cast(url, self.station.ways.speaks)

    async def _report_after_connecting(self) -> None:
        """After a restart, after a reconnect and after new firmware a supplier's stations say more, or less."""
        station = self.station
        wants = station.ways.reports_on_reconnect or not station.has_reconnected
        if news := station.firmware_news:
            station.firmware_news = ""
            wants = station.ways.reports_after_firmware
            await self.tell_firmware(news)
        if wants:
            await self.report_connectors()
        await self._tell_security()

    async def _tell_security(self) -> None:
        """What concerned its security since somebody last took it, where its maker has it say so."""
        armour = self.station.armour
        for event in armour.take_news() if armour and self.station.ways.security_extension else ():
            self.log(Kind.SECURITY, status=event)
            with suppress(BadAnswer):
                await self.end.report_security(event)

    async def report_connectors(self) -> None:
        for connector in range(self.station.spec.connectors + 1):
            await self._report(connector)

    async def _report(self, connector: int) -> None:
        station = self.station
        status, error = station.connector.status if connector == 1 else ("Available", "NoError")
        self.log(Kind.STATUS, key=str(connector), status=status if error == "NoError" else f"{status}, {error}")
        with suppress(BadAnswer):
            await self.end.report_status(connector, status, error)

    def tell_connector(self) -> None:
        """Say how its connector stands, now."""
        self.aside(self._report(1))

    async def beat(self) -> None:
        with suppress(BadAnswer):
            await self.end.beat()

    async def _beat(self) -> None:
        wait_s = self.station.world.real_s(self._beat_s) * self.station.dice.random()
        while True:
            await asyncio.sleep(max(SHORTEST_S, wait_s))
            await self.beat()
            wait_s = self.station.world.real_s(self._beat_s)

    # the driver

    def serve_driver(self) -> None:
        self.aside(self._serve_driver())

    async def _serve_driver(self) -> None:
        """A driver charges until the time drawn, or unplugs; the transaction outlives a dropped session."""
        connector = self.station.connector
        if connector.transaction is None:
            self.log(Kind.TRANSACTION_STARTED)
            connector.transaction = await self.end.start_transaction(TAG)
            if self.station.ways.reports_start:
                await self._report(1)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(connector.charges_until):
                await connector.unplugged.wait()
        await self._stop_transaction("Local")

    async def _stop_transaction(self, reason: str) -> None:
        number = self.station.connector.transaction
        self.station.connector.release()
        self.log(Kind.TRANSACTION_STOPPED, status=reason)
        if number is not None:
            await self.end.stop_transaction(number, reason)
            if self.station.ways.reports_stop:
                await self._report(1)

    # new firmware

    def flash_firmware(self, words: tuple[str, ...], version: str = "") -> None:
        """Say these words, one after the other; with a version it is installed then, and the station restarts."""
        self.aside(self._flash_firmware(words, version))

    async def _flash_firmware(self, words: tuple[str, ...], version: str) -> None:
        for word in words:
            await self.tell_firmware(word)
            await asyncio.sleep(self.station.world.real_s(FLASHING_S))
        if version:
            self.station.install(version)
            self.restart_at_once("Hard")

    async def tell_firmware(self, word: str, request: int | None = None) -> None:
        """What breaks meanwhile is no matter: the next word, or the boot, tells as much."""
        self.log(Kind.FIRMWARE, status=word)
        with suppress(BadAnswer, *BROKEN):
            await self.end.report_firmware(word, request)


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """What breaks with the socket breaks in silence: the reading loop notices."""
    with suppress(*BROKEN, BadAnswer):
        await work
