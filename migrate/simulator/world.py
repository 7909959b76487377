"""What all simulated stations share: the two addresses, the pace, the wire log."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from migrate.simulator.address import base_of
from migrate.simulator.armour import TLS_FROM, Commissioned
from migrate.simulator.wirelog import Side, WireLog

SHORTEST_S = 0.05  # real: however fast the campaign, no busy loop
DIALS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`source_url` is in every flash at first, `target_url` is what crews enter; the speed divides campaign time."""

    source_url: str
    target_url: str
    wire: WireLog
    speed: float = 1.0
    heartbeat_s: float = 30.0
    seed: int = 0
    firmware_tls: ssl.SSLContext | None = None  # whom stations believe when they load files over HTTPS
    on_crash: Callable[[BaseException], None] | None = None
    dialling: Mapping[Side, asyncio.Semaphore] = field(
        default_factory=lambda: {side: asyncio.Semaphore(DIALS_AT_ONCE) for side in Side}
    )  # one per side: a frozen backend must not keep stations from the other

    def watch(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Tell the fleet when a station's task breaks: our own bug must not pass for a lost station."""
        if self.on_crash:
            task.add_done_callback(self._tell)
        return task

    def _tell(self, task: asyncio.Task[None]) -> None:
        if self.on_crash and not task.cancelled() and (error := task.exception()):
            self.on_crash(error)

    def real_s(self, campaign_s: float) -> float:
        return max(SHORTEST_S, campaign_s / self.speed)

    def address(self, side: Side, given: Commissioned | None) -> str:
        """What a station dials on a side: those whose profile has no TLS in the clear, where one port takes both."""
        url = self.source_url if side is Side.SOURCE else self.target_url
        if given is None or not url.startswith("wss://"):
            return url
        return url if given.profile >= TLS_FROM else "ws://" + url.removeprefix("wss://")

    def side_of(self, url: str) -> Side:
        """Which backend a dialled URL belongs to, in the clear or over TLS."""
        base = _unschemed(base_of(url))
        if base == _unschemed(self.source_url):
            return Side.SOURCE
        return Side.TARGET if base == _unschemed(self.target_url) else Side.NONE


def _unschemed(url: str) -> str:
    return url.rstrip("/").partition("://")[2]
