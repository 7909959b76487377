"""``migrate trust``: host keys that a person has seen, recorded; nothing else ever makes one known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from migrate.adapters.channels.ssh import SshSettings
from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts
from migrate.adapters.channels.ssh.login import host_of, jump_of
from migrate.adapters.channels.ssh.showing import Asked, Shown, Standing, show_keys
from migrate.adapters.channels.ssh.visual import picture
from migrate.cli.consent import ask_for_count
from migrate.cli.exits import Exit
from migrate.cli.options import Context, Reason, common_options, data, json_option, print_json
from migrate.cli.people import who
from migrate.domain.address import is_ip_address
from migrate.domain.counted import counted, who_does
from migrate.domain.errors import NotAllowed, RowProblem
from migrate.domain.record import Change, Event, EventKind
from migrate.domain.station import Station
from migrate.wiring import Wired, with_campaign
from reports.words import display

SCHEMA = "migrate.trust/1"
_PICTURES = 3  # shown to a person; more of them nobody compares


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    name: str
    wave: int | None
    everybody: bool
    jump: bool
    port: int | None
    fingerprint: str
    yes: bool
    replace: str | None

    def judge(self) -> None:
        ways = [bool(self.name), self.wave is not None, self.everybody, self.jump]
        if sum(ways) != 1:
            raise click.UsageError("Name one of HOST or IDENTITY, --wave N, --all and --jump.")
        if self.fingerprint and (self.wave is not None or self.everybody):
            raise click.UsageError("--fingerprint is of one host: name it.")


@click.command()
@click.argument("name", metavar="[HOST|IDENTITY]", default="")
@click.option(
    "--wave", type=click.IntRange(0), default=None, help="Every station of one wave that is reached over SSH."
)
@click.option("--all", "everybody", is_flag=True, help="Every station that is reached over SSH.")
@click.option("--jump", is_flag=True, help="The jump host of the campaign.")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="Of a HOST. Default: [ssh] port.")
@click.option("--fingerprint", metavar="SHA256:…", default="", help="Trust the key of this fingerprint and no other.")
@click.option("--yes", is_flag=True, help="Add keys of hosts that have none yet without asking; never replaces one.")
@click.option(
    "--replace", type=Reason(), default=None, help="A changed key is right: say why. Asked for even with --yes."
)
@json_option
@common_options
def trust(context: Context, /, *, as_json: bool, **wish: Any) -> int:
    """Record the host keys of stations after a person has seen them.

    Compare the fingerprint with the station's label, its display or its
    maker's list.  A changed key is another device until somebody has looked.

    \b
    migrate trust AC22-0417
    migrate trust 10.20.0.7 --fingerprint SHA256:n3Yw1…
    migrate trust --wave 0
    migrate trust AC22-0417 --replace "new controller board, J. Bakker"
    """
    wanted = Wish(**wish)
    wanted.judge()

    async def record(wired: Wired) -> int:
        settings = SshSettings.of(wired.settings.folder, wired.settings.values)
        known = KnownHosts(settings.known_hosts)
        shown = await show_keys(await _asked(wired, settings, wanted), known, at_once=settings.threads)
        if not as_json:
            _tell(shown)
        agreed = _agreed(context, wanted, shown)
        for one in agreed:
            await _record(wired, known, one, wanted)
        if as_json:
            print_json(_document(shown, agreed))
        return _exit(context, shown, agreed)

    return with_campaign(context.campaign, record)


# ── whom to ask ────────────────────────────────────────────────────────────


async def _asked(wired: Wired, settings: SshSettings, wish: Wish) -> list[Asked]:
    if wish.jump:
        jump = jump_of(settings, wired.vault, "The campaign")
        return [Asked(host=jump.host, port=jump.port)]
    stations = await wired.journal.stations()
    if wish.name and is_ip_address(wish.name):
        at = next((s.identity for s in stations if s.ip_address.strip() == wish.name), "")
        return [Asked(host=wish.name, port=wish.port or settings.port, identity=at)]
    if wish.name:
        return [_of_station(wired, settings, _named(stations, wish.name), wish.port)]
    if wish.wave is not None:
        plan = await wired.current_plan()
        planned = {s.identity for s in plan.stations if s.wave == wish.wave}
        stations = [station for station in stations if station.identity in planned]
    return [_of_station(wired, settings, s, None) for s in stations if _has_script(wired, s) and s.ip_address.strip()]


def _named(stations: Sequence[Station], identity: str) -> Station:
    found = next((station for station in stations if station.identity == identity), None)
    if found is None:
        raise RowProblem(f"{identity!r} is no station of the inventory.", hint="Give its identity, or an IP address.")
    return found


def _has_script(wired: Wired, station: Station) -> bool:
    profile = wired.fit(station).profile
    return profile is not None and profile.script is not None


def _of_station(wired: Wired, settings: SshSettings, station: Station, port: int | None) -> Asked:
    profile = wired.fit(station).profile
    script = profile.script if profile else None
    return Asked(
        host=host_of(station),
        port=port or (script.port if script else 0) or settings.port,
        identity=station.identity,
        jump=jump_of(settings, wired.vault, station.identity) if script and script.by_jump else None,
    )


# ── what a person agrees to ────────────────────────────────────────────────


def _agreed(context: Context, wish: Wish, shown: Sequence[Shown]) -> list[Shown]:
    """The keys to record.  Raises ``NotAllowed`` where nobody can be asked, or the fingerprint is another one."""
    wanted = (Standing.NEW, Standing.CHANGED) if wish.replace else (Standing.NEW,)
    open_ = [one for one in shown if one.standing in wanted]
    if wish.fingerprint:
        _compare(wish, [one for one in shown if one.key is not None])
        return open_
    changed = [one for one in open_ if one.standing is Standing.CHANGED]
    if open_ and (changed or not wish.yes):
        ask_for_count(
            context, len(open_), f"trusts {counted(len(open_), 'host key')} for good; changed ones: {len(changed)}"
        )
    return open_


def _compare(wish: Wish, shown: Sequence[Shown]) -> None:
    for one in shown:
        if one.key is not None and one.key.fingerprint != wish.fingerprint:
            raise NotAllowed(
                f"{one.asked.place} shows {one.key.fingerprint}, which is not the fingerprint that was given.",
                hint="Nothing was recorded. Compare again, at the station.",
            )


async def _record(wired: Wired, known: KnownHosts, shown: Shown, wish: Wish) -> None:
    """In the journal first, then in the file: what is believed can be traced to a person."""
    key, asked = shown.key, shown.asked
    assert isinstance(key, HostKey)  # only shown keys are agreed to
    replaced = shown.standing is Standing.CHANGED
    facts = {"host": asked.place, "key": key.kind, "fingerprint": key.fingerprint, "by": who(), "replaced": replaced}
    how = "fingerprint" if wish.fingerprint else "--yes" if wish.yes and not replaced else "typed"
    event = Event(
        kind=EventKind.TRUSTED,
        at=wired.clock.now(),
        identity=asked.identity,
        data={**facts, "how": how} | ({"reason": wish.replace} if wish.replace else {}),
    )
    await wired.journal.commit(Change(events=(event,)))
    (known.replace if replaced else known.add)(asked.place, key)


# ── what is told ───────────────────────────────────────────────────────────


def _tell(shown: Sequence[Shown]) -> None:
    for one in shown:
        key = f"{one.key.kind} {one.key.fingerprint}" if one.key else one.why
        data().print(f"{display(one.asked.identity) or '-'}  {one.asked.place}  {one.standing.value}  {display(key)}")
    for one in [one for one in shown if one.key and one.standing is not Standing.KNOWN][:_PICTURES]:
        assert one.key is not None
        data().print(f"{one.asked.place}\n{picture(one.key.kind, one.key.fingerprint)}")


def _document(shown: Sequence[Shown], agreed: Sequence[Shown]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "recorded": len(agreed),
        **{standing.value: sum(one.standing is standing for one in shown) for standing in Standing},
        "hosts": [
            {
                "identity": one.asked.identity,
                "host": one.asked.host,
                "port": one.asked.port,
                "standing": one.standing.value,
                "recorded": one in agreed,
                "key": one.key.kind if one.key else None,
                "fingerprint": one.key.fingerprint if one.key else None,
                "reason": one.why,
            }
            for one in shown
        ],
    }


def _exit(context: Context, shown: Sequence[Shown], agreed: Sequence[Shown]) -> int:
    changed = [one for one in shown if one.standing is Standing.CHANGED and one not in agreed]
    if not shown:
        context.say(
            "No station among them has an address and a profile that goes over SSH: there is no key to ask for."
        )
        return Exit.OK
    context.say(
        f"{counted(len(agreed), 'host key')} recorded, {sum(one.standing is Standing.KNOWN for one in shown)} known before."
    )
    if changed:
        raise NotAllowed(
            f"{who_does(len(changed), 'host', 'show')} another key than the one that was trusted: {changed[0].asked.place} for one.",
            hint="Treat it as an intrusion until somebody has looked at the station; then --replace REASON.",
        )
    return Exit.SOME_FAILED if any(one.standing is Standing.NOT_SHOWN for one in shown) else Exit.OK
