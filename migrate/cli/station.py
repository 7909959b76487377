"""``migrate station IDENTITY``: one station's whole timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import click

from migrate.cli.exits import Exit
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.errors import RowProblem
from migrate.domain.record import Attempt, StoredEvent
from migrate.wiring import Wired, with_campaign
from reports.timeline import timeline_document, timeline_text


@click.command()
@click.argument("identity")
@common_options
@json_option
def station(context: Context, identity: str, *, as_json: bool) -> int:
    """Everything that was sent to one station, what it answered, and where it was seen.

    A station that has another name on the target is found by either.

    \b
    migrate station AC22-0417
    migrate station AC22-0417 --json
    """

    story = with_campaign(context.campaign, lambda wired: _read(wired, identity))
    if not story.is_listed and not story.attempts and not story.events:
        raise RowProblem(
            f"{identity!r} is not in the inventory, and nothing was ever recorded of it.",
            hint="Identities are case-sensitive; see `migrate status --stations`.",
        )
    told: dict[str, Any] = {
        "identity": story.identity,
        "attempts": story.attempts,
        "events": story.events,
        "target_identity": story.there,
    }
    if as_json:
        print_json(timeline_document(**told))
    else:
        click.echo(timeline_text(**told, zone=ZoneInfo(story.zone)))
    return Exit.OK


@dataclass(frozen=True, slots=True)
class _Story:
    identity: str
    there: str  # its name on the target, where that is another
    attempts: list[Attempt]
    events: list[StoredEvent]
    zone: str
    is_listed: bool


async def _read(wired: Wired, name: str) -> _Story:
    """By its identity, or by the name that it has on the target where nobody has that for an identity."""
    stations = await wired.journal.stations()
    known = {s.target_identity: s for s in stations if s.target_identity} | {s.identity: s for s in stations}
    identity = known[name].identity if name in known else name
    return _Story(
        identity=identity,
        there=known[name].target_identity if name in known else "",
        attempts=await wired.journal.attempts(identities=[identity]),
        events=await wired.journal.timeline(identity),
        zone=wired.settings.policy.windows.timezone,
        is_listed=name in known,
    )
