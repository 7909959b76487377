"""What the relay costs over TLS beside nginx: CPU per round trip, and per station that connects.

As ``relay_vs_nginx``, with the TLS of stations ended by the one in the middle:
the same certificate, protocol and suite on both sides, the same CSMS in the
clear behind.  A connection is a full handshake, the upgrade and a goodbye; no
session is resumed.  Prints one JSON document; without nginx it says so and
measures the relay alone.

    python tests/benchmarks/relay_tls_vs_nginx.py        # nginx from the path, or NGINX=/path/to/nginx
"""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from migrate.adapters.ocpp.relay import Relay
from migrate.adapters.ocpp.tls import Files
from migrate.domain.evidence import Side
from migrate.simulator.authority import Authority
from tests.benchmarks.relay_vs_nginx import (
    DAY,
    Bench,
    cpu_us,
    frames_of,
    free_port,
    print_measured,
    serve_backend,
    wait_for,
)

SMALL = "--small" in sys.argv
STATIONS = 50
ROUND_TRIPS = 1_000 if SMALL else 10_000
CONNECTIONS = 50 if SMALL else 600
AT_ONCE = 25
ROUNDS = 1 if SMALL else 3
SUITES = {"rsa": "ECDHE-RSA-AES128-GCM-SHA256", "ecdsa": "ECDHE-ECDSA-AES128-GCM-SHA256"}
Middles = dict[str, tuple[int, int]]

NGINX_CONF = """
daemon off; master_process off; worker_processes 1; error_log /dev/null; pid {folder}/nginx.pid;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {folder}/{kind}.pem; ssl_certificate_key {folder}/{kind}.key;
    ssl_protocols TLSv1.2; ssl_ciphers {suite}; ssl_session_cache off; ssl_session_tickets off;
    location / {{
      proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
      proxy_read_timeout 3600s; proxy_send_timeout 3600s;
    }}
  }}
}}
"""


async def serve_relay(port: int, upstream: int, folder: Path, kind: str) -> None:
    relay = Relay(
        side=Side.SOURCE,
        listen=("127.0.0.1", port),
        upstream=f"ws://127.0.0.1:{upstream}/ocpp",
        sink=lambda _sighting: None,
        now=lambda: datetime.now(UTC),
        tag_key=b"bench",
        tls=Files(side="source", certificates=(folder / f"{kind}.pem",), keys=(folder / f"{kind}.key",)),
    )
    await relay.start()
    await asyncio.Event().wait()


