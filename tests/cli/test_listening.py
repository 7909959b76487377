"""A run keeps somebody listening, whatever happens to whom it starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from migrate.cli.listening import keep_listening


@pytest.mark.story
async def test_a_listening_process_that_dies_before_it_is_up_is_started_again(tmp_path: Path) -> None:
    """The folder is no campaign, so each of them ends at once."""
    log = tmp_path / "listen.log"
    keeper = asyncio.ensure_future(keep_listening(tmp_path, tmp_path / "listen.sock", []))

    async with asyncio.timeout(300):
        while not keeper.done() and (not log.exists() or log.read_text().count("is no campaign folder") < 3):
            await asyncio.sleep(0.1)  # the third is there because the second has died too
    has_given_up = keeper.done()
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)

    assert not has_given_up
