"""A run, or an order, that dies at a moment of its own journal: no look from outside is quick enough to hit it, or slow enough to miss it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.chaos.child import Trigger
from tests.stories.conftest import Field

CHILD = Path(__file__).parents[1] / "chaos" / "child.py"
KILLED = -signal.SIGKILL


async def dies(site: Field, trigger: Trigger, within_s: float, *, taking_back: Sequence[str] = ()) -> int:
    """A life of the run, or of the way back of some stations, that ends with SIGKILL where the trigger says, or by itself; its exit code."""
    with (site.stage.folder / "child.log").open("ab") as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *(str(CHILD), str(site.stage.folder), json.dumps(asdict(trigger)), json.dumps(list(taking_back))),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
        )
    try:
        async with asyncio.timeout(within_s):
            return await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