def station_context(folder: Path, kind: str) -> ssl.SSLContext:
    """A station that knows one root and one suite, and resumes nothing."""
    context = ssl.create_default_context(cafile=folder / f"{kind}-root.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET
    context.set_ciphers(SUITES[kind])
    return context


async def connect(port: int, name: str, frames: list[bytes], tls: ssl.SSLContext) -> Bench:
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[None] = loop.create_future()
    _, station = await loop.create_connection(
        lambda: Bench(name, frames, opened), "127.0.0.1", port, ssl=tls, server_hostname="127.0.0.1"
    )
    await opened
    return station


async def trips(middles: Middles, tls: ssl.SSLContext) -> dict[str, list[float]]:
    """CPU per round trip of each middle, round by round in turn."""
    frames = frames_of(DAY)
    crews = {
        name: [await connect(port, f"s{n}", frames, tls) for n in range(STATIONS)]
        for name, (_, port) in middles.items()
    }
    costs: dict[str, list[float]] = {name: [] for name in middles}
    for number in range(ROUNDS + 1):
        for name, (pid, _) in middles.items():
            before = cpu_us(pid)
            await asyncio.gather(*(station.run(ROUND_TRIPS // STATIONS) for station in crews[name]))
            if number:  # the first round warms up
                costs[name].append((cpu_us(pid) - before) / ROUND_TRIPS)
    for station in (one for crew in crews.values() for one in crew):
        station.transport.abort()
    await asyncio.sleep(1)
    return costs


async def handshakes(middles: Middles, tls: ssl.SSLContext) -> dict[str, list[float]]:
    """CPU per connection of each middle, round by round in turn."""
    costs: dict[str, list[float]] = {name: [] for name in middles}
    for number in range(ROUNDS + 1):
        for name, (pid, port) in middles.items():
            before = cpu_us(pid)
            await asyncio.gather(*(_come_and_go(port, f"h{n}", tls) for n in range(AT_ONCE)))
            await asyncio.sleep(0.5)  # the last goodbyes
            if number:
                costs[name].append((cpu_us(pid) - before) / CONNECTIONS)
    return costs


async def _come_and_go(port: int, name: str, tls: ssl.SSLContext) -> None:
    for _ in range(CONNECTIONS // AT_ONCE):
        (await connect(port, name, [], tls)).transport.abort()


async def measure(middles: Middles, folder: Path, kind: str) -> dict[str, Any]:
    tls = station_context(folder, kind)
    found: dict[str, Any] = {}
    for what, costs in (("round_trip", await trips(middles, tls)), ("connection", await handshakes(middles, tls))):
        found[what] = {"cpu_us": {name: round(statistics.median(each), 1) for name, each in costs.items()}}
        if "nginx" in middles:
            ratios = [ours / theirs for ours, theirs in zip(costs["relay"], costs["nginx"], strict=True)]
            found[what] |= {
                "ratio": round(statistics.median(ratios), 3),
                "spread": [round(min(ratios), 3), round(max(ratios), 3)],
            }
    return found


# --- the stage --------------------------------------------------------------------


def certificates(folder: Path) -> None:
    for kind in SUITES:
        root = Authority(f"Root with {kind}", is_rsa=kind == "rsa")
        root.for_backend().write(folder, kind)
        root.write_root(folder / f"{kind}-root.pem")


def bench(folder: Path, running: list[subprocess.Popen[bytes]]) -> dict[str, Any]:
    certificates(folder)
    nginx = os.environ.get("NGINX") or shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    upstream = free_port()
    running.append(_start("backend", str(upstream)))
    wait_for(upstream)
    found = {kind: _of_kind(kind, folder, upstream, nginx, running) for kind in SUITES}
    missing = "" if nginx else "nginx is not here: `apt-get install nginx-light`, or NGINX=/path/to/nginx"
    return {
        "benchmark": "relay_tls_vs_nginx",
        "stations": STATIONS,
        "round_trips": ROUND_TRIPS,
        "connections": CONNECTIONS,
        "rounds": ROUNDS,
        "wanted": {"round_trip": 2.0},
        **({"skipped": missing} if missing else {}),
        **found,
    }


def _of_kind(
    kind: str, folder: Path, upstream: int, nginx: str | None, running: list[subprocess.Popen[bytes]]
) -> dict[str, Any]:
    relay, proxy = free_port(), free_port()
    running.append(_start("relay", str(relay), str(upstream), str(folder), kind))
    middles: Middles = {"relay": (running[-1].pid, relay)}
    if nginx:
        conf = folder / f"{kind}.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=proxy, upstream=upstream, kind=kind, suite=SUITES[kind]))
        running.append(subprocess.Popen([nginx, "-p", str(folder), "-c", str(conf)], stderr=subprocess.DEVNULL))
        middles["nginx"] = (running[-1].pid, proxy)
    for _, port in middles.values():
        wait_for(port)
    return uvloop.run(measure(middles, folder, kind))


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, *arguments])


def main() -> None:
    match sys.argv[1:]:
        case ["backend", port]:
            uvloop.run(serve_backend(int(port)))
        case ["relay", port, upstream, folder, kind]:
            uvloop.run(serve_relay(int(port), int(upstream), Path(folder), kind))
        case _:
            print_measured(bench)


if __name__ == "__main__":
    main()
