"""A folder of firmware files, and servers over real sockets that serve it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.files.fetched import Word
from migrate.adapters.files.links import Link, Links, short
from migrate.adapters.files.serving import FileServer, Terms

KEY = b"k" * 32
HOST = "127.0.0.1"


def listed(folder: Path, name: str, content: bytes, version: str = "5.0", **more: Any) -> str:
    """Write a file; its entry for the list."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    facts = {"vendors": '["Acme"]', "sha256": f'"{hashlib.sha256(content).hexdigest()}"'} | more
    lines = "".join(f"{key} = {value}\n" for key, value in facts.items() if value)
    return f'[[file]]\nfile = "{name}"\nversion = "{version}"\n{lines}'


def write_list(folder: Path, *entries: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "firmware.toml").write_text("\n".join(entries), encoding="utf-8")


@dataclass
class Depot:
    """A server and what it told."""

    server: FileServer
    words: list[Word] = field(default_factory=list)

    def path(self, file: str, identity: str = "AC1", group: str = "site:1") -> str:
        return Links(KEY).path(Link(identity, short(group), file))

    def url(self, file: str, identity: str = "AC1", group: str = "site:1") -> str:
        assert self.server.web
        return f"http://{HOST}:{self.server.web.port}{self.path(file, identity, group)}"

    def ftp_path(self, file: str, identity: str = "AC1", group: str = "site:1") -> str:
        *_, seal, _, _ = self.path(file, identity, group).split("/")
        return f"/{short(group)}/{seal}/{identity}/{file}"


Opener = Callable[..., Any]


@pytest.fixture
def depot(tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opened(*entries: str, rate: int = 50_000_000, **more: Any) -> AsyncIterator[Depot]:
        write_list(tmp_path, *entries)
        words: list[Word] = []
        ways = {"web": (HOST, 0), "ftp": (HOST, 0)} | more
        server = FileServer(Terms(store=tmp_path, rate_bytes_per_s=rate, key=KEY, **ways), words.append)
        await server.start()
        try:
            yield Depot(server, words)
        finally:
            await server.stop()

    return opened
