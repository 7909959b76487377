"""What an SSH server offers before anybody has logged in: its banner and its algorithms, which it says in the clear.

Asked only when the library could not agree with a station, so that the report
says what the station speaks.  RFC 4253, 4.2 and 7.1.
"""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass

MOST_BYTES = 64 * 1024
_KEXINIT = 20
_NO_ALGORITHMS = ("", "ext-info-s", "kex-strict-s-v00@openssh.com")  # RFC 8308, and what OpenSSH says against Terrapin
_GREETING = b"SSH-2.0-fleet-migrate\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The algorithms that a server speaks, by what they are for; empty where it said none in time."""

    banner: str
    key_exchanges: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (("key exchange", self.key_exchanges), ("host key", self.host_keys), ("cipher", self.ciphers))
        said = [f"{what} {', '.join(names[:4])}" for what, names in parts if names]
        return "; ".join(said) or self.banner


def offer_of(host: str, port: int, *, within_s: float) -> Offer:
    """Ask one server.  Raises ``OSError`` where it does not answer, ``ValueError`` where it answers something else."""
    with closing(socket.create_connection((host, port), timeout=within_s)) as wire:
        wire.sendall(_GREETING)
        received = b""
        while True:
            if (told := _read(received)) is not None:
                return told
            more = wire.recv(4096)
            if not more or len(received) > MOST_BYTES:
                raise ValueError("no key exchange was offered")
            received += more


def _read(received: bytes) -> Offer | None:
    """An offer out of what has come so far, or nothing yet."""
    at = 0 if received.startswith(b"SSH-") else received.find(b"\nSSH-") + 1
    end = received.find(b"\n", at)
    if not received[at:].startswith(b"SSH-") or end < 0:
        return None
    banner = "".join(c for c in received[at:end].decode("ascii", "replace") if c.isprintable())[:80]
    packet = received[end + 1 :]
    if len(packet) < 4 or len(packet) < 4 + int.from_bytes(packet[:4]):
        return None
    payload = packet[5 : 4 + int.from_bytes(packet[:4]) - packet[4]]
    if not payload or payload[0] != _KEXINIT:
        raise ValueError("something else than a key exchange was offered")
    lists = _name_lists(payload[17:])
    return Offer(banner=banner, key_exchanges=lists[0], host_keys=lists[1], ciphers=lists[2])


def _name_lists(payload: bytes) -> list[tuple[str, ...]]:
    lists: list[tuple[str, ...]] = []
    for _ in range(3):
        size = int.from_bytes(payload[:4])
        text = payload[4 : 4 + size].decode("ascii", "replace")
        lists.append(tuple(name for name in text.split(",") if name.isprintable() and name not in _NO_ALGORITHMS))
        payload = payload[4 + size :]
    return lists
