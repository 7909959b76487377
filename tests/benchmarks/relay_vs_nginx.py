"""What the relay costs beside nginx: CPU per round trip, and memory per idle pair.

The same stations and the same CSMS, in processes of their own, speak through
one or the other in turn; only the CPU time of the one in the middle is counted,
by the kernel.  nginx forwards the upgraded connection and looks at nothing; the
relay forwards it, finds every message, reads those that may matter and tells
what it saw.  Prints one JSON document; without nginx it says so and measures
the relay alone.

    python tests/benchmarks/relay_vs_nginx.py            # nginx from the path, or NGINX=/path/to/nginx
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from migrate.adapters.ocpp.framing import Opcode, encode, whole_text
from migrate.adapters.ocpp.handshake import END, accept_key
from migrate.adapters.ocpp.messages import peek
from migrate.adapters.ocpp.relay import Relay
from migrate.domain.evidence import Side

STATIONS = 100
SMALL = "--small" in sys.argv
ROUND_TRIPS = 2_000 if SMALL else 20_000
ROUNDS = 1 if SMALL else 7
IDLE_PAIRS = 2_000
MASK = b"\x12\x34\x56\x78"
HELLO = (
    "GET /ocpp/{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
BOOT = (
    "BootNotification",
    {
        "chargePointVendor": "ACME",
        "chargePointModel": "AC22",
        "chargePointSerialNumber": "SN-000001",
        "firmwareVersion": "1.2.3",
    },
)
STATUS = (
    "StatusNotification",
    {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": "2026-11-20T01:00:00Z"},
)
METER = (
    "MeterValues",
    {
        "connectorId": 1,
        "transactionId": 7,
        "meterValue": [
            {
                "timestamp": "2026-11-20T01:00:00Z",
                "sampledValue": [{"value": "1234", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}],
            }
        ],
    },
)
DAY = [METER] * 12 + [("Heartbeat", {})] * 5 + [STATUS] * 2 + [BOOT]
"""Twenty messages of a station: mostly meter values, as in the field."""
STORM = [BOOT, STATUS]
"""The minute after a power cut: every message becomes a sighting."""
ACCEPTED = b'{"status":"Accepted","currentTime":"2026-11-20T01:00:00.000Z","interval":300}'


# --- the CSMS ------------------------------------------------------------------


class Backend(asyncio.Protocol):
    """Welcomes everybody and accepts everything."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.is_open = transport, False

    def data_received(self, data: bytes) -> None:
        if self.is_open:
            seen = peek(whole_text(data) or b"")
            if seen:
                self.transport.write(encode(Opcode.TEXT, b'[3,"' + seen[1].encode() + b'",' + ACCEPTED + b"]"))
            return
        head = data.decode("latin-1")
        key = next(v for k, _, v in (line.partition(": ") for line in head.split("\r\n")) if k == "Sec-WebSocket-Key")
        self.is_open = True
        self.transport.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )


async def serve_backend(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


# --- the one in the middle ---------------------------------------------------------


async def serve_relay(port: int, upstream: int) -> None:
    seen: list[int] = [0]

    def sink(_sighting: Any) -> None:
        seen[0] += 1

    relay = Relay(
        side=Side.SOURCE,
        listen=("127.0.0.1", port),
        upstream=f"ws://127.0.0.1:{upstream}/ocpp",
        sink=sink,
        now=lambda: datetime.now(UTC),
        tag_key=b"bench",
    )
    await relay.start()
    await asyncio.Event().wait()


NGINX_CONF = """
daemon off; master_process off; worker_processes 1; error_log /dev/null; pid {folder}/nginx.pid;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
      proxy_read_timeout 3600s; proxy_send_timeout 3600s;
    }}
  }}
}}
"""


# --- the stations -----------------------------------------------------------------


class Bench(asyncio.Protocol):
    """A station that sends its next message when the last one was answered."""

    def __init__(self, identity: str, frames: list[bytes], opened: asyncio.Future[None]) -> None:
        self.identity, self.frames, self.opened = identity, frames, opened
        self.left, self.at = 0, 0
        self.done: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(HELLO.format(self.identity).encode())

    def run(self, round_trips: int) -> asyncio.Future[None]:
        self.left, self.done = round_trips, asyncio.get_running_loop().create_future()
        self._next()
        return self.done

    def _next(self) -> None:
        self.transport.write(self.frames[self.at % len(self.frames)])
        self.at += 1

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            assert b" 101 " in data
            assert END in data
            self.opened.set_result(None)
            return
        self.left -= 1
        if self.left > 0:
            self._next()
        elif self.done is not None and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in (self.opened, self.done):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionResetError(f"{self.identity} was cut off"))


def frames_of(messages: list[tuple[str, dict[str, Any]]]) -> list[bytes]:
    texts = [json.dumps([2, f"id-{n}", *message]).encode() for n, message in enumerate(messages)]
    return [encode(Opcode.TEXT, text, mask=MASK) for text in texts]


