"""What bringing in a list costs, beside pandas reading the same file and judging nothing.

A hundred thousand stations in twenty columns, as .xlsx and as .csv.  Our side
is the importer as ``migrate inventory import`` calls it: bounded process,
header, every cell judged, every row against every other, ``Station`` values at
the end.  Theirs is ``pandas.read_excel(engine="openpyxl")`` and
``pandas.read_csv`` alone.  Each reading is a process of its own, whose CPU the
kernel counts from before the reading to after it, children included; imports
are left out on both sides.  Rounds alternate, so that what the machine does
meanwhile falls on both.  Prints one JSON document.
"""

from __future__ import annotations

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlsxwriter

STATIONS, ROUNDS = (2_000, 1) if "--small" in sys.argv else (100_000, 3)
HEADER: list[str] = (  # noqa: SIM905 - twenty names on two lines
    "identity vendor model firmware serial iccid ocpp_version security_profile connection site_id "
    "site_name address postcode city country latitude longitude connectors lifecycle last_seen_at"
).split()
KINDS = (
    ("KEBA", "P30", "1.13.2"),
    ("KEBA", "P30", "1.14.0"),
    ("Alfen BV", "NG910-60023", "6.4.1-4218"),
    ("ABB", "Terra AC W22", "1.8.32"),
    ("Zaptec", "Pro", "3.2.1"),
    ("Wallbox", "Pulsar Plus", "5.11.2"),
)
CITIES = ("Gouda", "Utrecht", "Leiden", "Delft", "Breda", "Tilburg", "Arnhem", "Zwolle")


def stations() -> Iterator[list[Any]]:
    """Rows as an operator's export has them: six stations to a site, some texts everywhere, some nowhere twice."""
    dice = random.Random(1)
    for number in range(STATIONS):
        vendor, model, firmware = dice.choice(KINDS)
        site = number // 6
        yield [
            *(f"NL-{vendor[:3].upper()}-{number:06}", vendor, model, firmware),
            *(f"SN{dice.randrange(10**10):010}", f"8931{dice.randrange(10**15):015}", "1.6", dice.randrange(3), "mobile"),
            *(f"S{site:05}", f"Parking {site}", f"Kade {dice.randrange(999)}", f"{1000 + site % 9000} AB"),
            *(CITIES[site % 8], "nl", round(51 + dice.random() * 2, 6), round(4 + dice.random() * 2, 6)),
            *(dice.choice((1, 2)), "in_service", f"2026-{1 + number % 9:02}-{1 + number % 28:02}"),
        ]  # fmt: skip


def write_lists(folder: Path) -> None:
    rows = [HEADER, *stations()]
    with (folder / "fleet.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    book = xlsxwriter.Workbook(str(folder / "fleet.xlsx"))
    sheet = book.add_worksheet("Stations")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()


READINGS = {
    "ours": """
from pathlib import Path
from migrate.adapters.references import references
from migrate.adapters.spreadsheet import read_inventory
against = references()
def read(file):
    reading = read_inventory([Path(file)], references=against)
    assert reading.is_importable and not reading.problems, reading.problems[:3]
    return len(reading.stations)
""",
    "excel": """
import openpyxl, pandas
def read(file):
    return len(pandas.read_excel(file, engine="openpyxl"))
""",
    "csv": """
import pandas
def read(file):
    return len(pandas.read_csv(file))
""",
}
WATCH = """
import json, os, resource, sys
def cpu():
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system
began = cpu()
rows = read(sys.argv[1])
spent = cpu() - began
peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"rows": rows, "cpu_s": spent, "peak_mb": max(peaks) / 1024}))
"""


def reading(who: str, file: Path) -> dict[str, float]:
    """One reading in a process of its own: rows, CPU seconds, and the peak of its largest process."""
    done = subprocess.run(
        [sys.executable, "-c", READINGS[who] + WATCH, str(file)], stdout=subprocess.PIPE, check=True, env=os.environ
    )
    found: dict[str, float] = json.loads(done.stdout)
    if found["rows"] != STATIONS:
        raise SystemExit(f"{who} read {found['rows']:,.0f} of {STATIONS:,} stations")
    return found


def compare(them: str, file: Path) -> dict[str, float]:
    """Ours against theirs on one file; the median of the rounds' ratios, and each side's median."""
    rounds = []
    for number in range(ROUNDS):
        ours, theirs = reading("ours", file), reading(them, file)
        rounds.append((ours, theirs))
        print(
            f"{file.name}, round {number + 1}: {ours['cpu_s']:.2f} s, {them} {theirs['cpu_s']:.2f} s", file=sys.stderr
        )
    ratios = [ours["cpu_s"] / theirs["cpu_s"] for ours, theirs in rounds]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratio_highest": round(max(ratios), 3),
        "ours_cpu_s": round(statistics.median(ours["cpu_s"] for ours, _ in rounds), 2),
        "theirs_cpu_s": round(statistics.median(theirs["cpu_s"] for _, theirs in rounds), 2),
        "peak_mb": round(max(ours["peak_mb"] for ours, _ in rounds)),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lists(folder)
        document = {
            "schema": "migrate.bench.inventory/1",
            "stations": STATIONS,
            "columns": len(HEADER),
            "rounds": ROUNDS,
            "xlsx": compare("excel", folder / "fleet.xlsx"),
            "csv": compare("csv", folder / "fleet.csv"),
        }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
