"""``migrate explain IDENTITY``: why it stands so, what happens next, what one can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from batches.errand import Fence
from migrate.cli.options import Context, common_options
from migrate.domain.errors import RowProblem
from migrate.domain.firmware import newest_transfer
from migrate.domain.record import Attempt, Control, Event, Hold
from migrate.domain.station import Station
from migrate.wiring import Wired, with_campaign
from reports.explain import Circumstances
from reports.explain import explain as in_words
from reports.firmware_words import firmware_told


@click.command()
@click.argument("identity")
@common_options
def explain(context: Context, identity: str) -> None:
    """Say in words why a station stands where it does, what happens next, and what you can do.

    \b
    migrate explain AC22-0417
    """

    async def read(wired: Wired) -> str:
        attempts = await wired.journal.attempts(identities=[identity])
        stations = {s.identity: s for s in await wired.journal.stations()}
        if not attempts and identity not in stations:
            raise RowProblem(
                f"{identity!r} is not in the inventory.",
                hint="Identities are case-sensitive; see `migrate status --stations`.",
            )
        policy, newest = wired.settings.policy, attempts[-1] if attempts else None
        told = [line.event for line in await wired.journal.timeline(identity)] if newest else []
        circumstances = Circumstances(
            now=wired.clock.now(),
            zone=ZoneInfo(policy.windows.timezone),
            timeouts=policy.timeouts,
            soak=policy.gate.soak,
            hold=_hold(await wired.journal.control(), stations.get(identity), newest.profile if newest else ""),
            firmware=_firmware(newest, told, wired.clock.now()),
            flashing=_flashing(wired, newest),
        )
        plan = None if newest else await wired.journal.current_plan()
        standing = await wired.standing() if plan else None
        left_alone = {e.identity: e.reason for e in plan.excluded} if plan else {}
        excluded = left_alone.get(identity, "")
        return in_words(newest, circumstances, identity=identity, standing=standing, excluded=excluded)

    click.echo(with_campaign(context.campaign, read))


def _firmware(attempt: Attempt | None, told: Sequence[Event], now: datetime) -> str:
    found = newest_transfer(attempt.id, told) if attempt else None
    return firmware_told(*found, now) if found else ""


def _flashing(wired: Wired, attempt: Attempt | None) -> timedelta:
    """How much longer a write may take, by the profile of the attempt."""
    profile = wired.catalogue.get(attempt.profile) if attempt and attempt.profile else None
    return profile.firmware.within * len(profile.firmware.steps) if profile and profile.firmware else timedelta(0)


def _hold(control: Control, station: Station | None, profile: str) -> Hold | None:
    if station is None:
        return control.over(model="", profile=profile, site="")
    return Fence(batch="", epoch=0, control=control).over(station, profile)
