"""Which host keys stations show, asked before anybody has logged in, and how they compare with what is known.

It records nothing: whether a key is trusted a person says (``migrate trust``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.adapters.channels.ssh.line import Changed, Line, Locked, NotKnown, Silent, TooOld, open_line, shake_hands
from migrate.adapters.channels.ssh.login import Login


class Standing(StrEnum):
    """How a shown key compares with what is known of its host."""

    NEW = "new"
    KNOWN = "known"
    CHANGED = "changed"
    NOT_SHOWN = "not_shown"  # nobody answered there, or with nothing that can be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One host to ask, and the station behind it where it is one."""

    host: str
    port: int
    identity: str = ""
    jump: Login | None = None

    @property
    def place(self) -> str:
        return place_of(self.host, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one host showed."""

    asked: Asked
    standing: Standing
    key: HostKey | None = None
    why: str = ""


async def show_keys(asked: Sequence[Asked], known: KnownHosts, *, at_once: int) -> list[Shown]:
    """Ask every host, so many at a time, in the order in which they were named."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(at_once, thread_name_prefix="keys") as pool:
        jumps = {one.jump for one in asked if one.jump is not None}
        lines = {jump: await loop.run_in_executor(pool, _jump_line, jump, known) for jump in jumps}
        asks = [
            loop.run_in_executor(pool, _ask, one, known, lines.get(one.jump) if one.jump else None) for one in asked
        ]
        try:
            return list(await asyncio.gather(*asks))
        finally:
            for line in lines.values():
                if isinstance(line, Line):
                    line.close()


def _jump_line(jump: Login, known: KnownHosts) -> Line | str:
    """A line through the jump host, or why there is none."""
    place = place_of(jump.host, jump.port)
    try:
        return open_line(jump, known)
    except NotKnown:
        return f"the key of its jump host {place} is not trusted yet"
    except Changed:
        return f"its jump host {place} shows another key than the one that was trusted"
    except (Locked, TooOld, Silent) as error:
        return f"its jump host {place} {error}"


def _ask(asked: Asked, known: KnownHosts, through: Line | str | None) -> Shown:
    if isinstance(through, str):
        return Shown(asked=asked, standing=Standing.NOT_SHOWN, why=through)
    trusted = known.keys_of(asked.place)
    try:
        transport = shake_hands(asked.host, asked.port, kinds=tuple(trusted), through=through)
    except TooOld as error:
        return Shown(asked=asked, standing=Standing.NOT_SHOWN, why=f"speaks only what is not safe any more: {error}")
    except Silent as error:
        return Shown(asked=asked, standing=Standing.NOT_SHOWN, why=str(error))
    key = HostKey.of(transport.get_remote_server_key())
    transport.close()
    if not trusted:
        return Shown(asked=asked, standing=Standing.NEW, key=key)
    return Shown(asked=asked, standing=Standing.KNOWN if trusted.get(key.kind) == key else Standing.CHANGED, key=key)
