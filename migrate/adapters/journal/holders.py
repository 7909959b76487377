"""Who holds a lease, and whether that process still lives.

Dead means: its process id is gone, belongs to a younger process, or is from
before the last boot.  Of another host nothing of that can be known.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, RowMapping, select

from migrate.adapters.journal.rows import from_column, time_text, to_column
from migrate.adapters.journal.tables import LEASE

RUN = "run"
FORGOTTEN_AFTER = timedelta(hours=2)
"""Campaign time after which a station is free again though its holder is on another host; a probe takes minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who holds the campaign, or one station.  ``boot`` and ``born`` tell a process from a later one with its number."""

    executor: str
    host: str
    pid: int
    boot: str
    born: str
    nonce: str = ""
    epoch: int = 0
    name: str = RUN

    def __str__(self) -> str:
        return f"{self.executor} (process {self.pid} on {self.host})"


def of_this_process(executor: str, name: str = RUN) -> Lease:
    pid = os.getpid()
    return Lease(
        executor=executor,
        host=socket.gethostname(),
        pid=pid,
        boot=_boot(),
        born=_born(pid) or "",
        nonce=uuid4().hex,
        name=name,
    )


def is_dead(holder: Lease, here: Lease) -> bool:
    """Whether a holder has certainly ended.  Of another host that is never certain."""
    if holder.host != here.host:
        return False
    if holder.boot != here.boot:
        return True
    return _born(holder.pid) != holder.born


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id").strip()


def _born(pid: int) -> str | None:
    """When a process began, in ticks since boot; ``None`` when there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it lives, as somebody else's
    stat = _read(f"/proc/{pid}/stat")
    return stat.rpartition(")")[2].split()[19] if stat else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # not Linux, or just gone: then the process id alone decides


def of_station(identity: str) -> str:
    """The name of a station's own lease."""
    return f"station:{identity}"


def lease_in(row: RowMapping) -> Lease:
    """A stored lease."""
    texts = {name: from_column(row[name]) for name in ("executor", "host", "boot", "born", "nonce", "name")}
    return Lease(pid=row["pid"], epoch=row["epoch"], **texts)


def held_among(connection: Connection, identities: Collection[str], at: datetime) -> frozenset[str]:
    """The stations that somebody holds who may still be alive."""
    names = {to_column(of_station(identity)): identity for identity in identities}
    taken = select(LEASE).where(LEASE.c.name.in_(names), LEASE.c.executor != "")
    rows = connection.execute(taken).mappings().all()
    if not rows:
        return frozenset()
    here, long_ago = of_this_process(""), time_text(at - FORGOTTEN_AFTER)
    return frozenset(
        names[row["name"]]
        for row in rows
        if not is_dead(lease_in(row), here) and (row["host"] == to_column(here.host) or row["at"] > long_ago)
    )
