"""What ``migrate visits return`` does: a workbook in, judged as a whole, recorded in one change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from batches.visit_returns import Judgement, Paper, change_of, judge, read_paper
from migrate.adapters.spreadsheet.guard import Kind, kind_of
from migrate.adapters.spreadsheet.table import FileRefused, Table
from migrate.adapters.spreadsheet.text import LARGEST_BYTES
from migrate.adapters.spreadsheet.workbook import read_workbook
from migrate.cli.exits import Exit
from migrate.cli.options import Context, data, print_json
from migrate.cli.people import who
from migrate.cli.visit_office import Office, open_office
from migrate.domain.errors import RowProblem
from migrate.domain.order_book import fold_orders
from migrate.domain.visit_form import META, SHEET
from migrate.wiring import Wired, with_campaign
from reports.problems import told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    judgement: Judgement
    rows: int
    states: dict[str, str]  # order name: the state it is in afterwards


def bring_back(context: Context, file: Path, *, dry_run: bool, as_json: bool) -> Exit:
    """Judge the file and, if all of it is sound, record it."""
    paper = read_returned(file)

    async def work(wired: Wired) -> _Outcome:
        office = await open_office(wired)
        today = wired.clock.now().astimezone(ZoneInfo(wired.settings.policy.windows.timezone)).date()
        return await _judge_and_record(office, paper, today, dry_run=dry_run)

    outcome = with_campaign(context.campaign, work)
    _tell(context, file, outcome, dry_run=dry_run, as_json=as_json)
    if not outcome.judgement.is_sound:
        return Exit.BAD_DATA
    return Exit.PENDING if dry_run and outcome.judgement.returns else Exit.OK


async def _judge_and_record(office: Office, paper: Paper, today: date, *, dry_run: bool) -> _Outcome:
    known = {order.number: order for order in office.orders}
    judgement = judge(paper, known, campaign=office.campaign_key, today=today)
    if judgement.returns and not dry_run:
        at = office.wired.clock.now()
        await office.wired.journal.commit(change_of(judgement.returns, office.attempts, by=who(), at=at))
        office = await open_office(office.wired)
    after = {order.name: order.state.value for order in fold_orders(office.events, office.attempts.values())}
    rows = sum(line.is_filled for line in paper.lines)
    return _Outcome(judgement=judgement, rows=rows, states=after)


def read_returned(file: Path) -> Paper:
    """The two sheets of a returned workbook, read as every workbook from outside is.  Raises ``RowProblem``."""
    if file.stat().st_size > LARGEST_BYTES:
        raise RowProblem(f"{file} is too large for a returned workbook.", hint="Return the .xlsx without pictures.")
    name, raw = str(file), file.read_bytes()
    kind = kind_of(name, raw)
    if kind is Kind.TEXT:
        raise RowProblem(f"{file} is no workbook.", hint="Return the .xlsx that `migrate visits export` wrote.")
    form, meta = (_sheet(name, kind, raw, sheet) for sheet in (SHEET, META))
    rows = [(record.row, tuple(record.cells)) for record in form.records if not record.is_blank]
    return read_paper(name, SHEET, rows, [tuple(record.cells) for record in meta.records], form.faults)


def _sheet(name: str, kind: Kind, raw: bytes, sheet: str) -> Table:
    try:
        return read_workbook(name, kind, raw, sheet)
    except FileRefused as refusal:
        if refusal.finding.code != "E-FILE-SHEET":
            raise
        hint = "Return the .xlsx that `migrate visits export` wrote, with all its sheets."
        raise RowProblem(
            f"{name} was not written by `migrate visits export`: no sheet {sheet}.", hint=hint
        ) from refusal


def _tell(context: Context, file: Path, outcome: _Outcome, *, dry_run: bool, as_json: bool) -> None:
    judgement = outcome.judgement
    is_recorded = bool(judgement.returns) and not dry_run
    if as_json:
        print_json(_document(file, outcome, is_recorded=is_recorded, dry_run=dry_run))
        return
    for line in told(judgement.problems, most=50):
        data().print(line)
    if not judgement.is_sound:
        context.say("Nothing was recorded. Mend the cells above and return the file again.")
        return
    counts = Counter(returned.result.value for _, returned in judgement.returns)
    summary = ", ".join(f"{n} {result}" for result, n in counts.most_common()) or "nothing new"
    repeats = f"; {len(judgement.repeats)} were recorded before" if judgement.repeats else ""
    context.say(f"{'Would record' if dry_run else 'Recorded'} {summary}{repeats}.")
    if any(returned.result.is_done for _, returned in judgement.returns):
        context.say(
            "An order that was done closes when its station is seen: keep a `migrate run` or `migrate worker` up."
        )


def _document(file: Path, outcome: _Outcome, *, is_recorded: bool, dry_run: bool) -> dict[str, object]:
    judgement = outcome.judgement
    return {
        "schema": "migrate.visits_return/1",
        "file": str(file),
        "rows": outcome.rows,
        "recorded": is_recorded,
        "dry_run": dry_run,
        "returns": [
            {"order": o.name, "identity": o.identity, "state": outcome.states.get(o.name), **returned.to_json()}
            for o, returned in judgement.returns
        ],
        "repeats": [order.name for order in judgement.repeats],
        "problems": [problem.to_json() for problem in judgement.problems],
    }
