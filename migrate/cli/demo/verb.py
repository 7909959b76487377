"""The verb ``demo``: sets the stage, plans, approves, runs, judges, reports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import uvloop

from batches.schedule import floor_s
from migrate.adapters.spreadsheet import read_inventory
from migrate.cli.demo.stage import POLICY, SimulatedFleet, Stage, free_ports, simulated_fleet, stations_of
from migrate.cli.demo.verdict import Disagreement, judge, makespan_s, wire_counts
from migrate.cli.exits import Exit
from migrate.cli.live import Progress, Silent, open_progress, recap
from migrate.cli.options import Context, common_options, json_option, print_json, talk
from migrate.cli.report import document_of, write_report
from migrate.cli.work import AtWork, at_work, run_to_the_end
from migrate.domain.attempt import State
from migrate.domain.errors import RowProblem, SettingsProblem
from migrate.domain.record import Approval, EventKind
from migrate.domain.station import Station
from migrate.domain.wave import Plan, Standing
from migrate.settings import FILE_NAME
from migrate.simulator.control import ask
from migrate.simulator.deal import PublishedRow, StationSpec, deal, deal_onto, drawn
from migrate.simulator.faults import fault_set
from migrate.simulator.wirelog import read as read_wire
from migrate.wiring import Wired, fit_of, open_campaign
from reports.census import census, table_text
from reports.plan import plan_lines
from reports.status import status_document

METHODS = ("change_configuration", "visit")
STATIONS, STATIONS_OF_A_LIST = 60, 500


@click.command()
@click.option(
    "--stations",
    type=click.IntRange(1, 20_000),
    default=None,
    help=f"How many; default {STATIONS}, of a list {STATIONS_OF_A_LIST}.",
)
@click.option(
    "--inventory",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A published list: identity, site and connectors as they are, hardware dealt.",
)
@click.option(
    "--columns",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Column map for that list.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="One seed, one fleet, to the last drawn second.")
@click.option(
    "--speed",
    type=click.FloatRange(1, 100),
    default=30.0,
    show_default=True,
    help="How much faster campaign time runs.",
)
@click.option(
    "--faults",
    default="demo",
    show_default=True,
    metavar="NAME|none",
    help="Planted faults: demo, all, none, or one by name.",
)
@click.option("--methods", multiple=True, help="Only families of these methods; 'all' is the default.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The campaign folder to make; default demo-DATE-TIME.",
)
@common_options
@json_option
def demo(context: Context, /, *, as_json: bool, **chosen: Any) -> int:
    """Show the whole job against a simulated fleet over real sockets on loopback.

    Stations of eight vendor families are moved from one simulated CSMS to
    another, canary first, with faults planted; the stations' own log judges
    the result.  The folder it leaves is an ordinary campaign.

    \b
    migrate demo
    migrate demo --stations 200 --faults none --seed 7
    migrate demo --inventory register.csv --columns register.toml --out demo-register
    """
    choice = Choice(**chosen)
    choice.check_methods()
    return uvloop.run(_demo(context, choice, as_json=as_json))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was asked for on the command line."""

    stations: int | None
    inventory: Path | None
    columns: Path | None
    seed: int
    speed: float
    faults: str
    methods: Sequence[str]
    out: Path | None

    def check_methods(self) -> None:
        for method in self.methods:
            if method not in (*METHODS, "all"):
                raise SettingsProblem(
                    f"This release moves stations by {' and '.join(METHODS)}, not by {method!r}.",
                    hint="Leave --methods out, or say --methods all.",
                )

    def folder(self) -> Path:
        folder = self.out or Path(f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
        if (folder / FILE_NAME).exists():
            raise SettingsProblem(f"{folder} is a campaign already.", hint="Name another folder with --out.")
        folder.mkdir(parents=True, exist_ok=True)
        return folder.resolve()


async def _demo(context: Context, choice: Choice, *, as_json: bool) -> int:
    began = time.monotonic()
    published = _published(context, choice)
    stage = _stage(choice, published)
    context.say(
        f"{len(stage.specs)} simulated stations, seed {stage.seed}, {stage.speed:g} times faster than the wall clock."
    )
    context.say(f"Policy of the demonstration: {POLICY}.")
    progress: Progress = Silent() if as_json else open_progress(talk(), quiet=context.verbosity < 0)
    async with simulated_fleet(stage) as fleet:
        stage.write_campaign(fleet.csms)
        async with open_campaign(stage.folder, "run", create=True) as wired:
            standing = await _campaign(context, wired, stage, fleet, progress)
            reports = await _reports(wired)
            events = await wired.journal.events(kinds=[EventKind.MOVED.value], limit=10_000_000)
            plan = await wired.current_plan()
    progress.update(standing)
    progress.close()
    log = read_wire(stage.wire)
    wrong = judge(standing, stage.specs, log)
    times = {identity: s for identity, s in drawn(stage.specs).items() if identity in _moved_remotely(plan)}
    floor = floor_s([w.stations for w in plan.waves], times, wired.settings.policy.caps)
    makespan = makespan_s(standing, events, times)
    document = status_document(standing) | {
        "schema": "migrate.demo/1",
        "by_method": _by_method(standing),
        "out": str(stage.folder),
        "seed": stage.seed,
        "wall_s": round(time.monotonic() - began, 2),
        "floor_s": round(floor, 2),
        "makespan_ratio": round(makespan / floor, 3) if floor else None,
        "reports": [str(path) for path in reports],
        "wire": wire_counts(log),
    }
    if as_json:
        print_json(document)
    else:
        _tell(standing, stage, document, wrong)
    for one in wrong:
        click.echo(f"{one.identity} ({one.fault}): {one.text}", err=True)
    return Exit.SOME_FAILED if wrong or document["wire"]["commands_repeated_without_read"] else Exit.OK


# ── the fleet ──────────────────────────────────────────────────────────────


def _published(context: Context, choice: Choice) -> list[Station]:
    """The stations of a published list; rows with errors are left out here, and said so."""
    if choice.inventory is None:
        return []
    reading = read_inventory([choice.inventory], choice.columns)
    if reading.proposal:
        draft = choice.inventory.with_suffix(".toml").name
        context.say(
            f"The list has foreign headers; the demonstration takes the proposed map (for a campaign, correct it first: `migrate inventory import {choice.inventory} > {draft}`):"
        )
        context.say(reading.proposal)
        reading = _read_with(choice.inventory, reading.proposal)
    if not reading.stations:
        raise RowProblem(
            f"{choice.inventory} gave no station.", hint=f"See why: migrate inventory check {choice.inventory}"
        )
    context.say(
        f"{choice.inventory.name} as published: {len(reading.stations)} stations, {reading.sites} sites, {len(reading.errors)} errors, {len(reading.warnings)} warnings."
    )
    count = census(reading.stations, fit_of(Path()))
    context.say(table_text(count))
    return list(reading.stations)


def _read_with(file: Path, proposal: str) -> Any:
    import tempfile  # noqa: PLC0415

    with tempfile.NamedTemporaryFile("w", suffix=".toml") as draft:
        draft.write(proposal)
        draft.flush()
        return read_inventory([file], Path(draft.name))


def _stage(choice: Choice, published: Sequence[Station]) -> Stage:
    try:
        faults = fault_set(choice.faults)
    except ValueError as error:
        raise SettingsProblem(str(error), hint="See `migrate demo --help`.") from error
    some = list(published)[: choice.stations or STATIONS_OF_A_LIST]
    if some:
        rows = [PublishedRow(identity=s.identity, site_id=s.site, connectors=s.connectors) for s in some]
        specs = deal_onto(choice.seed, rows, faults)
    else:
        specs = deal(choice.seed, choice.stations or STATIONS, faults)
    source, target = free_ports(2)
    return Stage(
        folder=choice.folder(),
        seed=choice.seed,
        speed=choice.speed,
        specs=specs,
        stations=stations_of(specs, some),
        source_port=source,
        target_port=target,
    )


# ── the campaign ───────────────────────────────────────────────────────────


async def _campaign(
    context: Context, wired: Wired, stage: Stage, fleet: SimulatedFleet, progress: Progress
) -> Standing:
    """Import, plan, approve, run to the end: what a manager and an operator would do."""
    await wired.journal.store_stations(stage.stations, note={"from": "migrate demo", "synthetic": True})
    plan = await wired.make_plan()
    await wired.journal.store_plan(plan)
    for wave in (None, *(w.number for w in plan.waves)):
        await wired.journal.approve(
            Approval(fingerprint=plan.fingerprint, wave=wave, by="migrate demo", at=wired.clock.now())
        )
    if context.verbosity >= 0:
        context.say("\n".join(plan_lines(plan)))
    lease = await wired.journal.acquire_lease()
    async with at_work(wired, plan, "run", waits_for_visits=True) as at:
        try:
            await fleet.ready()
            async with _crews(at, stage):
                await run_to_the_end(at, progress)
        finally:
            _end_listeners(at)
    await wired.journal.release_lease(lease)
    return await wired.standing(is_running=False)


def _end_listeners(at: AtWork) -> None:
    """A demonstration ends what it started."""
    for listener in at.listeners:
        listener.terminate()
    for listener in at.listeners:
        listener.wait(timeout=20)


@asynccontextmanager
async def _crews(at: AtWork, stage: Stage) -> AsyncIterator[None]:
    """Simulated crews: each work order is carried out once, after the drawn time."""
    task = asyncio.ensure_future(_send_crews(at, stage))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _send_crews(at: AtWork, stage: Stage) -> None:
    sent: set[str] = set()
    while True:
        for identity, attempt in list(at.process.campaign.watch.known.items()):
            if attempt.state is State.VISITING and identity not in sent:
                sent.add(identity)
                await ask(stage.control, op="visit", identity=identity)
        await asyncio.sleep(0.2)


# ── what is told afterwards ────────────────────────────────────────────────


async def _reports(wired: Wired) -> list[Path]:
    folder = wired.settings.folder / "reports"
    document = await document_of(wired)
    paths = [folder / "progress.html", folder / "progress.json"]
    for path in paths:
        write_report(document, path)
    return paths


def _moved_remotely(plan: Plan) -> set[str]:
    return {s.identity for s in plan.stations if s.method != "visit"}


def _by_method(standing: Standing) -> dict[str, int]:
    counts: dict[str, int] = {}
    for station in standing.stations:
        counts[station.method.value] = counts.get(station.method.value, 0) + 1
    return counts


def _tell(standing: Standing, stage: Stage, document: dict[str, Any], wrong: Sequence[Disagreement]) -> None:
    """What happened, station by station where something was planted, and where the report is."""
    shown = {s.identity: s for s in standing.stations}
    click.echo("Planted faults and how they ended:")
    for spec in _with_faults(stage.specs):
        station = shown[spec.identity]
        click.echo(f"  {spec.identity:<12} {spec.fault.value:<18} {station.state.value:<10} {station.reason}")
    click.echo(recap(standing, report=document["reports"][0]))
    wire = document["wire"]
    click.echo(
        f"By the stations' own log: {wire['boots_on_target']} boots on the target, {wire['commands_sent']} commands, "
        f"{wire['commands_repeated_without_read']} repeated without a look; "
        + ("it agrees with the journal for every station." if not wrong else f"{len(wrong)} disagreements.")
    )
    click.echo(
        f"{document['wall_s']:.0f} s; makespan {document['makespan_ratio']} × the floor of {document['floor_s']:.0f} campaign seconds."
    )
    click.echo(
        f"Folder {stage.folder}: every verb works on it, e.g. migrate explain {stage.specs[0].identity} --campaign {stage.folder}"
    )


def _with_faults(specs: Sequence[StationSpec]) -> list[StationSpec]:
    return [spec for spec in specs if spec.fault.value != "none" or spec.family == "visit_only"]
