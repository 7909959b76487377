"""Who we are to an interface: a name and a password, a token, or a token that a login brought.

One login serves every station of an account and lasts until it is refused.
A password that was refused once is not offered again by this process: makers
lock accounts, and a fleet would try it a thousand times.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import aiohttp

from migrate.adapters.channels.http.wire import Sign
from migrate.domain.errors import Mismatch, NotAllowed, Unreachable
from migrate.domain.ways import HttpApi, HttpAuth
from migrate.ports import Vault

TOKEN = "token"  # noqa: S105 - the name of a pick
_KEPT = 4096


class NotTaken(Mismatch):
    """A login said no to our credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where, as whom and with which secret; two profiles that share these share a login."""

    base: str
    user: str
    secret: str = field(repr=False)

    @property
    def key(self) -> str:
        return sha256("\0".join((self.base, self.user, self.secret)).encode()).hexdigest()


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    picked: Mapping[str, Any] | None = field(default=None, repr=False)
    refused: str = ""
    failed_at: float = float("-inf")  # on the loop's clock; when a login last came to nothing, and why
    failure: str = ""


class Logins:
    """What logins brought, by account.  Kept in memory and nowhere else."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def of(self, account: Account, login: Callable[[], Awaitable[Mapping[str, Any]]], identity: str) -> Any:
        """What the login of an account picked; logs in where nobody has.

        Raises ``Mismatch`` where it was refused, ``Unreachable`` where it got
        no answer: also for all who waited for that one, or each would wait for
        as long again, one after the other.
        """
        entry, now = self._entry(account), asyncio.get_running_loop().time
        asked_at = now()
        async with entry.lock:
            if entry.picked is None and entry.failed_at >= asked_at:
                raise Unreachable(f"{identity}: {entry.failure}", identity=identity, sent=False)
            if entry.refused:
                raise _locked_out(account, identity, entry.refused)
            if entry.picked is None:
                try:
                    entry.picked = await login()
                except NotTaken as error:
                    entry.refused = error.message
                    raise
                except Unreachable as error:
                    entry.failed_at, entry.failure = now(), error.message.removeprefix(f"{identity}: ")
                    raise
            return entry.picked

    def forget(self, account: Account, picked: Mapping[str, Any]) -> None:
        """This token is not taken any more; another one that came meanwhile stays."""
        entry = self._entry(account)
        if entry.picked is picked:
            entry.picked = None

    def refuse(self, account: Account, why: str) -> None:
        """These credentials were refused, or a token that was just given out was."""
        self._entry(account).refused = why

    def judge(self, account: Account, identity: str) -> None:
        """Raises ``Mismatch`` where these credentials were refused before."""
        if why := self._entry(account).refused:
            raise _locked_out(account, identity, why)

    def _entry(self, account: Account) -> _Entry:
        entry = self._entries.setdefault(account.key, _Entry())
        self._entries.move_to_end(account.key)
        while len(self._entries) > _KEPT:
            self._entries.popitem(last=False)
        return entry


def account_of(api: HttpApi, base: str, vault: Vault, identity: str, users: Mapping[str, str]) -> Account:
    """Raises ``Mismatch`` where the vault does not have what the profile names."""
    if not api.secret:
        return Account(base=base, user=api.user, secret="")
    try:
        return Account(base=base, user=users.get(api.secret, api.user), secret=vault.secret(api.secret).decode())
    except NotAllowed as error:
        raise Mismatch(f"{identity}: {error.message}", identity=identity, hint=error.hint) from error
    except UnicodeDecodeError as error:
        raise Mismatch(
            f"{identity}: the secret {api.secret} is no text.", identity=identity, hint="Write it as UTF-8."
        ) from error


def sign_of(auth: HttpAuth, account: Account, token: str) -> Sign:
    """How a request is signed."""
    if auth is HttpAuth.BASIC:
        pair = b64encode(f"{account.user}:{account.secret}".encode()).decode()
        return Sign(headers={"Authorization": f"Basic {pair}"})
    if auth is HttpAuth.DIGEST:
        return Sign(middlewares=(aiohttp.DigestAuthMiddleware(account.user, account.secret),))
    if auth is HttpAuth.BEARER:
        return Sign(headers={"Authorization": f"Bearer {token or account.secret}"})
    return Sign()


def _locked_out(account: Account, identity: str, why: str) -> Mismatch:
    return Mismatch(
        f"{identity}: {account.base} has refused our credentials before, so they are not offered again. {why}",
        identity=identity,
        hint="Mend the secret and start again: a changed secret is tried anew.",
    )
