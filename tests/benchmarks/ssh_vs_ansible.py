"""What a look at 500 stations over SSH costs beside ansible-core: CPU of the client, and wall clock.

The same server, addresses, key, command and concurrency, in turn, in one run.
The server offers one key exchange, one cipher and one digest, so that both
clients use the same.  A client's CPU is what the kernel counts for its process
and its children, from its start to its end, imports included.  ansible runs
its ``raw`` module over the OpenSSH client without connection sharing, which
costs it less here: there is one command for each host.
Prints one JSON document; without ansible it says so and measures ours alone.

    python tests/benchmarks/ssh_vs_ansible.py        # ansible from the path, or ANSIBLE=/path/to/ansible
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from migrate.adapters.channels.ssh import SshDoors, SshSettings
from migrate.adapters.channels.ssh.known_hosts import place_of
from migrate.adapters.vault import FileVault
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Profile, Proof, Rollback, Selector, TurningPoint
from migrate.domain.station import Station
from migrate.domain.ways import Script

SMALL = "--small" in sys.argv
STATIONS = 30 if SMALL else 500
ROUNDS = 1 if SMALL else 3
AT_ONCE = 50
KEX, CIPHER, MAC = "curve25519-sha256", "aes128-ctr", "hmac-sha2-256"
READ = ("cfg", "get", "url")
VALUE = "wss://legacy.example/ocpp"


def addresses() -> list[str]:
    return [f"127.70.{n // 250}.{n % 250 + 1}" for n in range(STATIONS)]


# ── the stations ───────────────────────────────────────────────────────────


async def serve(folder: Path) -> None:
    """Every address on one port, one host key, one answer; says its port when it listens."""
    import asyncssh  # noqa: PLC0415 - the clients that are measured do not pay for it

    key = asyncssh.read_private_key(folder / "host")

    async def answer(process: Any) -> None:
        is_right = process.command == " ".join(READ)
        process.stdout.write(VALUE + "\n")
        process.exit(0 if is_right else 9)

    port = 0
    for address in addresses():
        acceptor = await asyncssh.listen(
            address,
            port,
            server_host_keys=[key],
            authorized_client_keys=str(folder / "secrets" / "box.pub"),
            process_factory=answer,
            kex_algs=[KEX, f"{KEX}@libssh.org"],
            encryption_algs=[CIPHER],
            mac_algs=[MAC],
            compression_algs=["none"],
            backlog=AT_ONCE * 2,
            login_timeout=120,
        )
        port = acceptor.get_port()
    print(port, flush=True)
    await asyncio.Event().wait()


# ── ours ───────────────────────────────────────────────────────────────────


async def look(folder: Path, port: int) -> None:
    """A look at every station through the door, so many at once."""
    settings = SshSettings(known_hosts=folder / "known_hosts", scripts=(folder,), port=port, threads=AT_ONCE)
    doors = SshDoors(settings, FileVault(folder / "secrets"))
    profile = Profile(
        name="box",
        title="box",
        selector=Selector(vendors=("*",)),
        method=Method.SCRIPT,
        rollback=Rollback.REMOTE,
        turning_point=TurningPoint.RESTART,
        proof=Proof.BENCH,
        script=Script(read=READ, write=READ, user="box", key="box"),
    )
    stations = [Station(identity=address, ip_address=address) for address in addresses()]
    looks = [doors.to(s, profile, Side.SOURCE).read(s.identity, ["url"]) for s in stations]
    held = await asyncio.gather(*looks)
    await doors.close()
    assert held == [{"url": VALUE}] * len(stations)
    print(json.dumps({"looked": len(held)}))


# ── the comparison ─────────────────────────────────────────────────────────


def measured(words: list[str], environment: dict[str, str]) -> dict[str, float]:
    """One client from start to end: its wall clock and the CPU of it and its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ran = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran.returncode == 0, ran.stderr[-2000:] + ran.stdout[-500:]
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu_s, "wall_s": wall_s}


