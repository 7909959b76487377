"""``make bench``: every measured claim, as ratios taken in one run, written to docs/performance.md.

Runs the benchmarks one after the other, so that none disturbs another,
and writes what they measured, what was wanted, and on what machine.
``--small`` takes a smaller fleet and leaves the document alone: it shows that
the benchmarks run, not what the figures are.  Exits 1 when a figure misses
what is wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
DOCUMENT = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One ratio or size, with what is wanted of it; ``None`` when it could not be measured here."""

    name: str
    value: float | None
    wanted: str
    is_met: bool | None
    said: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a smaller fleet; docs/performance.md is left alone")
    parser.add_argument("--only", choices=sorted(BENCHES), help="one of them")
    choice = parser.parse_args()
    figures: list[Figure] = []
    for name, bench in BENCHES.items():
        if choice.only in (None, name):
            print(f"{name} …", file=sys.stderr, flush=True)
            figures += bench(small=choice.small)
    for figure in figures:
        print(f"{_mark(figure)}  {figure.name}: {_value(figure)} (wanted {figure.wanted}); {figure.said}")
    if not choice.small and choice.only is None:
        DOCUMENT.write_text(_document(figures), encoding="utf-8")
    return 1 if any(figure.is_met is False for figure in figures) else 0


def makespan(*, small: bool) -> list[Figure]:
    """A fault-free campaign against the greedy list schedule of the times its stations drew."""
    stations, speed = (40, 60) if small else (1000, 10)
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["demo", "--stations", str(stations), "--speed", str(speed), "--faults", "none", "--json"]
        found = _json([sys.executable, "-m", "migrate", *arguments, "--out", str(Path(folder) / "demo")])
    ratio = found["makespan_ratio"]
    wire = found["wire"]
    said = (
        f"{stations} stations at speed {speed}: floor {found['floor_s']:,.0f} campaign seconds, wall {found['wall_s']:,.0f} s, "
        f"{found['totals']['settled']} settled, {wire['commands_repeated_without_read']} commands repeated without a look"
    )
    return [_at_most("makespan / floor", ratio, 1.10, said, judged=not small)]


def relay(*, small: bool) -> list[Figure]:
    """The relay with its tap beside nginx as a plain WebSocket proxy."""
    found = _json([sys.executable, str(HERE / "relay_vs_nginx.py"), *(["--small"] if small else [])])
    if "cpu_ratio" not in found:
        why = "nginx is not on this machine: apt-get install nginx-light"
        ratio = Figure(name="relay CPU per round trip / nginx", value=None, wanted="≤ 2.0", is_met=None, said=why)
    else:
        cost = found["cpu_us_per_round_trip"]
        said = f"relay {cost['relay']} µs, nginx {cost['nginx']} µs of CPU per round trip; rounds from {found['cpu_ratio_spread'][0]} to {found['cpu_ratio_spread'][1]}"
        ratio = _at_most("relay CPU per round trip / nginx", found["cpu_ratio"], 2.0, said, judged=not small)
    storm = Figure(
        name="the same on boots and statuses alone",
        value=found.get("cpu_ratio_storm"),
        wanted="no bound",
        is_met=None,
        said="every message becomes a sighting",
    )
    idle = found["kb_per_idle_pair"]
    memory_said = "resident memory of the relay's process" + (f"; nginx {idle['nginx']}" if "nginx" in idle else "")
    memory = _at_most("relay KB per idle pair", idle["relay"], 8.0, memory_said, judged=not small)
    return [ratio, storm, memory]


def relay_tls(*, small: bool) -> list[Figure]:
    """The relay and nginx as the end of stations' TLS, for either kind of key."""
    found = _json([sys.executable, str(HERE / "relay_tls_vs_nginx.py"), *(["--small"] if small else [])])
    figures = []
    for kind, what in ((kind, what) for what in ("round_trip", "connection") for kind in ("rsa", "ecdsa")):
        cost, name = found[kind][what], f"relay CPU per {what.replace('_', ' ')} over TLS ({kind.upper()}) / nginx"
        wanted = 2.0 if what == "round_trip" else None
        if "ratio" not in cost:
            why = "nginx is not on this machine: apt-get install nginx-light"
            figures.append(Figure(name=name, value=None, wanted="≤ 2" if wanted else "no bound", is_met=None, said=why))
            continue
        said = f"relay {cost['cpu_us']['relay']} µs, nginx {cost['cpu_us']['nginx']} µs; rounds from {cost['spread'][0]} to {cost['spread'][1]}"
        figures.append(
            _at_most(name, cost["ratio"], wanted, said, judged=not small)
            if wanted
            else Figure(name=name, value=cost["ratio"], wanted="no bound", is_met=None, said=said)
        )
    return figures


