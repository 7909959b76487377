"""What is written beside plain changes: orders, wave marks, batches, processes, plans, approvals.

Each function is one errand inside one transaction.  It checks first, raising
before anything is written, and leaves an event for everything it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from migrate.adapters.journal.chain import digest
from migrate.adapters.journal.reads import WHOLE_PLAN
from migrate.adapters.journal.rows import Prepared, document, process_row, time_text, to_column
from migrate.adapters.journal.tables import APPROVAL, BATCH, CONTROL, PLAN, PROCESS, WAVE_MARK
from migrate.adapters.journal.transaction import Transaction, put
from migrate.domain.errors import Stale
from migrate.domain.record import Approval, Control, Event, EventKind, Process, WaveMark
from migrate.domain.wave import Plan


def change(transaction: Transaction, entry: Prepared) -> int:
    (outcome,) = transaction.apply([entry])
    if isinstance(outcome, Stale):
        raise outcome
    return outcome


def order(transaction: Transaction, control: Control, entry: Prepared) -> None:
    epoch = transaction.connection.execute(select(CONTROL.c.epoch)).scalar() or 0
    if control.epoch != epoch + 1:
        raise Stale("Somebody else gave an order at the same time.", guard="control", hint="Look, then order again.")
    change(transaction, entry)
    put(transaction.connection, CONTROL, {"id": 1, "epoch": control.epoch, "body": document(control)})


def mark_wave(transaction: Transaction, fingerprint: str, mark: WaveMark, entry: Prepared) -> None:
    change(transaction, entry)
    row = {"fingerprint": to_column(fingerprint), "wave": mark.wave, "body": document(mark)}
    put(transaction.connection, WAVE_MARK, row)


def take_batch(transaction: Transaction, batch: str, executor: str, at: datetime) -> int:
    key = to_column(batch)
    held = transaction.connection.execute(select(BATCH.c.epoch).where(BATCH.c.batch == key)).scalar() or 0
    row = {"batch": key, "epoch": held + 1, "executor": to_column(executor), "at": time_text(at)}
    put(transaction.connection, BATCH, row)
    data = {"batch": batch, "executor": executor, "epoch": held + 1}
    transaction.append(Event(kind=EventKind.BATCH, at=at, data=data))
    return held + 1


def beat(transaction: Transaction, process: Process) -> None:
    """Note a sign of life.  Only a beginning and an end are events: a heartbeat every few seconds tells no story."""
    row = process_row(process)
    same = PROCESS.c.executor == row["executor"]
    ended = transaction.connection.execute(select(PROCESS.c.ended).where(same)).scalar()
    put(transaction.connection, PROCESS, row)
    if ended is None or bool(ended) != process.ended:
        said: dict[str, Any] = {"executor": process.executor, "role": process.role, "host": process.host}
        data = {**said, "pid": process.pid, "process": "ended" if process.ended else "began"}
        transaction.append(Event(kind=EventKind.PROCESS, at=process.beat_at, data=data))


def approve(transaction: Transaction, approval: Approval) -> None:
    """Note an approval; a second one for the same thing adds nothing."""
    wave = WHOLE_PLAN if approval.wave is None else approval.wave
    key = {"fingerprint": to_column(approval.fingerprint), "wave": wave}
    same = (APPROVAL.c.fingerprint == key["fingerprint"]) & (APPROVAL.c.wave == wave)
    if transaction.connection.execute(select(APPROVAL.c.wave).where(same)).first():
        return
    row = {**key, "by": to_column(approval.by), "at": time_text(approval.at)}
    transaction.connection.execute(insert(APPROVAL).values(row))
    data = {"fingerprint": approval.fingerprint, "wave": approval.wave, "by": approval.by}
    transaction.append(Event(kind=EventKind.APPROVED, at=approval.at, data=data))


def store_plan(transaction: Transaction, plan: Plan, at: datetime, note: Mapping[str, Any]) -> None:
    """Keep a plan and make it the current one."""
    body = document(plan)
    row = {"fingerprint": to_column(plan.fingerprint), "body": body, "digest": digest(body), "made_at": time_text(at)}
    transaction.connection.execute(update(PLAN).values(current=0))
    put(transaction.connection, PLAN, {**row, "current": 1})
    data = {**note, "fingerprint": plan.fingerprint, "digest": row["digest"], "waves": [w.size for w in plan.waves]}
    transaction.append(Event(kind=EventKind.PLAN_MADE, at=at, data=data))
