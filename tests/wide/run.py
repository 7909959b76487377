"""An operator's year at full width: ``make wide``.

``python tests/wide/run.py [--stations 3000] [--seed 7] [--speed 30] [--out DIR]``.
Prints how every station ended and whether that is true by the stations' own
log; exit code 1 when anything is not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.wide.year import Year, live_through


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=float, default=30.0)
    parser.add_argument("--at-once", type=int, default=300, help="the cap on stations in flight")
    parser.add_argument("--max-failed", type=int, default=10, help="of one model and firmware; more stop it")
    parser.add_argument("--out", type=Path, help="keep the campaign folder here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wide-") as temporary:
        folder = asked.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        numbers = {"at_once": asked.at_once, "max_failed": asked.max_failed}
        year = uvloop.run(live_through(folder, asked.stations, seed=asked.seed, speed=asked.speed, say=_say, **numbers))
    _tell(year)
    return 0 if year.is_good else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _tell(year: Year) -> None:
    print(f"{year.stations} stations, {year.families} families, {year.planted} planted faults")
    print("ends: " + ", ".join(f"{count} {state}" for state, count in year.ends.items()))
    print(f"ended otherwise than planted, or elsewhere than the journal says: {len(year.disagreements)}")
    print(f"healthy ones held back because their kind had failed too often: {year.held_back}")
    for wrong in year.disagreements[:20]:
        print(f"  {wrong.identity} ({wrong.fault}) {wrong.text}")
    print(f"commands repeated without a look: {year.repeated}")
    for q in year.quarantines:
        word = "held" if q.is_held else "NOT HELD"
        print(
            f"bad model {q.kind}: {q.touched} of {q.stations} touched, {q.in_flight} in flight, {q.waiting} wait: {word}"
        )
    print("wave taken back: " + ", ".join(f"{count} {word}" for word, count in year.taken_back.items()))
    print(f"taken back and not on the source at E3: {len(year.not_home)}")
    print(f"{year.run_s:.0f} s for the campaign, {year.back_s:.0f} s for the way back")


if __name__ == "__main__":
    sys.exit(main())
