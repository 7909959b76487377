"""``migrate profiles``: the catalogue, a profile in full, a file checked, which profile fits and why.

It prints what ``vendor_profiles`` decides and asks no station.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from migrate.cli.exits import Exit
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.domain.profile import Profile, Write
from vendor_profiles import Catalogue, Match, Reading, check_file, digest, load_catalogue


@click.group()
def profiles() -> None:
    """Look at the vendor profiles: what each family of stations can do.

    \b
    migrate profiles list
    migrate profiles show keba_p30x
    migrate profiles check profiles/acme.yaml
    migrate profiles match "Alfen BV" NG910-60023 5.8.1-4123
    """


@profiles.command("list")
@common_options
@json_option
def list_(context: Context, *, as_json: bool) -> None:
    """List every profile, packaged or the campaign's own (DIR/profiles/*.yaml).

    \b
    migrate profiles list
    migrate profiles list --json | jq '.profiles[] | select(.one_way) | .name'
    """
    catalogue = _catalogue(context)
    if as_json:
        rows = [_summary(profile) for profile in catalogue.profiles]
        print_json({"schema": "migrate.profiles/1", "digest": catalogue.digest(), "profiles": rows})
        return
    for line in _columns(("profile", "firmware", "method", "rollback", "proof", "for"), map(_row, catalogue.profiles)):
        click.echo(line)


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
    profile = catalogue.get(name)
    if profile is None:
        near = get_close_matches(name, [p.name for p in catalogue.profiles], n=1)
        raise click.UsageError(f"There is no profile {name!r}." + (f" Did you mean {near[0]}?" if near else ""))
    if as_json:
        print_json({"schema": "migrate.profile/1", **_whole(profile)})
        return
    for line in _told(profile):
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


def _summary(profile: Profile) -> dict[str, Any]:
    selector = profile.selector
    return {
        "name": profile.name,
        "title": profile.title,
        "vendors": selector.vendors,
        "models": selector.models,
        "firmware": {"at_least": selector.firmware.at_least, "below": selector.firmware.below},
        "ocpp_versions": selector.ocpp_versions,
        "method": profile.method,
        "rollback": profile.rollback,
        "one_way": profile.rollback.is_one_way,
        "turning_point": profile.turning_point,
        "proof": profile.proof,
        "digest": digest(profile),
    }


def _whole(profile: Profile) -> dict[str, Any]:
    return {
        **_summary(profile),
        "evidence": profile.evidence,
        "writes": [asdict(write) for write in profile.writes],
        "reads": profile.reads,
        "restart": profile.restart,
        "slash": profile.slash,
        "max_value_length": profile.max_value_length,
        "slots": asdict(profile.slots) if profile.slots else None,
        "timing": {f"{name}_s": _seconds(value) for name, value in asdict(profile.timing).items()},
        "quirks": asdict(profile.quirks),
        "visit": profile.visit,
        "sources": profile.sources,
        "notes": profile.notes,
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _matched(found: Match) -> dict[str, Any]:
    profile = found.profile
    return {
        "profile": profile and profile.name,
        "method": profile and profile.method,
        "rollback": profile and profile.rollback,
        "why": found.why,
        "verdicts": [{"profile": v.profile, "fits": v.fits, "misses": v.misses} for v in found.reasons],
    }


def _told(profile: Profile) -> Iterable[str]:
    selector = profile.selector
    one_way = ", one-way" if profile.rollback.is_one_way else ""
    yield f"{profile.name}: {profile.title}"
    yield f"  fits       vendor {' or '.join(selector.vendors)}; model {' or '.join(selector.models)}"
    yield f"             firmware {selector.firmware}; OCPP {' or '.join(selector.ocpp_versions)}"
    yield f"  method     {profile.method}"
    yield f"  rollback   {profile.rollback}{one_way}; the turning point is the {profile.turning_point}"
    yield f"  proof      {profile.proof}"
    if profile.writes:
        yield f"  restart    {profile.restart}; slash at the end: {profile.slash}"
    yield from _listed("writes", (_written(write) for write in profile.writes))
    yield from _listed("visit", (f"{i}. {step}" for i, step in enumerate(profile.visit, 1)))
    yield from _listed("quirks", profile.quirks.notes)
    yield from _listed("notes", profile.notes)
    yield from _listed("evidence", profile.evidence)
    yield from _listed("sources", profile.sources)


def _written(write: Write) -> str:
    key = " or ".join(write.names)
    where = f", the field {write.within} of it," if write.within else ""
    masked = "" if write.readback == "exact" else f" (read back {write.readback})"
    return f"{key}{where} = {write.value}{masked}"


def _listed(title: str, lines: Iterable[str]) -> Iterable[str]:
    for i, line in enumerate(lines):
        yield f"  {title if i == 0 else '':<11}{line}"


def _tell_check(context: Context, readings: Iterable[Reading]) -> None:
    readings = tuple(readings)
    for reading in readings:
        for problem in reading.problems:
            click.echo(str(problem))
    sound = sum(len(reading.profiles) for reading in readings)
    wrong = sum(len(reading.problems) for reading in readings)
    context.say(f"{sound} sound profile{'s' if sound != 1 else ''}, {wrong} problem{'s' if wrong != 1 else ''}.")
