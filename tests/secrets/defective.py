"""The program with a defect in it: a library breaks while it has a credential in its hands, and says so with all that it has.

Run as a script, by the tests only: the name of a defect, then the words of a
command.  The defect is in the library, so that every line of the toolkit
between it and the operator is the real one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
import paramiko

from migrate.cli import main


def _ssh(*held: Any, **named: Any) -> Any:
    """It was to log in: the key or the password is in its arguments."""
    raise RuntimeError(f"no such algorithm for {_told(held[1:])} {_told(named.values())}")


def _request(holds: str) -> Callable[..., Any]:
    """A request breaks when it holds that, and says everything that it was given; others go their way."""
    whole = aiohttp.ClientSession.request

    def request(session: Any, *held: Any, **named: Any) -> Any:
        if holds not in (told := f"{_told(held)} {_told(named.values())}"):
            return whole(session, *held, **named)
        raise RuntimeError(told[told.index(holds) :])

    return request


def _told(values: Any) -> str:
    return " ".join(value.decode() if isinstance(value, bytes) else repr(value) for value in values)


def break_ssh() -> None:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        kind.from_private_key = classmethod(  # type: ignore[method-assign,assignment]
            lambda cls, file, password=None: _ssh(cls, file.read(), password)
        )
    paramiko.Transport.auth_password = _ssh  # type: ignore[method-assign]


def break_requests(holds: str) -> None:
    aiohttp.ClientSession.request = _request(holds)  # type: ignore[method-assign]


DEFECTS = {
    "ssh": break_ssh,
    "login": partial(break_requests, '"password"'),
    "bearer": partial(break_requests, "Bearer "),
}

if __name__ == "__main__":
    DEFECTS[sys.argv.pop(1)]()
    main()
