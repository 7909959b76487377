"""The sessions of one relay, by identity.

A station may have several at once, and each is kept until it ends itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from migrate import ports
from migrate.adapters.ocpp.session import Session
from migrate.adapters.ocpp.spoken import version_of
from migrate.adapters.ocpp.tap import Tap

MAX_LEFT_CHARGING = 20_000
"""Stations that left while somebody charged; beyond it the oldest are forgotten."""


class Register:
    """Who is connected, and which of several sessions counts.

    ``charging`` is what the journal knows of connectors in use from before this process lived.
    """

    def __init__(self, charging: Mapping[str, tuple[int, ...]]) -> None:
        self._sessions: dict[str, tuple[Session, ...]] = {}
        self._left_charging: dict[str, Tap] = {}
        self._charging_before = dict(charging)

    def __iter__(self) -> Iterator[Session]:
        """All sessions at this moment; they may end while one looks."""
        return iter([session for sessions in self._sessions.values() for session in sessions])

    def __len__(self) -> int:
        return sum(len(sessions) for sessions in self._sessions.values())

    def add(self, session: Session) -> None:
        """List it beside any other of the same identity, and ask those whether they still live."""
        rivals = self._sessions.get(session.identity, ())
        for rival in rivals:
            rival.ping(_now())
        self._pass_on_charging(session)
        self._sessions[session.identity] = (*rivals, session)

    def remove(self, session: Session) -> None:
        """Take exactly this one off; another of the same identity stays."""
        left = tuple(s for s in self._sessions.get(session.identity, ()) if s is not session)
        if left:
            self._sessions[session.identity] = left
        else:
            self._sessions.pop(session.identity, None)
            self._remember_charging(session)

    def _pass_on_charging(self, session: Session) -> None:
        """A reconnect is no end of a transaction, and few stations say again what they said before."""
        before = self.newest(session.identity)
        earlier = before.tap if before is not None else self._left_charging.pop(session.identity, None)
        if earlier is not None:
            session.tap.goes_on_from(earlier)
        session.tap.knows_charging(self._charging_before.pop(session.identity, ()))

    def _remember_charging(self, session: Session) -> None:
        if session.tap.charging:
            self._left_charging[session.identity] = session.tap
        if len(self._left_charging) > MAX_LEFT_CHARGING:
            del self._left_charging[next(iter(self._left_charging))]

    def newest(self, identity: str) -> Session | None:
        """The session to speak to: the newest that answers, or the newest."""
        sessions = self._sessions.get(identity, ())
        answering = [session for session in sessions if session.is_answering(_now())]
        return answering[-1] if answering else sessions[-1] if sessions else None

    def shown(self, identity: str) -> ports.Session | None:
        """That session as others see it."""
        session = self.newest(identity)
        if session is None:
            return None
        return ports.Session(
            id=session.id,
            connected_at=session.connected_at,
            heard_at=session.heard_at,
            boot_answer=session.tap.boot_answer,
            heartbeats=session.tap.heartbeats,
            charging=session.tap.charging,
            security=session.tap.place.security,
            protocol=version_of(session.subprotocol),
        )

    def answering(self, identity: str, *, ask: bool) -> int:
        sessions = self._sessions.get(identity, ())
        for session in sessions if ask else ():
            session.ping(_now())
        return sum(session.is_answering(_now()) for session in sessions)


def _now() -> float:
    return asyncio.get_running_loop().time()
