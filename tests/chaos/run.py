"""Kill it, run it again, and see that nothing was lost: ``make chaos``.

``python tests/chaos/run.py [--short] [--seed N] [--only PLOT]``.  Prints a
table and a histogram; exit code 1 when a kill lost a transition, repeated an
effect blindly, cut a driver off or changed how a station ends.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.chaos.fleets import FLEETS
from tests.chaos.plots import (
    MOMENTS,
    SWEEP,
    Tally,
    Theatre,
    listen_killed,
    random_moments,
    store_deleted,
    sweep,
)
from tests.chaos.short import everything_once
from tests.chaos.way_back import WAY_BACK, ordered_meanwhile, way_back

PLOTS = ("sweep", "random", "listen", "store", "back", "orders")
STORE_POINTS = ("opened", "writing", "restarting", "undoing", "departed", "confirmed", "reverted")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the form for CI, under a minute")
    parser.add_argument("--seed", type=int, default=1, help="of the kills; the fleets have their own")
    parser.add_argument("--only", choices=PLOTS, action="append", help="this plot alone; may be repeated")
    parser.add_argument("--kills", type=int, default=100, help="at random moments")
    asked = parser.parse_args()
    began = time.monotonic()
    theatre = Theatre(_say, random.Random(asked.seed))
    chosen = asked.only or PLOTS
    tallies = asyncio.run(
        everything_once(theatre, FLEETS["few"]) if asked.short else full(theatre, chosen, asked.kills)
    )
    _print_table(tallies)
    print(f"{time.monotonic() - began:.0f} s, seed {asked.seed}")
    return 0 if all(tally.is_clean for tally in tallies) else 1


async def full(theatre: Theatre, plots: Sequence[str], kills: int) -> list[Tally]:
    none, demo, rough, every = (FLEETS[name] for name in ("none", "demo", "rough", "all"))
    tallies = []
    if "sweep" in plots:
        tallies.append(await sweep(theatre, every, SWEEP, campaigns=4))
    if "random" in plots:
        quota = {"hot": kills * 8 // 10, "each": kills * 15 // 100}
        tallies.append(await random_moments(theatre, (rough, demo, none), kills, **quota))
    if "listen" in plots:
        tallies.append(await listen_killed(theatre, (FLEETS["kept demo"], FLEETS["kept none"], FLEETS["slots"]), 8))
    if "store" in plots:
        tallies.append(await store_deleted(theatre, (demo, rough), STORE_POINTS))
    if "back" in plots:
        tallies.append(await way_back(theatre, FLEETS["round trip"], WAY_BACK, kills=30, campaigns=3))
    if "orders" in plots:
        tallies.append(await ordered_meanwhile(theatre, [FLEETS["many"]]))
    return tallies


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_table(tallies: Sequence[Tally]) -> None:
    print(f"{'killed':<34}{'campaigns':>10}{'kills':>7}{'lost':>6}{'blind':>7}{'cut off':>9}{'other ends':>12}")
    for t in tallies:
        v = t.verdict
        print(f"{t.plot:<34}{t.campaigns:>10}{t.kills:>7}{len(v.lost):>6}{v.blind:>7}{v.cut:>9}{len(v.endings):>12}")
        for line in t.missed:
            print(f"  {line}")
    for t in tallies:
        print(f"\n{t.plot}: kills with at least one station in each state ({t.hot} in {', '.join(MOMENTS)})")
        for state, count in sorted(t.moments.items(), key=lambda item: -item[1]):
            print(f"  {state:<12}{count:>4} {'#' * count}")


if __name__ == "__main__":
    sys.exit(main())