def furnish(folder: Path) -> None:
    import asyncssh  # noqa: PLC0415

    host, client = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host.write_private_key(folder / "host")
    (folder / "host.pub").write_bytes(host.export_public_key())
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    client.write_private_key(secrets / "box")
    client.write_public_key(secrets / "box.pub")
    (secrets / "box").chmod(0o600)


def ansible_words(ansible: str, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    hosts = "".join(f"{address}\n" for address in addresses())
    (folder / "hosts").write_text(
        f"[all]\n{hosts}[all:vars]\nansible_port={port}\nansible_user=box\n"
        f"ansible_ssh_private_key_file={folder / 'secrets' / 'box'}\nansible_python_interpreter=/usr/bin/python3\n"
    )
    pinned = f"-o KexAlgorithms={KEX} -o Ciphers={CIPHER} -o MACs={MAC} -o HostKeyAlgorithms=ssh-ed25519"
    trusted = f"-o UserKnownHostsFile={folder / 'known_hosts'} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    environment = {
        "ANSIBLE_SSH_ARGS": f"-o ControlMaster=no {pinned} {trusted}",
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
    }
    words = [ansible, "all", "-i", str(folder / "hosts"), "-m", "raw", "-a", " ".join(READ), "-f", str(AT_ONCE)]
    return words, environment


def compare(folder: Path) -> dict[str, Any]:
    furnish(folder)
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        _trust(folder, port)
        return _rounds(folder, port)
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def _trust(folder: Path, port: int) -> None:
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text("".join(f"{place_of(one, port)} {key}\n" for one in addresses()))
    (folder / "known_hosts").chmod(0o600)


def _rounds(folder: Path, port: int) -> dict[str, Any]:
    ansible = os.environ.get("ANSIBLE") or shutil.which("ansible")
    ours = [sys.executable, __file__, "--look", str(folder), str(port), *(["--small"] if SMALL else [])]
    clients = {"ours": (ours, {"PYTHONPATH": str(Path(__file__).parents[2])})}
    if ansible and shutil.which("ssh"):
        clients["ansible"] = ansible_words(ansible, folder, port)
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in clients}
    for _ in range(ROUNDS):
        for name, (words, environment) in clients.items():
            taken[name].append(measured(words, environment))
    return _document(taken)


def _document(taken: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    medians = {
        name: {what: statistics.median(one[what] for one in rounds) for what in ("cpu_s", "wall_s")}
        for name, rounds in taken.items()
    }
    document: dict[str, Any] = {
        "stations": STATIONS,
        "at_once": AT_ONCE,
        "rounds": ROUNDS,
        "pinned": f"{KEX} and {CIPHER}",
        "clients": medians,
    }
    if "ansible" in taken:
        document["version"] = _version()
        for what in ("cpu", "wall"):
            pairs = zip(taken["ours"], taken["ansible"], strict=True)
            ratios = [mine[f"{what}_s"] / theirs[f"{what}_s"] for mine, theirs in pairs]
            document[f"{what}_ratio"], document[f"{what}_worst"] = statistics.median(ratios), max(ratios)
    return document


def _version() -> str:
    said = subprocess.run(
        [os.environ.get("ANSIBLE") or "ansible", "--version"], capture_output=True, text=True, check=False
    ).stdout
    return said.splitlines()[0] if said else ""


def main() -> None:
    if "--serve" in sys.argv:
        asyncio.run(serve(Path(sys.argv[sys.argv.index("--serve") + 1])))
    elif "--look" in sys.argv:
        at = sys.argv.index("--look")
        asyncio.run(look(Path(sys.argv[at + 1]), int(sys.argv[at + 2])))
    else:
        with tempfile.TemporaryDirectory(prefix="ssh-bench-") as folder:
            print(json.dumps(compare(Path(folder))))


if __name__ == "__main__":
    main()
