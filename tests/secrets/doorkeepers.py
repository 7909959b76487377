"""Those who ask who is there, before the simulated stations and their maker's cloud: they let in whoever proves it, and keep what they heard.

Two stations' own interfaces ask for a password, one plainly and one by digest
(RFC 7617, RFC 7616); one of them repeats what it was told in its refusal.
Before the cloud stands one who only listens.  A jump host takes a private key
or a password.  What they heard is what went over the wire, not what the
toolkit says of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncssh
from aiohttp import web
from yarl import URL

REALM, NONCE = "station", "5f1c9d0e7ab34"
BASIC, DIGEST, REPEATS = "basic", "digest", "repeats"


@dataclass(slots=True)
class Heard:
    """What went past: the whole of each ``Authorization``, and the tokens that a cloud gave out."""

    authorizations: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    jumps: list[str] = field(default_factory=list)  # how somebody came in at the jump host
    links: list[str] = field(default_factory=list)  # paths under which stations loaded their firmware


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who is before one station: how it asks, and which password is right."""

    asks: str
    user: str
    password: str

    def knows(self, request: web.Request) -> bool:
        told = request.headers.get("Authorization", "")
        if self.asks == DIGEST:
            return self._knows_digest(request, told)
        scheme, _, pair = told.partition(" ")
        return scheme == "Basic" and b64decode(pair).decode() == f"{self.user}:{self.password}"

    def _knows_digest(self, request: web.Request, told: str) -> bool:
        said = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', told)}
        if not told.startswith("Digest ") or said.get("uri") != request.raw_path:
            return False
        who = _md5(f"{self.user}:{REALM}:{self.password}")
        what = _md5(f"{request.method}:{said['uri']}")
        proof = _md5(":".join((who, NONCE, said["nc"], said["cnonce"], said["qop"], what)))
        return said["response"] == proof

    def turned_away(self, request: web.Request) -> web.Response:
        told = request.headers.get("Authorization", "")
        if self.asks == REPEATS and told:
            return _repeated(told, self.password)
        how = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5' if self.asks == DIGEST else "Basic"
        return web.Response(status=401, headers={"WWW-Authenticate": how})


def _repeated(header: str, secret: str) -> web.Response:
    """A debug build, that says what it was given."""
    return web.Response(status=403, text=f"not {header}, not {secret}, not {secret.encode().hex()}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@asynccontextmanager
async def before_stations(
    keepers: Mapping[str, Keeper], *, port: int, behind: int, heard: Heard
) -> AsyncIterator[None]:
    """A keeper at each station's address; who is let in is answered by the station behind it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None  # it is being answered
        address = request.transport.get_extra_info("sockname")[0]
        heard.authorizations += request.headers.getall("Authorization", [])
        keeper = keepers[address]
        if keeper.asks == REPEATS or not keeper.knows(request):
            return keeper.turned_away(request)
        return await _passed_on(request, f"http://{address}:{behind}")

    async with _serving(handle, list(keepers), port):
        yield


@asynccontextmanager
async def before_cloud(folder: Path, *, port: int, behind: int, heard: Heard) -> AsyncIterator[None]:
    """Somebody between us and the cloud, with the cloud's own certificate."""
    mine = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mine.load_cert_chain(folder / "cloud.pem", folder / "cloud.key")
    theirs = ssl.create_default_context(cafile=str(folder / "root.pem"))

    async def handle(request: web.Request) -> web.StreamResponse:
        told = request.headers.getall("Authorization", [])
        heard.authorizations += told
        if told and request.path.endswith(f"/{REPEATS}"):
            return _repeated(told[0], told[0].partition(" ")[2])
        answer = await _passed_on(request, f"https://127.0.0.1:{behind}", theirs)
        if request.path.endswith("/login") and answer.status == 200:
            assert isinstance(answer.body, bytes)
            heard.tokens.append(json.loads(answer.body)["accessToken"])
        return answer

    async with _serving(handle, ["127.0.0.1"], port, mine):
        yield


@asynccontextmanager
async def before_firmware(*, port: int, behind: int, heard: Heard) -> AsyncIterator[None]:
    """Somebody between the stations and the server of their firmware."""

    async def handle(request: web.Request) -> web.StreamResponse:
        heard.links.append(request.raw_path)
        return await _passed_on(request, f"http://127.0.0.1:{behind}")

    async with _serving(handle, ["127.0.0.1"], port):
        yield


@asynccontextmanager
async def _serving(
    handle: Callable[..., object], addresses: list[str], port: int, context: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        for address in addresses:
            await web.TCPSite(runner, address, port, ssl_context=context).start()
        yield
    finally:
        await runner.cleanup()


async def _passed_on(request: web.Request, base: str, context: ssl.SSLContext | None = None) -> web.Response:
    kept = {
        name: value for name, value in request.headers.items() if name in ("Authorization", "Content-Type", "Range")
    }
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            request.method,
            _whole(base, request.raw_path),
            headers=kept,
            data=await request.read(),
            ssl=context or True,
        ) as answer,
    ):
        return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)


def _whole(base: str, raw_path: str) -> URL:
    return URL(base + raw_path, encoded=True)


class _Router(asyncssh.SSHServer):
    """A jump host: a private key or a password, and then a way to wherever is asked."""

    def __init__(self, key: asyncssh.SSHKey, password: str, heard: Heard) -> None:
        self._key, self._password, self._heard = key.export_public_key(), password, heard

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return self._came("password", password == self._password)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._came("key", key.export_public_key() == self._key)

    def _came(self, how: str, is_in: bool) -> bool:
        self._heard.jumps.append(how if is_in else f"{how} refused")
        return is_in

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True


@asynccontextmanager
async def a_jump_host(port: int, key: asyncssh.SSHKey, password: str, heard: Heard) -> AsyncIterator[None]:
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=lambda: _Router(key, password, heard),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
    )
    try:
        yield
    finally:
        acceptor.close()
