"""Firmware for a group of stations under its byte-rate: the most bytes in any ten seconds, and the time for all of them.

The file server runs in a process of its own.  Simulated stations load over
HTTP and over FTP with their own clients, all in one group and all at once, and
note when each piece came.  Prints one JSON document; ``--small`` takes fewer
and smaller files, ``--serve FOLDER RATE`` is the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.files.serving import FileServer, Terms
from migrate.simulator.downloading import Ways, download

KEY = b"b" * 32
WINDOW_S = 10.0
FTP_EACH = 5
"""Every so many-th station loads over FTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    stations: int
    size: int
    rate: int


FULL = Load(stations=200, size=400_000, rate=2_500_000)
SMALL = Load(stations=20, size=60_000, rate=90_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the stations saw."""

    worst_window: float  # the most bytes in ten seconds, as a share of what they are worth
    wall: float  # of the time that the bytes are worth
    first_s: float  # until the first station had its file
    last_s: float


def depot(folder: Path, size: int) -> bytes:
    """One file and its list."""
    data = random.Random(1).randbytes(size)
    (folder / "acme.bin").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    (folder / "firmware.toml").write_text(
        f'[[file]]\nfile = "acme.bin"\nvendors = ["Acme"]\nversion = "5.0"\nsha256 = "{digest}"\n'
    )
    return data


def locations(stations: int, web: int, ftp: int) -> list[str]:
    """A link for each station, all of one group."""
    paths = [Links(KEY).path(Link(f"AC{number}", short("apn:bench"), "acme.bin")) for number in range(stations)]
    return [
        f"ftp://127.0.0.1:{ftp}{path}" if number % FTP_EACH == 0 else f"http://127.0.0.1:{web}{path}"
        for number, path in enumerate(paths)
    ]


async def load_all(links: Sequence[str], data: bytes, rate: int) -> Measured:
    """Every station loads at once; raises ``ValueError`` when one got other bytes than the file's."""
    came: list[tuple[float, int]] = []
    ends: list[float] = []
    began = time.monotonic()

    async def load(link: str) -> None:
        got = bytearray()
        async for block in download(link, Ways(protocols=("http", "ftp"))):
            came.append((time.monotonic(), len(block)))
            got += block
        if got != data:
            raise ValueError(f"{len(got)} bytes came, and they are not the file")
        ends.append(time.monotonic())

    await asyncio.gather(*(load(link) for link in links))
    last = max(ends) - began
    return Measured(
        worst_window=worst(came) / (rate * WINDOW_S),
        wall=last / (len(links) * len(data) / rate),
        first_s=min(ends) - began,
        last_s=last,
    )


def worst(came: list[tuple[float, int]]) -> int:
    """The most bytes in any stretch of ten seconds, both ends included."""
    came.sort()
    most = held = begin = 0
    for at, count in came:
        held += count
        while came[begin][0] < at - WINDOW_S:
            held -= came[begin][1]
            begin += 1
        most = max(most, held)
    return most


async def serve(folder: Path, rate: int) -> None:
    terms = Terms(store=folder, rate_bytes_per_s=rate, key=KEY, web=("127.0.0.1", 0), ftp=("127.0.0.1", 0))
    server = FileServer(terms, lambda _: None)
    await server.start()
    assert server.web is not None
    assert server.ftp is not None
    print(json.dumps([server.web.port, server.ftp.port]), flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever measures has gone
    await server.stop()


async def main(load: Load) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = depot(Path(name), load.size)
        server = await asyncio.create_subprocess_exec(
            sys.executable,
            *(__file__, "--serve", name, str(load.rate)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert server.stdout is not None
        web, ftp = json.loads(await server.stdout.readline())
        try:
            seen = await load_all(locations(load.stations, web, ftp), data, load.rate)
        finally:
            server.terminate()
            await server.wait()
    print(
        json.dumps(
            {
                "stations": load.stations,
                "size_bytes": load.size,
                "rate_bytes_per_s": load.rate,
                "worst_window": round(seen.worst_window, 4),
                "wall": round(seen.wall, 4),
                "first_s": round(seen.first_s, 1),
                "last_s": round(seen.last_s, 1),
            }
        )
    )


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(serve(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        asyncio.run(main(SMALL if "--small" in sys.argv else FULL))
