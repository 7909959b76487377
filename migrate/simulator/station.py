"""One simulated charging station: powers up, dials, stays, restarts, comes back, or does not.

What it holds is in its flash, what its maker decided in its behaviour, what is
wrong with it in its fault, what it says in its session; this module is the
device around them and lives their life in time.  Durations are campaign
seconds divided by the speed; socket time-outs are real.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from migrate.simulator.armour import Armour, Commissioned
from migrate.simulator.connector import METER_FAILURE, Connector
from migrate.simulator.deal import StationSpec
from migrate.simulator.dialler import Dialler
from migrate.simulator.faults import Fault
from migrate.simulator.flash import Flash
from migrate.simulator.habits import Fallback, Storing
from migrate.simulator.loading import Loader
from migrate.simulator.session import Leave, Session
from migrate.simulator.shadow import Shadow
from migrate.simulator.wirelog import Kind, Side
from migrate.simulator.world import World

TRANSITION_S = 180.0
METER_HEALS_S = 60.0


class State(StrEnum):
    OFF = "off"
    DIALLING = "dialling"
    ONLINE = "online"
    RESTARTING = "restarting"
    GONE = "gone"  # appears nowhere any more


class SimulatedStation:
    """A station from `start` until `stop`."""

    def __init__(self, spec: StationSpec, world: World) -> None:
        self.spec = spec
        self.world = world
        self.fault = spec.fault
        self.ways = spec.ways_with(spec.fault)
        self.flash = Flash(self.ways, spec.identity, world.address(Side.SOURCE, spec.security), spec.fault)
        # 2.x knows certificates without having been given any; 1.6 only with its security extension.
        given = spec.security or (Commissioned() if self.ways.ocpp_version != "1.6" else None)
        self.armour = Armour(given, self.ways, self.flash) if given else None
        self.called = spec.identity  # the name it dials under
        self.dice = random.Random(f"{world.seed}/{spec.identity}")
        self.state = State.OFF
        self.session: Session | None = None
        self.online = asyncio.Event()  # connected, and its first boot answered
        self.connector = Connector(world, awaits_driver=bool(spec.transaction_s))
        self.loader = Loader(self)
        self.is_bricked = False  # by an image
        self.firmware_news = ""  # what it says of its new firmware once it has booted with it
        self.has_crashed = False
        self.was_written = False  # somebody has tried to change its backend
        self.boot_due = True
        self.boot_reason = "PowerUp"  # as 2.0.1 has it
        self.has_reconnected = False  # since the last start
        self.life: asyncio.Task[None] | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self.went_down: Callable[[], None] = nothing  # told when it begins to restart
        self.shadow = Shadow()
        self.dialler = Dialler(self)
        self._rereads = True
        self._back_at = 0.0  # on the loop's clock: when a restart is over

    @property
    def held(self) -> str:
        """The address that its configuration spells now."""
        return next(iter(self.flash.backend), "")

    @property
    def dialled(self) -> str:
        """Where it dialled last."""
        return self.dialler.url

    @property
    def is_down(self) -> bool:
        """Switched off, or on its way through a restart: nothing of it answers."""
        return self.state in (State.OFF, State.RESTARTING, State.GONE)

    @property
    def side(self) -> Side:
        return self.session.side if self.session else Side.NONE

    def log(self, kind: Kind, **facts: str | tuple[str, ...]) -> None:
        self.world.wire.write(kind, self.spec.identity, self.side, **facts)

    def start(self) -> None:
        self.log(Kind.STORED, value=self.held)
        self._begin(self.spec.online_after_s if self.fault is Fault.OFFLINE else 0.0)

    async def stop(self) -> None:
        """End without a word, as a process that is killed."""
        await self.loader.stop()
        await _end(self._watchdog, self.life)
        self.shadow.drop()
        self.state = State.OFF

    async def mend(self, url: str) -> None:
        """A person sets the backend at the station itself and switches it off and on; its fault is gone."""
        await self.stop()
        self.connector.release()
        self.fault = Fault.NONE
        self.ways = self.spec.ways_with(Fault.NONE)
        self.flash.mend(self.ways)
        self.flash.set_by_hand(url)
        self.log(Kind.STORED, value=self.held)
        self.log(Kind.RESTART, status="power")
        self._rereads = True
        self._begin(self.spec.reboot_s)

    def go_wrong(self, fault: Fault) -> None:
        """A station that was well until now gets a fault; it stays where it is."""
        self.fault, self.ways = fault, self.spec.ways_with(fault)
        self.flash.turn(fault, self.ways)

    def boot_accepted(self) -> None:
        """This backend took the station: if it is the configured one, it is home from now on."""
        self.boot_due = False
        if self.dialler.in_use == self.flash.backend:
            self.flash.commit()
        self.flash.prune()

    def begin_charging(self) -> None:
        """The driver who was dealt to this station plugs in when it is first on line, and once only."""
        if not self.connector.idle.is_set():
            self.connector.plug_in(self.spec.transaction_s)

    def take_driver(self, for_s: float) -> bool:
        """A driver comes by; False when there is no place for him."""
        is_in = self.connector.plug_in(for_s)
        if is_in and self.session:
            self.session.serve_driver()
        return is_in

    def lose_link(self, for_s: float) -> None:
        """Its network is gone for a while: no close frame, no restart, and what it does next its supplier decided."""
        self.dialler.lose_link(for_s)
        if self.session:
            self.session.drop()

    def fail_meter(self) -> None:
        """The power meter of its connector fails; some suppliers' stations stay Faulted until they are restarted."""
        self.connector.error = METER_FAILURE
        if self.session:
            self.session.tell_connector()
        if not self.ways.stays_faulted:
            asyncio.get_running_loop().call_later(self.world.real_s(METER_HEALS_S), self._heal_meter)

    def _heal_meter(self) -> None:
        if self.connector.error:
            self.connector.error = ""
            if self.session:
                self.session.tell_connector()

    def reconnect_anew(self) -> None:
        """Its backend was changed by its maker's own way: it leaves, dials and boots, without a restart."""
        self.boot_due = True
        if self.session:
            self.session.move()
        elif not self.is_down:
            self._apply()

    def install(self, version: str) -> None:
        """New firmware is in: the boot that follows says so."""
        self.spec, self.firmware_news = replace(self.spec, firmware=version), "Installed"
        self.boot_reason = "FirmwareUpdate"

    def power_cycle(self) -> bool:
        """Somebody switches it off and on; False when it is off already."""
        return self.session is not None and self.session.crash()

    def is_on_probation(self, side: Side) -> bool:
        """It looks at a new backend which it will not keep."""
        return self.fault is Fault.FALLS_BACK and side is not Side.SOURCE and self.flash.is_pending

    def give_up(self) -> None:
        """Back to the old values by its own decision; a restart follows."""
        self.begin_restart("Hard")
        self.flash.restore()
        self.log(Kind.STORED, value=self.held)

    def _begin(self, off_s: float) -> None:
        self.life = self.world.watch(asyncio.create_task(self._live(off_s), name=self.spec.identity))

    async def _live(self, off_s: float) -> None:
        self.state = State.RESTARTING if off_s else State.OFF
        await asyncio.sleep(off_s / self.world.speed)
        self._power_up()
        while True:
            leave = await self._connect_and_stay()
            self.has_reconnected = True
            if leave is Leave.RESTARTED:
                await self._restart()
            elif leave is Leave.MOVED:
                self._apply()
            else:
                await self._wait_to_redial()

    async def _restart(self) -> None:
        self.state = State.RESTARTING
        self.went_down()
        self.log(Kind.RESTART)
        self.loader.drop()
        if self.is_bricked or (self.fault is Fault.LOST and self.flash.is_pending):
            self.state = State.GONE
            await asyncio.Event().wait()
        await asyncio.sleep(self._back_at - asyncio.get_running_loop().time())
        self._power_up()

    def _power_up(self) -> None:
        self.boot_due, self.has_reconnected, self.connector.error = True, False, ""
        self.dialler.power_up()
        self._apply()
        if self._watchdog and self._watchdog is not asyncio.current_task():
            self._watchdog.cancel()
        is_new = self.flash.is_pending and self.dialler.in_use == self.flash.backend
        if is_new and self.ways.fallback is Fallback.TRANSACTION:
            self._watchdog = self.world.watch(asyncio.create_task(self._watch_transition()))

    def _apply(self) -> None:
        """Take the configuration into use, unless the station only pretends to."""
        pretends = self.ways.storing is Storing.NEVER_USED or not self._rereads
        if not self.dialler.in_use or not pretends:
            self.dialler.in_use = self.flash.backend
        if self._rereads:
            self.called = self.flash.called
        self.flash.use()
        self._rereads = True
        self.log(Kind.APPLIED, value=next(iter(self.dialler.in_use), ""))

    def begin_restart(self, reset: str) -> None:
        """The time drawn runs from the Reset; some makers read the address anew after a Hard one only."""
        self.shadow.drop()
        self.boot_reason = "RemoteReset"
        self._back_at = asyncio.get_running_loop().time() + self.spec.reboot_s / self.world.speed
        self._rereads = self.ways.reset_applies != "hard" or reset == "Hard"

    async def _watch_transition(self) -> None:
        """A transactional station that is not accepted in time takes its old values and restarts."""
        in_201 = self.flash.number("CustomizationCtrlr.ConnectionTransitionTimeout", TRANSITION_S)
        timeout_s = self.flash.number("ConnectionTransitionTimeout", in_201)
        await asyncio.sleep(self.world.real_s(timeout_s))
        if self.flash.is_pending:
            await _end(self.life)
            self.give_up()
            self.log(Kind.RESTART, status="transition timed out")
            self._begin(self.spec.reboot_s)

    async def _connect_and_stay(self) -> Leave:
        self.state = State.DIALLING
        connection = await self.dialler.connect()
        if connection is not None:
            return await self._stay(Session(self, connection, self.dialler.side, str(uuid.uuid4())))
        if self.dialler.has_failed_enough and self.is_on_probation(self.dialler.side):
            self.give_up()
            return Leave.RESTARTED
        return Leave.DROPPED

    async def _stay(self, session: Session) -> Leave:
        self.dialler.connected()
        self.state, self.session = State.ONLINE, session
        try:
            leave = await session.run()
        finally:
            self.session = None
        self.world.wire.write(
            Kind.DISCONNECTED, self.spec.identity, session.side, session=session.number, status=leave.value
        )
        return leave

    async def _wait_to_redial(self) -> None:
        self.state = State.DIALLING
        self.boot_due = self.boot_due or self.ways.boots_on_reconnect
        if self.online.is_set() and not self.ways.redials:
            await asyncio.Event().wait()  # until somebody comes
        await asyncio.sleep(self.dialler.pause_s())


def nothing() -> None:
    """Nobody wants to know."""


async def _end(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel and wait, never for oneself."""
    alive = [task for task in tasks if task and task is not asyncio.current_task()]
    for task in alive:
        task.cancel()
    await asyncio.gather(*alive, return_exceptions=True)
