"""Makes sure that somebody listens: a run starts ``migrate listen`` where none is up, and again when it died."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from migrate.domain.errors import CsmsUnavailable

START_WITHIN_S = 60.0  # one that dies is seen at once; a slow machine is waited for
LOOK_AGAIN_S = 0.02  # at one that is starting or ending
LOOK_EVERY_S = 1.0
LONGEST_PAUSE_S = 15.0


async def is_listening(socket: Path) -> bool:
    """Whether a live process answers at the campaign's socket."""
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True


def start_listening(folder: Path) -> subprocess.Popen[bytes]:
    """A ``migrate listen`` of its own session: it outlives the terminal and the run that started it."""
    with (folder / "listen.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own program with a path of our own
            [sys.executable, "-m", "migrate", "listen", "--campaign", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )


async def ensure_listening(folder: Path, socket: Path) -> subprocess.Popen[bytes] | None:
    """Start a listening process unless one is up; the process that was started, if any.

    Raises ``CsmsUnavailable`` when it does not come up, with the last line it said.
    """
    if await is_listening(socket):
        return None
    process = start_listening(folder)
    try:
        await _until_it_is_up(folder, socket, process)
    except BaseException:  # whoever waited for it has gone: it is not left behind, and it is raised on
        process.terminate()
        while process.poll() is None:  # noqa: ASYNC110 - a process tells nobody that it ends
            await asyncio.sleep(LOOK_AGAIN_S)
        raise
    return process


async def _until_it_is_up(folder: Path, socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = asyncio.get_running_loop().time() + START_WITHIN_S
    while not await is_listening(socket):
        if process.poll() is not None or asyncio.get_running_loop().time() > deadline:
            if await is_listening(socket):
                return  # somebody else was quicker
            raise CsmsUnavailable(
                f"`migrate listen` did not come up: {_last_words(folder / 'listen.log')}",
                side="both",
                hint=f"Start it by hand to see why: migrate listen --campaign {folder}",
            )
        await asyncio.sleep(LOOK_AGAIN_S)


async def keep_listening(folder: Path, socket: Path, started: list[subprocess.Popen[bytes]]) -> None:
    """Start a new one whenever nobody listens, for ever; ``started`` collects what was started.

    One that does not come up, is killed before it has, or cannot even be
    started on a machine that is full, is tried again after a growing pause:
    meanwhile nobody sees, and nobody is moved.
    """
    pause_s = LOOK_EVERY_S
    while True:
        try:
            if process := await ensure_listening(folder, socket):
                started.append(process)
            pause_s = LOOK_EVERY_S
        except (CsmsUnavailable, OSError):
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        await asyncio.sleep(pause_s)


def _last_words(log: Path) -> str:
    """The sentence it ended with, and the way out under it."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it left no word"
    begin = max((n for n, line in enumerate(lines) if line.startswith("migrate: ")), default=len(lines) - 1)
    return " ".join(line.strip().removeprefix("migrate: ") for line in lines[begin:]) or "it left no word"
