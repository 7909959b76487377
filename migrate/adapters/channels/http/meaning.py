"""What the status of a reply means to an attempt.  Reads no clock and sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrate.adapters.channels.http.hidden import words_of
from migrate.adapters.channels.http.wire import Reply
from migrate.domain.errors import Mismatch, Refused, Unreachable
from migrate.domain.ways import Call

NOT_FOUND = 404


class Absent(Refused):
    """The interface does not know what was asked for: a key that this station does not have."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, where, and what had happened before."""

    identity: str
    url: str
    shown: str
    has_effect: bool
    has_told: bool

    def said(self, reply: Reply, words: str) -> str:
        return f"{self.identity}: {self.shown} at {self.url} was answered with HTTP {reply.status}{words}."


def judge(asked: Asked, call: Call, reply: Reply, private: Iterable[str]) -> None:
    """Return where the reply means yes; otherwise raise what it means."""
    status = reply.status
    if status in call.expect:
        return
    words = words_of(reply.body, private)
    said = asked.said(reply, f" ({words})" if words else "")
    if status in call.busy or status == 429:
        raise Unreachable(said, identity=asked.identity, sent=asked.has_told, hint="Not now: it is tried again later.")
    if status in (401, 407):
        raise Mismatch(
            asked.said(reply, ""),
            identity=asked.identity,
            hint="Our credentials are refused: mend the user in the profile or the secret in the vault.",
        )
    if status == 403:
        raise Mismatch(said, identity=asked.identity, hint="Our account may not do this: ask whoever runs it.")
    if 300 <= status < 400:
        raise Mismatch(
            asked.said(reply, ""),
            identity=asked.identity,
            hint="It sends us elsewhere, and nobody follows: look at what stands at that address.",
        )
    if status >= 500 or status == 408:
        raise Unreachable(said, identity=asked.identity, sent=asked.has_told or asked.has_effect)
    if status == NOT_FOUND and not asked.has_effect:
        raise Absent(said, identity=asked.identity, status=f"HTTP {status}")
    if status >= 400:
        raise Refused(said, identity=asked.identity, status=f"HTTP {status}")
    raise Mismatch(said, identity=asked.identity, hint="No answer that this profile knows: it is not taken for a yes.")
