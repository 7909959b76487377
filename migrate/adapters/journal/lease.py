"""Leases: one run per campaign, and one hand at a station that is asked without an attempt.

A holder that is dead on this very host is succeeded under a higher epoch; one
that lives, or that lives on another host for all we can tell, is named to
whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import select

from migrate.adapters.journal.holders import RUN, Lease, lease_in, of_station
from migrate.adapters.journal.rows import from_column, time_text, to_column
from migrate.adapters.journal.tables import ATTEMPT, LEASE
from migrate.adapters.journal.transaction import Transaction, put
from migrate.domain.attempt import IN_FLIGHT
from migrate.domain.errors import Locked, NotAllowed
from migrate.domain.record import Event, EventKind


def acquire(
    transaction: Transaction, wish: Lease, at: datetime, *, force: bool, dead: Callable[[Lease, Lease], bool]
) -> Lease:
    """Take the lease, or raise ``Locked`` naming who holds it."""
    holder = _holder(transaction, wish.name)
    if holder.executor and holder.nonce != wish.nonce and not force and not dead(holder, wish):
        what = "The campaign" if wish.name == RUN else wish.name.partition(":")[2]
        raise Locked(
            f"{what} is held by {holder}.",
            hint="Wait for it to end, or stop it; only one that is certainly dead is succeeded.",
        )
    taken = replace(wish, epoch=holder.epoch + 1)
    _write(transaction, taken, at)
    data = {"lease": "taken", "epoch": taken.epoch, "host": taken.host, "pid": taken.pid}
    data |= {"from": holder.executor, "forced": force} if holder.executor else {}
    transaction.append(_event(taken, at, data))
    return taken


def acquire_station(
    transaction: Transaction, wish: Lease, identity: str, at: datetime, *, dead: Callable[[Lease, Lease], bool]
) -> Lease:
    """Hold one station that nobody is moving: until it is given back, no write to it can begin.

    Raises ``NotAllowed`` where an attempt at it is in flight, ``Locked`` where
    somebody else holds it.
    """
    flying = select(ATTEMPT.c.state).where(
        ATTEMPT.c.identity == to_column(identity), ATTEMPT.c.state.in_(sorted(state.value for state in IN_FLIGHT))
    )
    if state := transaction.connection.execute(flying).scalar():
        raise NotAllowed(f"{identity} is being moved: {from_column(state)}.", hint="Probe it when that has ended.")
    return acquire(transaction, replace(wish, name=of_station(identity)), at, force=False, dead=dead)


def release(transaction: Transaction, held: Lease, at: datetime) -> None:
    """Give the lease back; one that was taken over meanwhile is left alone."""
    if _holder(transaction, held.name).nonce != held.nonce:
        return
    _write(transaction, replace(held, executor="", nonce=""), at)
    transaction.append(_event(held, at, {"lease": "given back", "epoch": held.epoch}))


def _event(lease: Lease, at: datetime, data: dict[str, object]) -> Event:
    of = {} if lease.name == RUN else {"of": lease.name}
    return Event(kind=EventKind.PROCESS, at=at, data={"executor": lease.executor, **of, **data})


def _holder(transaction: Transaction, name: str) -> Lease:
    row = transaction.connection.execute(select(LEASE).where(LEASE.c.name == to_column(name))).mappings().first()
    return lease_in(row) if row is not None else Lease(executor="", host="", pid=0, boot="", born="", name=name)


def _write(transaction: Transaction, lease: Lease, at: datetime) -> None:
    row = {name: to_column(value) if isinstance(value, str) else value for name, value in asdict(lease).items()}
    put(transaction.connection, LEASE, {**row, "at": time_text(at)})
