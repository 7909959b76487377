"""What the parts of a simulated station may ask of the device around them.

Dialler, loader, session and obedience live inside a station and know it by
this face alone; the station makes them, and no part makes another's device.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, Protocol

from migrate.simulator.armour import Armour
from migrate.simulator.behaviour import Behaviour
from migrate.simulator.connector import Connector
from migrate.simulator.deal import StationSpec
from migrate.simulator.dialect import StationEnd
from migrate.simulator.dialect201 import StationEnd201
from migrate.simulator.downloading import Order
from migrate.simulator.faults import Fault
from migrate.simulator.flash import Flash
from migrate.simulator.shadow import Shadow
from migrate.simulator.wirelog import Kind, Side
from migrate.simulator.world import World


class Body(Protocol):
    """The device: what it is, what it holds, and what can happen to it."""

    spec: StationSpec
    world: World
    ways: Behaviour
    fault: Fault
    flash: Flash
    armour: Armour | None
    connector: Connector
    shadow: Shadow
    dice: random.Random
    online: asyncio.Event  # connected, and its first boot answered
    called: str  # the name it dials under
    boot_due: bool
    boot_reason: str
    firmware_news: str  # what it says of its new firmware once it has booted with it
    has_reconnected: bool
    has_crashed: bool
    was_written: bool
    is_bricked: bool

    @property
    def held(self) -> str: ...
    @property
    def dialled(self) -> str: ...
    @property
    def session(self) -> Talk | None: ...
    @property
    def loader(self) -> Loads: ...

    def log(self, kind: Kind, **facts: str | tuple[str, ...]) -> None: ...
    def boot_accepted(self) -> None: ...
    def begin_charging(self) -> None: ...
    def begin_restart(self, reset: str) -> None: ...
    def is_on_probation(self, side: Side) -> bool: ...
    def give_up(self) -> None: ...
    def install(self, version: str) -> None: ...
    def reconnect_anew(self) -> None: ...


class Talk(Protocol):
    """Its session, for whoever obeys in it or has something to say."""

    side: Side
    keeps_socket: bool

    @property
    def station(self) -> Body: ...
    @property
    def end(self) -> StationEnd | StationEnd201: ...

    def log(self, kind: Kind, **facts: str | tuple[str, ...]) -> None: ...
    def aside(self, work: Coroutine[Any, Any, None]) -> None: ...
    def move(self) -> None: ...
    def crash(self) -> bool: ...
    def restart_at_once(self, kind: str) -> bool: ...
    async def restart_soon(self, kind: str) -> None: ...
    async def restart_when_ready(self) -> None: ...
    async def boot(self, reason: str = "") -> None: ...
    async def beat(self) -> None: ...
    async def report_connectors(self) -> None: ...
    def flash_firmware(self, words: tuple[str, ...], version: str = "") -> None: ...
    async def tell_firmware(self, word: str, request: int | None = None) -> None: ...


class Loads(Protocol):
    """Its downloads."""

    @property
    def is_busy(self) -> bool: ...
    def take(self, order: Order) -> None: ...
