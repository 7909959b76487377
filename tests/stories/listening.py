"""A process that only listens, for a campaign that was written by hand: what it says, and what a signal does to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from migrate.adapters.clock import CampaignClock
from migrate.adapters.journal.journal import open_journal
from migrate.domain.station import Station
from tests.stories.conftest import Program, program

WITHIN_S = 90.0  # a slow machine

HEAD = """
name = "cutover"
[source]
url = "ws://legacy.example/ocpp"
[source.relay]
listen = "127.0.0.1:{source}"
upstream = "lab"
"""
"""How such a campaign begins; its target and the rest follow."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A campaign's folder and the process that listens for it."""

    folder: Path
    program: Program

    @property
    def tls(self) -> Path:
        return self.folder / "tls"

    async def says(self, words: str) -> str:
        """Everything up to a line of the process that holds these words."""
        assert self.program.process.stderr is not None
        said = ""
        async with asyncio.timeout(WITHIN_S):
            while words not in said.rpartition("\n")[0].rpartition("\n")[2]:
                line = (await self.program.process.stderr.readline()).decode()
                assert line, said
                said += line
        return said

    async def reads_anew(self, words: str) -> str:
        """The same after it was told to read its certificates anew."""
        self.program.send(signal.SIGHUP)
        return await self.says(words)


@asynccontextmanager
async def a_listening_process(folder: Path, campaign: str, stations: Sequence[str]) -> AsyncIterator[Listening]:
    """It listens on what the folder and this campaign say, knows these stations, and ends well with the block."""
    folder.mkdir(exist_ok=True)
    (folder / "campaign.toml").write_text(campaign)
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "secrets" / "idtag_key").write_text("0" * 64)
    (folder / "secrets" / "idtag_key").chmod(0o600)
    journal = open_journal(f"sqlite:///{folder / 'campaign.db'}", "test", CampaignClock())
    await journal.store_stations([Station(identity=identity) for identity in stations])
    await journal.close()
    listening = Listening(folder, await program("listen", "--campaign", str(folder)))
    try:
        yield listening
    except BaseException:  # whatever it was: it is not left behind, and it is raised on
        if listening.program.process.returncode is None:
            listening.program.process.kill()
            await listening.program.process.wait()
        raise
    await listening.program.stopped(WITHIN_S)
