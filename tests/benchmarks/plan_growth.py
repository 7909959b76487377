"""How the time to make a plan grows with the fleet, against n log n.

The same mixed fleet at four sizes, each half as large as the next: many
models, sites of one to eight stations, holds, pins and stations that no
profile fits.  Sizes alternate over the rounds, so that what the machine does
meanwhile falls on all of them; the quickest round of each counts.  A growth of
1 is exactly n log n from the smallest to the largest.  Prints one JSON document.
"""

from __future__ import annotations

import gc
import json
import math
import random
import sys
import time
from functools import cache

from batches.plan import Fit, make_plan
from migrate.domain.policy import Policy
from migrate.domain.station import Station
from vendor_profiles import load_catalogue

SIZES = (500, 1_000, 2_000, 4_000) if "--small" in sys.argv else (12_500, 25_000, 50_000, 100_000)
ROUNDS = 2 if "--small" in sys.argv else 3
KINDS = (
    ("Alfen BV", "NG910-60023", "5.8.1-4123"),
    ("Alfen BV", "NG920-61002", "6.1.0-4159"),
    ("Keba AG", "KC-P30-ESS400C2", "1.12.0"),
    ("Nobody Knows", "X-1", "0.1"),
    *((f"Maker {n % 9}", f"Model {n}", f"{n}.0") for n in range(60)),
)


def fleet(size: int) -> list[Station]:
    dice = random.Random(size)
    stations, site = [], 0
    while len(stations) < size:
        site += 1
        for _ in range(min(dice.randint(1, 8), size - len(stations))):
            vendor, model, firmware = dice.choice(KINDS)
            stations.append(
                Station(
                    identity=f"CP-{len(stations):06}",
                    vendor=vendor,
                    model=model,
                    firmware=firmware,
                    site_id=f"site-{site}",
                    connectors=dice.choice((1, 2)),
                    hold="owner says no" if dice.random() < 0.01 else "",
                    wave=dice.choice((1, 2, 3)) if dice.random() < 0.02 else None,
                )
            )
    return stations


def main() -> None:
    catalogue = load_catalogue()

    @cache
    def matched(vendor: str, model: str, firmware: str) -> Fit:
        return Fit(profile=catalogue.match(vendor, model, firmware).profile)

    fleets = {size: fleet(size) for size in SIZES}
    best = dict.fromkeys(SIZES, math.inf)
    for _ in range(ROUNDS):
        for size, stations in fleets.items():
            gc.collect()
            begun = time.process_time()
            make_plan(
                stations,
                lambda s: matched(s.vendor, s.model, s.firmware),
                Policy(),
                catalogue_digest="bench",
                version="bench",
            )
            best[size] = min(best[size], time.process_time() - begun)
    per_step = {size: seconds / (size * math.log(size)) for size, seconds in best.items()}
    least, most = SIZES[0], SIZES[-1]
    found = {
        "growth": round(per_step[most] / per_step[least], 3),
        "seconds": {str(size): round(seconds, 3) for size, seconds in best.items()},
        "rounds": ROUNDS,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