async def connect(port: int, count: int, frames: list[bytes], name: str) -> list[Bench]:
    loop, stations = asyncio.get_running_loop(), []
    for number in range(count):
        opened = loop.create_future()
        _, station = await loop.create_connection(
            lambda n=number, o=opened: Bench(f"{name}{n}", frames, o), "127.0.0.1", port
        )
        await opened
        stations.append(station)
    return stations


# --- measuring --------------------------------------------------------------------


def cpu_us(pid: int) -> float:
    """CPU time of all threads of a process, as the scheduler counted it."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000


def memory_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:")))


async def one_round(pid: int, stations: list[Bench]) -> float:
    before = cpu_us(pid)
    await asyncio.gather(*(station.run(ROUND_TRIPS // len(stations)) for station in stations))
    return (cpu_us(pid) - before) / ROUND_TRIPS


async def idle_cost(pid: int, port: int) -> float:
    """Memory per pair of sockets, each of which has booted once."""
    before = memory_kb(pid)
    stations = await connect(port, IDLE_PAIRS, frames_of([BOOT]), "idle")
    for station in stations:
        await station.run(1)
    await asyncio.sleep(1)
    cost = (memory_kb(pid) - before) / IDLE_PAIRS
    for station in stations:
        station.transport.abort()
    await asyncio.sleep(1)
    return cost


async def measure(middles: dict[str, tuple[int, int]]) -> dict[str, Any]:
    day, storm = await cpu_of(middles, DAY, "s"), await cpu_of(middles, STORM, "b")
    idle = {name: round(await idle_cost(pid, port), 2) for name, (pid, port) in middles.items()}
    result: dict[str, Any] = {
        "cpu_us_per_round_trip": {name: round(statistics.median(costs), 2) for name, costs in day.items()},
        "kb_per_idle_pair": idle,
    }
    if "nginx" in middles:
        pairs = ratios(day)
        result["cpu_ratio"] = round(statistics.median(pairs), 3)
        result["cpu_ratio_spread"] = [round(min(pairs), 3), round(max(pairs), 3)]
        result["cpu_ratio_storm"] = round(statistics.median(ratios(storm)), 3)
    return result


async def cpu_of(
    middles: dict[str, tuple[int, int]], mix: list[tuple[str, dict[str, Any]]], who: str
) -> dict[str, list[float]]:
    """CPU per round trip of each middle, round by round in turn."""
    rounds: dict[str, list[float]] = {name: [] for name in middles}
    crews = {name: await connect(port, STATIONS, frames_of(mix), who) for name, (_, port) in middles.items()}
    for number in range(ROUNDS + 1):
        for name, (pid, _) in middles.items():
            cost = await one_round(pid, crews[name])
            if number:  # the first round warms up
                rounds[name].append(cost)
    for station in (one for crew in crews.values() for one in crew):
        station.transport.abort()
    await asyncio.sleep(1)
    return rounds


def ratios(rounds: dict[str, list[float]]) -> list[float]:
    return [relay / nginx for relay, nginx in zip(rounds["relay"], rounds["nginx"], strict=True)]


# --- the stage --------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, *arguments])


def bench(folder: Path, running: list[subprocess.Popen[bytes]]) -> dict[str, Any]:
    upstream, relay, proxy = free_port(), free_port(), free_port()
    running.append(start("backend", str(upstream)))
    wait_for(upstream)
    running.append(start("relay", str(relay), str(upstream)))
    middles = {"relay": (running[-1].pid, relay)}
    nginx = os.environ.get("NGINX") or shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx:
        conf = folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=proxy, upstream=upstream))
        running.append(subprocess.Popen([nginx, "-p", str(folder), "-c", str(conf)], stderr=subprocess.DEVNULL))
        middles["nginx"] = (running[-1].pid, proxy)
    for _, port in middles.values():
        wait_for(port)
    result = uvloop.run(measure(middles))
    missing = "" if nginx else "nginx is not here: `apt-get install nginx-light`, or NGINX=/path/to/nginx"
    return {
        "benchmark": "relay_vs_nginx",
        "stations": STATIONS,
        "round_trips": ROUND_TRIPS,
        "rounds": ROUNDS,
        "idle_pairs": IDLE_PAIRS,
        "wanted": {"cpu_ratio": 2.0, "kb_per_idle_pair": 8.0},
        **({"skipped": missing} if missing else {}),
        **result,
    }


def print_measured(measure: Callable[[Path, list[subprocess.Popen[bytes]]], dict[str, Any]]) -> None:
    """Measure in a folder that goes, say what came out as JSON, and leave none of the processes behind."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(Path(folder), running), indent=2))
    finally:
        for process in running:
            process.send_signal(signal.SIGKILL)
            process.wait()


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)), hard))
    match sys.argv[1:]:
        case ["backend", port]:
            uvloop.run(serve_backend(int(port)))
        case ["relay", port, upstream]:
            uvloop.run(serve_relay(int(port), int(upstream)))
        case _:
            print_measured(bench)


if __name__ == "__main__":
    main()
