"""`python -m migrate.simulator --config FILE.json`: the simulated fleet until SIGTERM.

Prints `CSMS source=… target=…` when both backends listen and `READY` when the
fleet is on line.  Exits 0 after a stop, 65 for a bad configuration.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import signal
import sys
from pathlib import Path

import uvloop

from migrate.simulator.config import Config, ConfigProblem
from migrate.simulator.fleet import Fleet
from migrate.simulator.orders import orders_of

BAD_DATA, CANNOT_READ = 65, 74
SPARE_FILES = 100


def main() -> int:
    """Read the file, run the fleet."""
    parser = argparse.ArgumentParser(prog="python -m migrate.simulator", description=__doc__)
    parser.add_argument("--config", required=True, type=Path)
    path: Path = parser.parse_args().config
    try:
        config = Config.from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        return _complain(f"cannot read {path}: {error.strerror}", CANNOT_READ)
    except (ConfigProblem, ValueError, RecursionError, AttributeError) as error:
        return _complain(f"{path}: {error}", BAD_DATA)
    _raise_file_limit(len(config.stations))
    gc.set_threshold(50_000, 20, 20)  # a fleet that is starting only grows: walk it seldom
    uvloop.run(_run(config))
    return 0


async def _run(config: Config) -> None:
    fleet = Fleet(config, orders_of)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, fleet.stopping.set)
    await fleet.run(_announce)


def _announce(line: str) -> None:
    if line == "READY":
        gc.freeze()  # the fleet stays: never walk it again
    print(line, flush=True)


def _complain(problem: str, code: int) -> int:
    print(problem, file=sys.stderr)
    return code


def _raise_file_limit(stations: int) -> None:
    """Every station is two sockets here, three with a shadow; the usual soft limit is 1,024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 2 * stations + SPARE_FILES:
        _complain(f"this process may open {hard} files; {stations} stations need {2 * stations + SPARE_FILES}", 0)


if __name__ == "__main__":
    sys.exit(main())
