"""``migrate doctor``: is everything in order, and where did each setting come from?"""

from __future__ import annotations

import shutil
import socket
import stat
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from migrate.adapters.certificates import dates, days_left, first_to_end, read_root
from migrate.adapters.journal.audit import verify
from migrate.adapters.network_words import in_words
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.vault import IDTAG_KEY
from migrate.cli.exits import Exit
from migrate.cli.listening import is_listening
from migrate.cli.options import Context, common_options, json_option, print_json
from migrate.cli.told_settings import in_columns, rows
from migrate.domain.counted import counted
from migrate.domain.errors import MigrateError
from migrate.domain.evidence import Side
from migrate.settings import FILE_NAME
from migrate.wiring import Wired, with_campaign
from migrate.wiring.revoked import revocations_of
from reports.redaction import redact
from reports.words import display

LEAST_FREE_BYTES = 200_000_000
SOON_DAYS = 30
_ROOT = "target.root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; ``hint`` says what to do where it is not well.

    A caution is for a person to know, and no reason to call the whole unwell.
    """

    what: str
    is_well: bool
    said: str
    hint: str = ""
    is_caution: bool = False


@click.command()
@common_options
@json_option
def doctor(context: Context, *, as_json: bool) -> int:
    """Look at settings, secrets, database, disk, relays and backends; touches no station.

    \b
    migrate doctor
    migrate doctor --json | jq '.settings[] | select(.origin != "default")'
    """
    found, settings = with_campaign(context.campaign, _examine)
    is_well = all(finding.is_well or finding.is_caution for finding in found)
    if as_json:
        findings = [
            {"what": f.what, "well": f.is_well, "said": f.said, "hint": f.hint or None, "caution": f.is_caution}
            for f in found
        ]
        print_json({"schema": "migrate.doctor/1", "well": is_well, "findings": findings, "settings": settings})
    else:
        _tell(found, settings)
    return Exit.OK if is_well else Exit.SOME_FAILED


def _tell(found: Sequence[Finding], settings: Sequence[Mapping[str, str]]) -> None:
    for finding in found:
        mark = "ok  " if finding.is_well else "note" if finding.is_caution else "LOOK"
        click.echo(f"{mark}  {finding.what}: {display(finding.said)}")
        if finding.hint and not finding.is_well:
            click.echo(f"      {finding.hint}")
    click.echo("")
    for line in in_columns(settings):
        click.echo(line)


async def _examine(wired: Wired) -> tuple[list[Finding], list[dict[str, str]]]:
    return [f async for f in _findings(wired)], rows(wired.settings)


async def _findings(wired: Wired) -> AsyncIterator[Finding]:
    yield _secrets(wired)
    yield _privacy(wired)
    for caution in wired.settings.cautions:
        yield Finding(what="settings", is_well=False, said=caution, is_caution=True)
    yield _disk(wired)
    faults = wired.journal.store.faults()
    yield Finding(
        what="database",
        is_well=not faults,
        said="; ".join(faults) or "whole",
        hint="Restore a backup; see docs/runbook.md.",
    )
    breaks = verify(wired.journal.store)
    yield Finding(
        what="journal",
        is_well=not breaks,
        said=counted(len(breaks), "break") if breaks else "every chain holds",
        hint="Keep the file, and find out who wrote to it.",
    )
    catalogue = wired.catalogue
    yield Finding(what="profiles", is_well=len(catalogue) > 0, said=f"{len(catalogue)} in the catalogue")
    for side in Side:
        yield _address(wired, side)
    for key, path in _certificate_files(wired):
        yield _certificate(key, path, datetime.now(UTC))
    for side in Side:
        if wired.settings.side(side).relay.client_crl is not None:
            yield _revocations(wired, side, datetime.now(UTC))
    yield await _listening(wired)


def _secrets(wired: Wired) -> Finding:
    try:
        wired.vault.secret(IDTAG_KEY)
    except MigrateError as error:
        return Finding(what="secrets", is_well=False, said=error.message, hint=error.hint)
    folder = wired.settings.folder / "secrets"
    is_private = not folder.exists() or not stat.S_IMODE(folder.stat().st_mode) & 0o077
    return Finding(
        what="secrets",
        is_well=is_private,
        said="readable by their owner alone" if is_private else "others may read the folder",
        hint="chmod 700 secrets",
    )


def _privacy(wired: Wired) -> Finding:
    """Addresses may hold a registration token, and old ones are put back as they were."""
    path = wired.settings.folder / FILE_NAME
    is_private = not stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH
    return Finding(
        what="campaign.toml",
        is_well=is_private,
        said="not readable by everybody" if is_private else "everybody on this machine may read it",
        hint=f"chmod 640 {path}",
        is_caution=True,
    )


def _disk(wired: Wired) -> Finding:
    free = shutil.disk_usage(wired.settings.folder).free
    return Finding(
        what="disk",
        is_well=free > LEAST_FREE_BYTES,
        said=f"{free // 1_000_000} MB free",
        hint="The journal cannot record on a full disk, and then nothing is done.",
    )


def _address(wired: Wired, side: Side) -> Finding:
    settings = wired.settings.side(side)
    what = f"{side.value} CSMS"
    if settings.relay.upstream is None:
        return Finding(
            what=what, is_well=True, said="lab: the relay answers for it; arrivals count at most as E2 outside a drill"
        )
    upstream = settings.relay.upstream
    try:
        with socket.create_connection((upstream.host, upstream.effective_port), timeout=3):
            return Finding(what=what, is_well=True, said=f"{redact(str(upstream))} takes connections")
    except OSError as error:
        return Finding(
            what=what,
            is_well=False,
            said=f"{redact(str(upstream))}: {in_words(error)}",
            hint="No wave starts while it is away.",
        )


def _certificate_files(wired: Wired) -> Iterator[tuple[str, Path]]:
    """Every certificate that the settings name, by its key."""
    for side in Side:
        relay = wired.settings.side(side).relay
        for path in relay.certificates:
            yield f"{side.value}.relay.certificate", path
        for name in ("client_ca", "upstream_ca", "upstream_certificate"):
            if path := getattr(relay, name):
                yield f"{side.value}.relay.{name}", path
    if root := wired.settings.target.root:
        yield _ROOT, root
    if certificate := wired.settings.firmware.certificate:
        yield "firmware.certificate", certificate


def _certificate(key: str, path: Path, now: datetime) -> Finding:
    """A chain holds no longer than the first of it to end.  Real time: a drill's clock says nothing about it."""
    try:
        if key == _ROOT:
            read_root(path)
        first = first_to_end(dates(path, where=key))
    except MigrateError as error:
        return Finding(what=key, is_well=False, said=error.message, hint=error.hint)
    if first is None:
        return Finding(what=key, is_well=False, said=f"{path} holds no certificate", hint="Give a PEM file.")
    left, day = days_left(first, now), f"{first.ends_at:%Y-%m-%d}"
    if first.is_valid(now):
        said = f"{first.subject} holds until {day}, {counted(left, 'day')}"
        hint = "Renew it, then SIGHUP to `migrate listen`." if left < SOON_DAYS else ""
        return Finding(what=key, is_well=left >= SOON_DAYS, said=said, hint=hint, is_caution=True)
    is_over = now > first.ends_at
    said = f"{first.subject} has ended on {day}" if is_over else f"{first.subject} begins on {first.begins_at:%Y-%m-%d}"
    return Finding(what=key, is_well=False, said=said, hint="Stations that check dates refuse it: renew it.")


