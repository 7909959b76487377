"""Links under which stations load their firmware: only their stations ever see them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.vault import LINK_KEY, FileVault
from migrate.cli.demo.stage import free_ports
from migrate.domain.attempt import State
from migrate.domain.bandwidth import group_of
from migrate.domain.station import Station
from migrate.domain.wave import Standing
from tests.secrets.aftermath import Ear, columns_of, files_of, stop_listening
from tests.secrets.doorkeepers import Heard, before_firmware
from tests.secrets.forms import search
from tests.stories.conftest import ONE_TRY
from tests.stories.firmware import a_firmware_field, dealt, furnish

pytestmark = pytest.mark.story

FLEET = {"northwind": {"moves": {}, "fails": {"ways": {"flashing": "fails"}}}, "southwind": {"moves": {}}}


@dataclass(frozen=True, slots=True)
class Night:
    seals: Mapping[str, str]  # by station and file
    places: Sequence[tuple[str, bytes]]
    standing: Standing
    overheard: Sequence[str]


def seals_of(folder: Path, stations: Sequence[Station], share: str) -> dict[str, str]:
    """The part of each link that nobody can guess, for every station and every file."""
    vault = FileVault(folder / "secrets")
    links = Links(vault.secret(LINK_KEY))
    names = [path.name for path in (folder / "firmware").glob("*.bin")]
    named = [(s, Link(s.identity, short(group_of(s, share)), name)) for s in stations for name in names]
    found = {f"{station.identity} and {link.file}": links.path(link).split("/")[2] for station, link in named}
    return found | {"the key of all links": vault.secret(LINK_KEY).decode()}


def _through(port: int, behind: int) -> Callable[[Path], None]:
    """Stations are told another port than the one on which files are served: somebody listens between."""
    put = furnish()

    def furnished(folder: Path) -> None:
        put(folder)
        campaign = folder / "campaign.toml"
        listen, url = (
            re.compile(r'^listen = "127.0.0.1:(\d+)"\nurl = "http://127.0.0.1:\1"$', re.M),
            f"127.0.0.1:{port}",
        )
        told, found = listen.subn(f'listen = "127.0.0.1:{behind}"\nurl = "http://{url}"', campaign.read_text())
        assert found == 1, "the campaign serves files"
        campaign.write_text(told)

    return furnished


async def _night() -> Night:
    heard, (port, behind) = Heard(), free_ports(2)
    async with (
        before_firmware(port=port, behind=behind, heard=heard),
        a_firmware_field(dealt(FLEET), policy=[ONE_TRY], furnish=_through(port, behind)) as site,
    ):
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
        overheard = {f"overheard, {path.rpartition('/')[2]}": path.split("/")[2] for path in heard.links}
        return Night(seals | overheard, places, standing, heard.links)


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
    assert any(path.endswith("/sw-6.2.bin") for path in night.overheard)
    assert any(name.startswith("overheard") and len(seal) > 20 for name, seal in night.seals.items())
