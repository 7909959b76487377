"""``migrate report census``: what the fleet consists of, and how each kind of station behaves on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from migrate.cli.drafts import drafted, require_form
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.evidence import IdentityFacts
from migrate.domain.flavour import Flavour
from migrate.domain.observation import Observer
from migrate.domain.profile import Profile
from migrate.domain.remembered import Device
from migrate.domain.station import Station
from migrate.engine.observed import observe
from migrate.wiring import Wired, with_campaign
from reports.census import census as count_fleet
from reports.words import display


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="A file ending in .html, .xlsx or .json.",
)
@common_options
@json_option
def census(context: Context, *, out: Path | None, as_json: bool) -> None:
    """Count the fleet by kind, and show what each kind does on the wire: boots, statuses, triggers, times.

    Every yes and no stands with its observations; what nobody has seen is unknown.

    \b
    migrate report census --out census.xlsx
    migrate report census --json | jq '.flavours[] | select(.contradicts != [])'
    """
    if out is None and not as_json:
        raise click.UsageError("Name a file with --out, or ask for --json.")
    if out is not None:
        require_form(out, _WRITERS)
    document = with_campaign(context.campaign, census_of)
    if as_json:
        print_json(document)
    if out is not None:
        with drafted(out) as draft:
            _WRITERS[out.suffix.lower()](document, draft)
        context.say(f"Wrote {display(str(out))}")


async def census_of(wired: Wired) -> dict[str, Any]:
    """The census of a campaign with its flavour table, as data.

    A station that has said nothing of itself counts as what the list says it is.
    """
    from reports.census_report import census_document  # noqa: PLC0415 - jinja2 and xlsxwriter are slow to load

    stations = await wired.journal.stations()
    listed = {station.identity: station for station in stations}

    def device_of(identity: str, said: IdentityFacts) -> Device:
        return said_or_listed(said, listed.get(identity))

    observer = Observer(device_of)
    await observe(wired.journal, observer)

    def fits(flavour: Flavour) -> Profile | None:
        return wired.catalogue.match(flavour.vendor, flavour.model, flavour.firmware).profile

    return census_document(
        count_fleet(stations, wired.fit),
        observer.flavours(),
        campaign=wired.settings.name,
        at=wired.clock.now(),
        timezone=wired.settings.policy.windows.timezone,
        fits=fits,
    )


def said_or_listed(said: IdentityFacts, listed: Station | None) -> Device:
    """Which kind a station is: by its own words whole, else by the list's, never by a mixture of both."""
    if said.vendor or said.model or listed is None:
        return said.vendor, said.model, said.firmware
    return listed.vendor, listed.model, listed.firmware


def _html(document: dict[str, Any], draft: Path) -> None:
    from reports.census_report import census_html  # noqa: PLC0415 - as above

    draft.write_text(census_html(document), encoding="utf-8")


def _xlsx(document: dict[str, Any], draft: Path) -> None:
    from reports.census_report import write_census_workbook  # noqa: PLC0415 - as above

    write_census_workbook(document, draft)


def _json(document: dict[str, Any], draft: Path) -> None:
    draft.write_text(json.dumps(document, indent=2), encoding="utf-8")


_WRITERS: dict[str, Callable[[dict[str, Any], Path], None]] = {".html": _html, ".xlsx": _xlsx, ".json": _json}
