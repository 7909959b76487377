"""What becomes of a station that waits for a crew, once the crew has been there: nothing is done to it, it is only seen.

The watch applies what was seen since the attempt began to wait, and hands a
station that it finds on the target to a driver, as in a campaign.
"""

from __future__ import annotations

from collections.abc import Sequence

from batches.errand import Errand
from batches.watch import Watch
from migrate.domain.evidence import Kind, Side
from migrate.domain.record import Attempt
from tests.profiles.bench import Bench


async def found_moved(bench: Bench, waiting: Attempt, errand: Errand) -> Attempt:
    """The attempt as it ends, once the station has left the source and dialled the target."""
    await bench.sees(Kind.DISCONNECTED, Side.SOURCE)  # until then it would be its own rival
    await bench.sees(Kind.CONNECTED, Side.TARGET)
    found: list[Attempt] = []

    async def dispatch(attempts: Sequence[Attempt]) -> None:
        found.extend(attempts)

    watch = Watch(bench.ports(), lambda _: errand, lambda _: None, lambda _: True, dispatch)
    await watch.catch_up()
    for attempt in found:
        await bench.drive(attempt, errand)
    (ended,) = await bench.journal.attempts(identities=[waiting.identity])
    return ended
