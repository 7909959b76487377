"""``migrate station IDENTITY``: one station's whole timeline."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from migrate.cli.exits import Exit
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.record import Attempt, StoredEvent
from migrate.wiring import Wired, with_campaign
from reports.timeline import timeline_document, timeline_text


@click.command()
@click.argument("identity")
@common_options
@json_option
def station(context: Context, identity: str, *, as_json: bool) -> int:
    """Everything that was sent to one station, what it answered, and where it was seen.

    \b
    migrate station AC22-0417
    migrate station AC22-0417 --json
    """

    async def read(wired: Wired) -> tuple[list[Attempt], list[StoredEvent], str]:
        attempts = await wired.journal.attempts(identities=[identity])
        return attempts, await wired.journal.timeline(identity), wired.settings.policy.windows.timezone

    attempts, events, zone = with_campaign(context.campaign, read)
    if not attempts and not events:
        click.echo(f"migrate: nothing was ever recorded of {identity!r}. Identities are case-sensitive.", err=True)
        return Exit.BAD_DATA
    if as_json:
        print_json(timeline_document(identity, attempts, events))
    else:
        click.echo(timeline_text(identity, attempts, events, zone=ZoneInfo(zone)))
    return Exit.OK
