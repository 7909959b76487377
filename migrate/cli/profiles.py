"""``migrate profiles``: the catalogue, a profile in full, a file checked, which profile fits and why.

It prints what ``vendor_profiles`` decides and asks no station.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from migrate.cli.exits import Exit
from migrate.cli.groups import Group
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.cli.probe import probe
from migrate.cli.profile_sheet import summary, told, whole
from migrate.domain.counted import counted
from migrate.domain.errors import SettingsProblem
from migrate.domain.profile import Method, Profile, Proof
from migrate.settings import load_settings
from vendor_profiles import Catalogue, Match, Reading, check_file, load_catalogue, on_request, profile_schema


@click.group(cls=Group)
def profiles() -> None:
    """Look at the vendor profiles: what each family of stations can do.

    \b
    migrate profiles probe AC22-0417
    migrate profiles list
    migrate profiles show keba_p30x
    migrate profiles check profiles/acme.yaml
    migrate profiles match "Alfen BV" NG910-60023 5.8.1-4123
    migrate profiles schema > profile.schema.json
    """


profiles.add_command(probe)


@profiles.command("list")
@common_options
@json_option
def list_(context: Context, *, as_json: bool) -> None:
    """List every profile, packaged or the campaign's own (DIR/profiles/*.yaml): first those that move stations from afar.

    The column "proof" says how well a profile is proven; below "bench" it moves
    stations in wave 0 only, unless campaign.toml accepts it.

    \b
    migrate profiles list
    migrate profiles list --json | jq '.profiles[] | select(.one_way) | .name'
    """
    catalogue = _catalogue(context)
    if as_json:
        rows = [summary(profile) for profile in _in_order(catalogue)]
        print_json({"schema": "migrate.profiles/1", "digest": catalogue.digest(), "profiles": rows})
        return
    for line in _columns(
        ("profile", "firmware", "method", "rollback", "proof", "for"), map(_row, _in_order(catalogue))
    ):
        click.echo(line)
    context.say(_levels(catalogue))
    asleep = [profile.name for profile in on_request().profiles if catalogue.get(profile.name) is None]
    if asleep:
        context.say(f"On request: {', '.join(asleep)}. Write `use: [NAME]` into a file in {context.campaign}/profiles.")


@profiles.command()
@click.argument("name")
@common_options
@json_option
def show(context: Context, name: str, *, as_json: bool) -> None:
    """Show one profile in full: selector, writes in order, rollback, quirks, sources.

    \b
    migrate profiles show amina_fw4
    """
    catalogue = _catalogue(context)
    profile = catalogue.get(name) or on_request().get(name)
    if profile is None:
        near = get_close_matches(name, [p.name for p in catalogue.profiles], n=1)
        raise click.UsageError(f"There is no profile {name!r}." + (f" Did you mean {near[0]}?" if near else ""))
    if as_json:
        print_json({"schema": "migrate.profile/1", **whole(profile)})
        return
    for line in told(profile, _accepted(context).get(name, "")):
        click.echo(line)


@profiles.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@common_options
@json_option
def check(context: Context, files: tuple[Path, ...], *, as_json: bool) -> int:
    """Check profile files before they are used: every problem with line and key.

    Exit code 65 when anything is wrong.

    \b
    migrate profiles check profiles/acme.yaml
    """
    readings = [check_file(path) for path in files]
    problems = [problem for reading in readings for problem in reading.problems]
    if as_json:
        print_json(
            {
                "schema": "migrate.profiles_check/1",
                "files": [str(path) for path in files],
                "profiles": [profile.name for reading in readings for profile in reading.profiles],
                "problems": [asdict(problem) for problem in problems],
            }
        )
    else:
        _tell_check(context, readings)
    return Exit.BAD_DATA if problems else Exit.OK


@profiles.command()
@click.argument("vendor")
@click.argument("model")
@click.argument("firmware")
@click.option("--ocpp", "ocpp_version", default="1.6", show_default=True, help="The OCPP version the station speaks.")
@common_options
@json_option
def match(context: Context, vendor: str, model: str, firmware: str, ocpp_version: str, *, as_json: bool) -> None:
    """Say which profile fits a kind of station, and why the others of its vendor do not.

    An unknown firmware is written as "".

    \b
    migrate profiles match "Keba AG" KC-P30-EC2401B2-M0R 1.12.0
    migrate profiles match "Alfen BV" NG920-61002 ""
    """
    found = _catalogue(context).match(vendor, model, firmware, ocpp_version)
    if as_json:
        asked = {"vendor": vendor, "model": model, "firmware": firmware, "ocpp_version": ocpp_version}
        print_json({"schema": "migrate.profiles_match/1", **asked, **_matched(found)})
        return
    click.echo(found.why)
    for verdict in found.near:
        click.echo(f"  {verdict}")
    if found.profile is None:
        context.say("A station without a profile is planned as a visit.")


@profiles.command()
@common_options
def schema(context: Context) -> None:
    """Print the form of a profile file as JSON Schema (draft 2020-12), for editors and other tools.

    It knows keys and kinds. The laws beyond the form need `migrate profiles check`.

    \b
    migrate profiles schema > profile.schema.json
    """
    click.echo(json.dumps(profile_schema(), indent=2))


def _accepted(context: Context) -> Mapping[str, str]:
    """What the campaign accepts; the catalogue can be looked at without one, or while its settings are being mended."""
    try:
        return load_settings(context.campaign).policy.accepted
    except SettingsProblem:
        return {}


def _in_order(catalogue: Catalogue) -> list[Profile]:
    return sorted(catalogue.profiles, key=lambda profile: (profile.method is Method.VISIT, profile.name))


def _levels(catalogue: Catalogue) -> str:
    counts = Counter(profile.proof for profile in catalogue.profiles)
    shown = ", ".join(f"{counts[level]} {level}" for level in Proof if counts[level])
    return f"{counted(len(catalogue), 'profile')}: {shown}. Below bench: wave 0 only, unless [profiles.accepted] says otherwise."


def _catalogue(context: Context) -> Catalogue:
    return load_catalogue(context.campaign / "profiles")


def _row(profile: Profile) -> tuple[str, ...]:
    firmware = str(profile.selector.firmware)
    return profile.name, firmware, profile.method, profile.rollback, profile.proof, profile.title


def _columns(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """One line a row, never cut and never wrapped, so that it can be searched line by line."""
    table = [head, *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _matched(found: Match) -> dict[str, Any]:
    profile = found.profile
    return {
        "profile": profile and profile.name,
        "method": profile and profile.method,
        "rollback": profile and profile.rollback,
        "why": found.why,
        "verdicts": [{"profile": v.profile, "fits": v.fits, "misses": v.misses} for v in found.reasons],
    }


def _tell_check(context: Context, readings: Iterable[Reading]) -> None:
    readings = tuple(readings)
    for reading in readings:
        for problem in reading.problems:
            click.echo(str(problem))
    sound = sum(len(reading.profiles) for reading in readings)
    wrong = sum(len(reading.problems) for reading in readings)
    context.say(f"{counted(sound, 'sound profile')}, {counted(wrong, 'problem')}.")
