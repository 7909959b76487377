"""The fleet of a demonstration: made up, or dealt onto a published list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from migrate.adapters.spreadsheet import InventoryReading, read_inventory
from migrate.cli.demo.choice import STATIONS, STATIONS_OF_A_LIST, Choice
from migrate.cli.demo.equipment import Equipment, equipped
from migrate.cli.demo.stage import Stage, free_ports, stations_of
from migrate.cli.options import Context
from migrate.domain.counted import counted
from migrate.domain.errors import RowProblem
from migrate.domain.station import Station
from migrate.simulator.deal import PublishedRow, deal, deal_onto
from migrate.wiring import fit_of
from reports.census import census, table_text

CENSUS_LINES = 10


def published(context: Context, choice: Choice) -> list[Station]:
    """The stations of a published list; rows with errors are left out here, and said so."""
    if choice.inventory is None:
        return []
    reading = read_inventory([choice.inventory], choice.columns)
    if reading.proposal:
        context.say("The list has foreign headers; the demonstration takes the map that is proposed for it:")
        context.say(reading.proposal)
        context.say(
            "A campaign would not guess: save and correct the map first, `migrate inventory import FILE > map.toml`."
        )
        reading = _read_by(choice.inventory, reading.proposal)
    if not reading.stations:
        raise RowProblem(
            f"{choice.inventory} gave no station.", hint=f"See why: migrate inventory check {choice.inventory}"
        )
    context.say(
        f"{choice.inventory.name} as published: {counted(len(reading.stations), 'station')} on {counted(reading.sites, 'site')}; "
        f"{counted(len(reading.errors), 'error')} (the rows concerned are left out), {counted(len(reading.warnings), 'warning')}."
    )
    context.say(table_text(census(reading.stations, fit_of(Path())), most=CENSUS_LINES))
    return list(reading.stations)


def _read_by(file: Path, column_map: str) -> InventoryReading:
    with TemporaryDirectory() as folder:
        draft = Path(folder) / "map.toml"
        draft.write_text(column_map, encoding="utf-8")
        return read_inventory([file], draft)


def stage_of(choice: Choice, some: Sequence[Station]) -> Stage:
    """The stage for these stations, or for made-up ones where there are none."""
    faults = choice.fault_set()
    shown = list(some)[: choice.stations or STATIONS_OF_A_LIST]
    if shown:
        rows = [PublishedRow(identity=s.identity, site_id=s.site, connectors=s.connectors) for s in shown]
        specs = deal_onto(choice.seed, rows, faults, choice.families)
    else:
        specs = deal(choice.seed, choice.stations or STATIONS, faults, choice.families)
    source, target = free_ports(2)
    folder = choice.folder()
    equipment = Equipment()
    if choice.is_equipped:
        specs, equipment = equipped(folder, specs, free_ports, target_port=target)
    return Stage(
        folder=folder,
        seed=choice.seed,
        speed=choice.speed,
        specs=specs,
        stations=stations_of(specs, shown),
        equipment=equipment,
        source_port=source,
        target_port=target,
    )
