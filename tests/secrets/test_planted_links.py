"""Links under which stations load their firmware: only their stations ever see them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.vault import LINK_KEY, FileVault
from migrate.domain.attempt import State
from migrate.domain.bandwidth import group_of
from migrate.domain.station import Station
from migrate.domain.wave import Standing
from tests.secrets.aftermath import Ear, columns_of, files_of, stop_listening
from tests.secrets.forms import search
from tests.stories.conftest import ONE_TRY
from tests.stories.firmware import a_firmware_field, dealt

pytestmark = pytest.mark.story

FLEET = {"northwind": {"moves": {}, "fails": {"ways": {"flashing": "fails"}}}, "southwind": {"moves": {}}}


@dataclass(frozen=True, slots=True)
class Night:
    seals: Mapping[str, str]  # by station and file
    places: Sequence[tuple[str, bytes]]
    standing: Standing


def seals_of(folder: Path, stations: Sequence[Station], share: str) -> dict[str, str]:
    """The part of each link that nobody can guess, for every station and every file."""
    vault = FileVault(folder / "secrets")
    links = Links(vault.secret(LINK_KEY))
    names = [path.name for path in (folder / "firmware").glob("*.bin")]
    named = [(s, Link(s.identity, short(group_of(s, share)), name)) for s in stations for name in names]
    found = {f"{station.identity} and {link.file}": links.path(link).split("/")[2] for station, link in named}
    return found | {"the key of all links": vault.secret(LINK_KEY).decode()}


async def _night() -> Night:
    async with a_firmware_field(dealt(FLEET), policy=[ONE_TRY]) as site:
        ear, folder = Ear(site), site.stage.folder
        watching = asyncio.create_task(ear.watch_processes())
        words = ("run", "--plan", site.plan.fingerprint[:16], "--yes", "--no-input", "-vv")
        await ear.call(*words, "--log-file", str(folder / "run.log"))
        standing = await site.standing()
        names = [s.identity for s in standing.stations]
        told = [words for name in names for words in (("station", name, "--json"), ("explain", name))]
        await ear.ask(*told, ("doctor", "--json", "-vv"))
        await stop_listening(ear)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        seals = seals_of(folder, site.stage.stations, site.wired.settings.firmware.share)
        places = [*ear.heard, ("process list", ear.process_list), *files_of(folder), *columns_of(folder)]
        return Night(seals, places, standing)


@pytest.fixture(scope="module")
def night() -> Night:
    """One campaign for the whole file; the tests only read what it left."""
    return asyncio.run(_night())


def test_no_link_is_anywhere(night: Night) -> None:
    hits = search(night.places, night.seals.values())

    names = {seal: name for name, seal in night.seals.items()}
    assert [(names[hit.secret], hit.where, hit.form) for hit in hits] == []


def test_files_were_loaded_by_such_links(night: Night) -> None:
    states = {station.identity: station.state for station in night.standing.stations}

    assert states["northwind.moves"] is State.SETTLED
    assert states["southwind.moves"] is State.SETTLED
    assert len(night.seals) > 10
