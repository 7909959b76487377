"""The run lease: one run per campaign.

A holder that is dead on this very host is succeeded under a higher epoch; one
that lives, or that lives on another host for all we can tell, is named to
whoever asks.  Dead means: its process id is gone, belongs to a younger
process, or is from before the last boot.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select

from migrate.adapters.journal.rows import from_column, time_text, to_column
from migrate.adapters.journal.tables import LEASE
from migrate.adapters.journal.transaction import Transaction, put
from migrate.domain.errors import Locked
from migrate.domain.record import Event, EventKind

RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who holds the campaign.  ``boot`` and ``born`` tell a process from a later one with its number."""

    executor: str
    host: str
    pid: int
    boot: str
    born: str
    nonce: str = ""
    epoch: int = 0

    def __str__(self) -> str:
        return f"{self.executor} (process {self.pid} on {self.host})"


def of_this_process(executor: str) -> Lease:
    pid = os.getpid()
    return Lease(
        executor=executor, host=socket.gethostname(), pid=pid, boot=_boot(), born=_born(pid) or "", nonce=uuid4().hex
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


def acquire(
    transaction: Transaction, wish: Lease, at: datetime, *, force: bool, dead: Callable[[Lease, Lease], bool]
) -> Lease:
    """Take the lease, or raise ``Locked`` naming who holds it."""
    holder = _holder(transaction)
    if holder.executor and holder.nonce != wish.nonce and not force and not dead(holder, wish):
        raise Locked(
            f"The campaign is held by {holder}.",
            hint="Wait for it to end, or stop it; only a run that is certainly dead is succeeded.",
        )
    taken = replace(wish, epoch=holder.epoch + 1)
    _write(transaction, taken, at)
    data = {"lease": "taken", "epoch": taken.epoch, "host": taken.host, "pid": taken.pid}
    data |= {"from": holder.executor, "forced": force} if holder.executor else {}
    transaction.append(_event(taken, at, data))
    return taken


def release(transaction: Transaction, held: Lease, at: datetime) -> None:
    """Give the lease back; one that was taken over meanwhile is left alone."""
    if _holder(transaction).nonce != held.nonce:
        return
    _write(transaction, replace(held, executor="", nonce=""), at)
    transaction.append(_event(held, at, {"lease": "given back", "epoch": held.epoch}))


def _event(lease: Lease, at: datetime, data: dict[str, object]) -> Event:
    return Event(kind=EventKind.PROCESS, at=at, data={"executor": lease.executor, **data})


def _holder(transaction: Transaction) -> Lease:
    row = transaction.connection.execute(select(LEASE).where(LEASE.c.name == RUN)).mappings().first()
    if row is None:
        return Lease(executor="", host="", pid=0, boot="", born="")
    texts = {name: from_column(row[name]) for name in ("executor", "host", "boot", "born", "nonce")}
    return Lease(pid=row["pid"], epoch=row["epoch"], **texts)


def _write(transaction: Transaction, lease: Lease, at: datetime) -> None:
    row = {name: to_column(value) if isinstance(value, str) else value for name, value in asdict(lease).items()}
    put(transaction.connection, LEASE, {**row, "name": RUN, "at": time_text(at)})