def journal(*, small: bool) -> list[Figure]:
    """The journal beside a bare sqlite3 group commit of the same rows and hash chain."""
    found = _json([sys.executable, str(HERE / "journal_vs_sqlite3.py"), *(["--small"] if small else [])])
    said = (
        f"{found['journal_per_s']:,} against {found['bare_per_s']:,} durable transitions a second from {found['tasks']} tasks; "
        f"lowest of {found['rounds']} rounds {found['ratio_lowest']}"
    )
    value = found["ratio"]
    met = None if small else value >= 0.3
    return [Figure(name="journal / bare sqlite3", value=value, wanted="≥ 0.3", is_met=met, said=said)]


def inventory(*, small: bool) -> list[Figure]:
    """Lists with every cell judged, beside pandas that reads them and judges nothing."""
    found = _json([sys.executable, str(HERE / "inventory_vs_pandas.py"), *(["--small"] if small else [])])
    size = f"{found['stations']:,} stations × {found['columns']} columns"

    def figure(kind: str, against: str, most: float) -> Figure:
        side = found[kind]
        said = f"{size}: {side['ours_cpu_s']} s of CPU against {side['theirs_cpu_s']}; highest of {found['rounds']} rounds {side['ratio_highest']}"
        return _at_most(f"{kind} inventory, judged / {against}", side["ratio"], most, said, judged=not small)

    memory_said = f"{size}; peak of the largest process, .csv {found['csv']['peak_mb']}"
    memory = _at_most("MB to read an xlsx inventory", found["xlsx"]["peak_mb"], 600, memory_said, judged=not small)
    return [figure("xlsx", "pandas with openpyxl", 0.35), figure("csv", "pandas.read_csv", 20), memory]


def plan(*, small: bool) -> list[Figure]:
    """How making a plan grows from an eighth of the fleet to the whole, against n log n."""
    found = _json([sys.executable, str(HERE / "plan_growth.py"), *(["--small"] if small else [])])
    said = "; ".join(f"{int(size):,} stations in {seconds} s of CPU" for size, seconds in found["seconds"].items())
    return [_at_most("plan time / n log n, smallest to largest", found["growth"], 1.2, said, judged=not small)]


def report(*, small: bool) -> list[Figure]:
    """A progress report from the journal to the file, beside reading its rows alone."""
    found = _json([sys.executable, str(HERE / "report_vs_reading.py"), *(["--small"] if small else [])])
    cost = found["seconds"]
    said = (
        f"{found['stations']:,} stations, {found['rows']:,} rows: reading {cost['reading']} s of CPU; whole report as "
        f"html {cost['html']}, xlsx {cost['xlsx']}, json {cost['json']}"
    )
    return [_at_most("progress report / reading its rows", found["ratio"], 10.0, said, judged=not small)]


def firmware(*, small: bool) -> list[Figure]:
    """Stations that load firmware at once under the byte-rate of their group, over HTTP and FTP."""
    found = _json([sys.executable, str(HERE / "firmware_rate.py"), *(["--small"] if small else [])])
    said = (
        f"{found['stations']} stations, {found['size_bytes'] / 1000:,.0f} KB each, at {found['rate_bytes_per_s'] / 1e6:g} MB/s for all; "
        f"first file after {found['first_s']} s, last after {found['last_s']} s"
    )
    worst = "most firmware in any 10 s / what the rate allows"
    return [
        _at_most(worst, found["worst_window"], 1.0, "as the stations received it", judged=not small),
        _at_most("time for all firmware / bytes by rate", found["wall"], 1.1, said, judged=not small),
    ]


def waiting(*, small: bool) -> list[Figure]:
    """Waiting for stations that load a firmware, on a real journal."""
    found = _json([sys.executable, str(HERE / "firmware_waiting.py"), *(["--small"] if small else [])])
    said = (
        f"{found['stations']:,} stations, {found['history']} events each, one in {found['one_in']} has said something since the last look, ten "
        f"seconds ago: {found['look_cpu_s']} s of CPU; {found['single_cpu_s']} s where each is asked for by itself; middle of {found['rounds']} rounds"
    )
    name = "waiting for firmware / one processor"
    return [_at_most(name, found["of_one_core"], 0.1, said, judged=not small)]


