"""A run keeps somebody listening, whatever happens to whom it starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from migrate.cli.listening import keep_listening


async def went_on(folder: Path, has_seen_enough: Callable[[], bool]) -> bool:
    """Whether somebody was still kept listening when enough was seen."""
    keeper = asyncio.ensure_future(keep_listening(folder, folder / "listen.sock", []))
    async with asyncio.timeout(300):
        while not keeper.done() and not has_seen_enough():
            await asyncio.sleep(0.1)
    has_given_up = keeper.done()
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    return not has_given_up


@pytest.mark.story
async def test_a_listening_process_that_dies_before_it_is_up_is_started_again(tmp_path: Path) -> None:
    """The folder is no campaign, so each of them ends at once."""
    log = tmp_path / "listen.log"

    # the third is there because the second has died too
    assert await went_on(tmp_path, lambda: log.exists() and log.read_text().count("is no campaign folder") >= 3)


@pytest.mark.story
async def test_a_machine_that_cannot_start_one_is_asked_again(tmp_path: Path) -> None:
    (log := tmp_path / "listen.log").mkdir()  # nothing can be written there
    looks = iter(range(100))

    def room_is_made_after_a_while() -> bool:
        if next(looks) == 10:
            log.rmdir()
        return log.is_file() and "is no campaign folder" in log.read_text()

    assert await went_on(tmp_path, room_is_made_after_a_while)
