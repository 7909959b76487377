"""``migrate visits``: work orders out, crews' returns in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from batches.visits import papers
from migrate.cli.drafts import drafted, require_form
from migrate.cli.exits import Exit
from migrate.cli.groups import Group
from migrate.cli.named import named_stations
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.cli.people import who
from migrate.cli.visit_office import Office, open_office
from migrate.cli.visit_return import bring_back
from migrate.domain.counted import counted, who_does
from migrate.domain.errors import RowProblem
from migrate.domain.finding import nearest
from migrate.domain.record import Change
from migrate.domain.visit import OrderState, WorkOrder
from migrate.wiring import Wired, with_campaign
from reports.words import display
from reports.work_order import work_orders_document
from reports.work_order_list import Visits, order_document, visits_document, visits_lines

_FORMS = (".html", ".xlsx")
_MOST_NAMED = 5


@click.group(cls=Group)
def visits() -> None:
    """Work orders for stations that need hands, and what crews bring back.

    An order closes when its station is seen where it belongs, never by paper.

    \b
    migrate visits list
    migrate visits export crews.html          to print
    migrate visits export crews.xlsx          to fill in
    migrate visits return crews.xlsx
    """


@visits.command(name="list")
@click.option("--all", "whole", is_flag=True, help="Orders that have ended, too.")
@common_options
@json_option
def list_(context: Context, *, whole: bool, as_json: bool) -> None:
    """Every work order and where it stands, and who needs hands and has no order yet.

    \b
    migrate visits list
    migrate visits list --json | jq '.orders[] | select(.state == "returned")'
    """

    async def read(wired: Wired) -> Visits:
        return (await open_office(wired)).visits()

    found = with_campaign(context.campaign, read)
    if as_json:
        print_json(visits_document(found))
        return
    for line in visits_lines(found, whole=whole):
        click.echo(line)
    if found.waiting:
        context.say("Next: `migrate visits export crews.html` (or .xlsx) issues their orders.")
    if found.may_retry:
        context.say(
            "Those with tries left: try again from here, or send a crew by `migrate visits export … --stations`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Export:
    """What an export came to."""

    document: dict[str, Any]
    printed: Sequence[WorkOrder]
    visits: Visits
    issued: int = 0
    revised: int = 0
    being_moved: Sequence[WorkOrder] = ()


@visits.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--site", default=None, metavar="S", help="Only this site, by its id or name.")
@click.option(
    "--stations",
    "named",
    multiple=True,
    metavar="A,B|@FILE",
    help="Only these; a crew is sent though tries are left, or a crew came back undone.",
)
@common_options
@json_option
def export(context: Context, file: Path, *, site: str | None, named: tuple[str, ...], as_json: bool) -> None:
    """Issue orders for the stations that need hands and print all that are out: .html to print, .xlsx to fill in.

    An order that is out already is printed again under its number; where its
    task has changed, with a new revision.

    \b
    migrate visits export crews.html
    migrate visits export north.xlsx --site 4711
    migrate visits export again.html --stations AC22-0417,AC22-0423
    """
    require_form(file, _FORMS)

    async def work(wired: Wired) -> _Export:
        return await _issue_and_print(wired, site, named_stations(named))

    made = with_campaign(context.campaign, work)
    if made.printed:
        _write(made.document, file)
    if as_json:
        print_json(_export_document(made, file))
    else:
        _tell(context, made, file)


async def _issue_and_print(wired: Wired, site: str | None, named: Sequence[str]) -> _Export:
    """Journal first: an order is issued before a file exists that names it."""
    office = await open_office(wired)
    chosen = _chosen(office, site, named)
    standing, wanted = office.standing, office.wanted(chosen, is_named=bool(named))
    out = [i for i in chosen if i in office.needs and i in standing and _is_printed(standing[i], bool(named))]
    tasks = [office.task(identity) for identity in dict.fromkeys((*out, *wanted))]
    at = wired.clock.now()
    events = papers(tasks, office.orders, set(wanted), by=who(), at=at)
    if events:
        await wired.journal.commit(Change(events=events))
        office = await open_office(wired)
    still = [t.identity for t in tasks if t.identity in office.needs and office.standing[t.identity].is_in_force]
    printed = await office.printed([office.task(identity) for identity in still])
    return _Export(
        document=work_orders_document(office.outing(), printed),
        printed=[one.order for one in printed],
        visits=office.visits(),
        issued=len(wanted),
        revised=len(events) - len(wanted),
        being_moved=[o for i, o in standing.items() if i in chosen and o.is_in_force and i not in office.needs],
    )


def _is_printed(order: WorkOrder, is_named: bool) -> bool:
    """What a crew has brought back as done is looked for, not visited again, unless somebody names it."""
    return order.state is OrderState.ISSUED or (is_named and order.is_in_force)


def _chosen(office: Office, site: str | None, named: Sequence[str]) -> list[str]:
    """The identities that the options leave; raises ``RowProblem`` for what is not there."""
    if missing := [identity for identity in named if identity not in office.needs]:
        raise _no_need(office, missing)
    chosen = list(named) or list(dict.fromkeys((*office.needs, *office.standing)))
    if site is None:
        return chosen
    names = {name for station in office.stations.values() for name in (station.site_id, station.site_name) if name}
    if site not in names:
        raise RowProblem(f"No station of the inventory has the site {site!r}.", hint=nearest(site, names))
    at_site = {i for i, station in office.stations.items() if site in (station.site_id, station.site_name)}
    return [identity for identity in chosen if identity in at_site]


def _no_need(office: Office, missing: Sequence[str]) -> RowProblem:
    told = []
    for identity in missing[:_MOST_NAMED]:
        attempt = office.attempts.get(identity)
        known = "was never tried" if identity in office.stations else "is not in the inventory"
        told.append(f"{display(identity)!r} {f'is {attempt.state.value}' if attempt else known}")
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    return RowProblem(
        f"No hands are needed: {', '.join(told)}{more}.",
        hint="Identities are case-sensitive; `migrate visits list` has those that need a crew.",
    )


def _write(document: dict[str, Any], file: Path) -> None:
    from reports.work_order_html import work_orders_html  # noqa: PLC0415 - slow to load, and only export needs them
    from reports.work_order_xlsx import work_orders_xlsx  # noqa: PLC0415

    with drafted(file) as draft:
        if file.suffix.lower() == ".html":
            draft.write_text(work_orders_html(document), encoding="utf-8")
        else:
            work_orders_xlsx(document, draft)


def _export_document(made: _Export, file: Path) -> dict[str, Any]:
    return {
        "schema": "migrate.visits_export/1",
        "file": str(file) if made.printed else None,
        "issued": made.issued,
        "revised": made.revised,
        "data_hash": made.document["data_hash"],
        "orders": [order_document(order, made.visits) for order in made.printed],
        "being_moved": [order.name for order in made.being_moved],
    }


def _tell(context: Context, made: _Export, file: Path) -> None:
    if not made.printed:
        context.say("No station needs hands that has not been seen to: no file was written.")
    else:
        again = len(made.printed) - made.issued
        sites = made.document["totals"]["sites"]
        context.say(
            f"{counted(made.issued, 'order')} issued, {again} printed again, {made.revised} of them revised; "
            f"{counted(sites, 'site')}."
        )
        context.say(f"Wrote {display(str(file))}")
    if made.being_moved:
        names = ", ".join(order.name for order in made.being_moved[:_MOST_NAMED])
        context.say(
            f"{who_does(len(made.being_moved), 'order', 'are')} out for stations that need no hands now: {names}. Tell the crew."
        )
    if made.visits.may_retry:
        context.say(
            f"{who_does(len(made.visits.may_retry), 'station', 'have')} tries left and got no order; to send a crew, say --stations."
        )


@visits.command(name="return")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Judge it and record nothing; 2 when something would be recorded.")
@common_options
@json_option
def return_(context: Context, file: Path, *, dry_run: bool, as_json: bool) -> Exit:
    """Record what a crew brought back, whole or not at all.

    Done means: we look for the station; the order closes when it is seen.
    Undone ends a visiting attempt, with the crew's reason.

    \b
    migrate visits return crews.xlsx --dry-run
    migrate visits return crews.xlsx
    """
    return bring_back(context, file, dry_run=dry_run, as_json=as_json)