def _revocations(wired: Wired, side: Side, now: datetime) -> Finding:
    """A list that should be newer is unwell: it still turns away whom it names, and lets in whoever was added since."""
    key = f"{side.value}.relay.client_crl"
    try:
        found = revocations_of(wired.settings.side(side).relay, side)
    except MigrateError as error:
        return Finding(what=key, is_well=False, said=error.message, hint=error.hint)
    if stale := found.stale_in_words(now):
        return Finding(
            what=key, is_well=False, said=stale, hint="Put the newest there, then SIGHUP to `migrate listen`."
        )
    said = f"{counted(found.count, 'certificate')} revoked"
    if not found.unlisted:
        return Finding(what=key, is_well=True, said=said)
    return Finding(
        what=key,
        is_well=False,
        said=f"{said}; no list of {', '.join(found.unlisted)}",
        hint="Add theirs, if they revoke anything: of an issuer without a list nobody is turned away.",
        is_caution=True,
    )


async def _listening(wired: Wired) -> Finding:
    if not await is_listening(wired.settings.socket):
        return Finding(what="listen", is_well=True, said="nobody listens; `migrate run` starts one")
    client = ListenClient(wired.settings.socket)
    try:
        stats: dict[str, Any] = await client.stats()
    finally:
        await client.close()
    return heard(stats)


def heard(stats: Mapping[str, Any]) -> Finding:
    """What `migrate listen` says of its own work: it must record what it sees, and lose none of it."""
    said = f"up; {counted(stats['recorded'], 'sighting')} recorded, {stats['backlog']} to be recorded, {stats['lost']} not kept"
    if stats["recording"]:
        return Finding(what="listen", is_well=True, said=said)
    hint = "Stations are passed on, and nobody is commanded until it can record again: look at disk and database."
    return Finding(what="listen", is_well=False, said=f"cannot record: {said}", hint=hint)