def ssh(*, small: bool) -> list[Figure]:
    """A look at stations over SSH beside ansible-core: same hosts, command, concurrency and algorithms."""
    found = _json([sys.executable, str(HERE / "ssh_vs_ansible.py"), *(["--small"] if small else [])])
    names = {"cpu": "SSH client CPU / ansible-core", "wall": "SSH wall clock / ansible-core"}
    most = {"cpu": 0.1, "wall": 0.333}
    ours = found["clients"]["ours"]
    if "ansible" not in found["clients"]:
        why = "ansible is not on this machine: pip install ansible-core into an environment of its own, and set ANSIBLE"
        return [
            Figure(name=name, value=None, wanted=f"≤ {most[what]}", is_met=None, said=why)
            for what, name in names.items()
        ]
    theirs = found["clients"]["ansible"]
    return [
        _at_most(
            name,
            found[f"{what}_ratio"],
            most[what],
            f"{found['stations']} stations, {found['at_once']} at once, {found['pinned']} on both sides: {ours[f'{what}_s']:.2f} s "
            f"against {theirs[f'{what}_s']:.2f}; highest of {found['rounds']} rounds {found[f'{what}_worst']:.3f}; {found['version']}",
            judged=not small,
        )
        for what, name in names.items()
    ]


BENCHES: dict[str, Callable[..., list[Figure]]] = {
    "journal": journal,
    "inventory": inventory,
    "plan": plan,
    "report": report,
    "relay": relay,
    "relay_tls": relay_tls,
    "ssh": ssh,
    "firmware": firmware,
    "waiting": waiting,
    "makespan": makespan,
}


def _at_most(name: str, value: float, most: float, said: str, *, judged: bool) -> Figure:
    return Figure(name=name, value=value, wanted=f"≤ {most:g}", is_met=value <= most if judged else None, said=said)


def _json(command: list[str]) -> Any:
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _mark(figure: Figure) -> str:
    return {True: "met ", False: "MISS", None: "    "}[figure.is_met]


def _value(figure: Figure) -> str:
    return "not measured" if figure.value is None else f"{figure.value:.4g}"


def _document(figures: list[Figure]) -> str:
    rows = "\n".join(f"| {f.name} | {_value(f)} | {f.wanted} | {f.said} |" for f in figures)
    nginx = shutil.which("nginx") or os.environ.get("NGINX", "none")
    return f"""# Performance

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}; every figure is a ratio of two things measured in one run, or a size.
Wall-clock figures beside them only tell the order of magnitude: the machine was shared.

| figure | measured | wanted | in words |
|---|---|---|---|
{rows}

Machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}, Python {platform.python_version()}, nginx: {nginx}.

The relay is judged on a mix as on a quiet day: 60 % MeterValues, 25 % Heartbeat, 10 % StatusNotification and 5 % BootNotification.
A message that becomes a sighting costs more than one that is passed over; the row below it, on boots and statuses alone, is the minute
after a power cut.

Over TLS both sides show the same certificate and take one suite of TLS 1.2 with AES-128-GCM; a connection is a full handshake, the upgrade, the dialled CSMS
and the end, and no session is resumed. What a processor bears in handshakes a second is a million by the µs of a connection.

The look over SSH is one `read` command at each of 500 addresses of one simulated server, through the door on one side and by
`ansible all -m raw -f 50` over the OpenSSH client on the other; key exchange, cipher and host key are pinned to the same on both.
A client's CPU is the kernel's count for its process and its children, imports included. ansible runs without connection sharing,
which costs it less where each host gets one command.

How they are measured: [tests/benchmarks](../tests/benchmarks). The floor of the makespan is the greedy first-in-first-out
list schedule, under the same caps and in plan order, of the reboot times that the simulated stations drew; nothing of the
toolkit's own work is in it. The relay's CPU is the kernel's count for its process alone, its stations and CSMS run in
processes of their own. The bare side of the journal's figure writes the same rows with the same hash chain and the same
durability, and judges nothing.
"""


if __name__ == "__main__":
    sys.exit(main())
