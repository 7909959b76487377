"""``migrate profiles probe``: what one live station can do, and the profile that it speaks for.

It asks through the relay of the source, shows what was heard, and writes a
proposal for a person to judge.  What may be asked and done is
``batches.probing``'s, what it means ``migrate.domain.probe``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migrate.cli.consent import ask_for_count
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.errors import ProfileProblem

if TYPE_CHECKING:
    from migrate.cli.probed import Probed
    from migrate.wiring import Wired


@click.command()
@click.argument("identity", metavar="IDENTITY")
@click.option("--disturb", is_flag=True, help="Also cut its line once and restart it once, to see how it comes back.")
@click.option("--yes", is_flag=True, help="Do not ask, and disturb it outside its window too.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    metavar="FILE.yaml",
    help="Write the proposed profile here.",
)
@common_options
@json_option
def probe(context: Context, identity: str, *, disturb: bool, yes: bool, out: Path | None, as_json: bool) -> None:
    """Ask one live station what it can do: keys, page size, triggers, where its backend's address stands.

    It writes nothing to the station.  With --disturb the station loses its line
    once and is restarted once, never while somebody charges.  Secrets are
    masked.  --out writes a profile that its answers speak for: try it on a
    bench before it moves anything.

    \b
    migrate profiles probe AC22-0417
    migrate profiles probe AC22-0417 --disturb --out profiles/acme_ac22.yaml
    """
    if disturb and not yes:
        ask_for_count(context, 1, "disturbs 1 station: its line is cut and it is restarted")
    if out is not None and out.exists():
        raise click.UsageError(f"{out} is there already: choose another name, or move it away.")
    probed = asyncio.run(_probe(context, identity, disturbs=disturb, ignores_window=yes))
    text = probed.file_text()
    if out is not None and text:
        out.write_text(text, encoding="utf-8")
    if as_json:
        print_json(probed.document(out=str(out) if out and text else None))
    else:
        for line in probed.lines():
            click.echo(line)
    if out is not None and not text:
        raise ProfileProblem(
            f"{identity} never said who made it: there is no profile to propose.",
            hint="A boot tells it: probe again once it has booted, or with --disturb.",
        )
    if out is not None:
        context.say(f"Wrote {out}. Next: migrate profiles check {out}")


async def _probe(context: Context, identity: str, *, disturbs: bool, ignores_window: bool) -> Probed:
    from migrate.wiring import open_campaign  # noqa: PLC0415 - slow to load, and most of `profiles` needs no campaign

    async with open_campaign(context.campaign, "probe") as wired:
        context.say(f"Asking {identity}. A station that takes one key at a time needs a few minutes.")
        return await _probed(wired, identity, disturbs=disturbs, ignores_window=ignores_window)


async def _probed(wired: Wired, identity: str, *, disturbs: bool, ignores_window: bool) -> Probed:
    from batches.probing import Probing, World  # noqa: PLC0415 - as above
    from migrate.adapters.channels.inquiry import RelayInquiry  # noqa: PLC0415
    from migrate.adapters.ocpp.client import ListenClient  # noqa: PLC0415
    from migrate.adapters.witnesses.relay import RelayWitness  # noqa: PLC0415
    from migrate.cli.probed import Probed, names_asked_for  # noqa: PLC0415
    from migrate.domain.evidence import Side  # noqa: PLC0415
    from migrate.domain.station import Station  # noqa: PLC0415

    client = ListenClient(wired.settings.socket)
    witness = RelayWitness(client, wired.journal.tail_sightings)
    await witness.start()
    world = World(
        journal=wired.journal,
        witness=witness,
        clock=wired.clock,
        inquiry=RelayInquiry(client, Side.SOURCE),
        policy=wired.settings.policy,
    )
    stations = {station.identity: station for station in await wired.journal.stations()}
    station = stations.get(identity) or Station(identity=identity)
    try:
        async with _held(wired, identity):
            probing = Probing(station, world, names_asked_for(wired.catalogue.profiles))
            heard = await probing.run(disturbs=disturbs, ignores_window=ignores_window)
        return await Probed.of(wired, heard)
    finally:
        await witness.stop()
        await client.close()


@asynccontextmanager
async def _held(wired: Wired, identity: str) -> AsyncIterator[None]:
    """The station for ourselves: no run begins to write to it meanwhile; a probe that dies lets go of it."""
    held = await wired.journal.hold_station(identity)
    try:
        yield
    finally:
        await wired.journal.release_lease(held)
