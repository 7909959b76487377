"""Who a station at the door is: its identity in the inventory, and how it has shown that.

A station may have another name on the target than on the source; everything
that is recorded goes by its identity in the inventory.  What is dialled
upstream is not touched here: the CSMS hears the name that the station said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from migrate.adapters.ocpp.handshake import Upgrade
from migrate.adapters.ocpp.messages import clean
from migrate.adapters.ocpp.tap import Place
from migrate.adapters.ocpp.tls import Contexts, Shown, security_profile, shown_by
from migrate.domain.evidence import Side
from migrate.domain.station import Station


class Directory:
    """The names under which stations of the inventory dial, and their serial numbers."""

    def __init__(self, stations: Iterable[Station] = ()) -> None:
        self._called: dict[Side, Mapping[str, str]] = {}
        self._serials: Mapping[str, str] = {}
        self.learn(stations)

    def learn(self, stations: Iterable[Station]) -> None:
        """Take over an inventory; the one before is forgotten.

        On the source a new name counts as well, where it is nobody's identity:
        a station that was renamed and thrown back is recognised, and seen to
        have the wrong name.
        """
        fleet = list(stations)
        taken = {station.identity for station in fleet}
        on_target = {s.target_identity: s.identity for s in fleet if s.target_identity}
        on_source = {called: identity for called, identity in on_target.items() if called not in taken}
        self._called = {Side.TARGET: on_target, Side.SOURCE: on_source}
        self._serials = {station.identity: station.serial for station in fleet if station.serial}

    def identity_of(self, side: Side, called: str) -> str:
        """The identity of whoever dials as ``called``; a name that nobody knows stands for itself."""
        return self._called[side].get(called, called)

    def serial_of(self, identity: str) -> str:
        return self._serials.get(identity, "")


NOBODY = Directory()


@dataclass(frozen=True, slots=True)
class Guest:
    """A station at the door."""

    upgrade: Upgrade
    identity: str  # in the inventory
    shown: Shown
    security: int | None

    @property
    def called(self) -> str:
        """The name it dialled as, where that is not its identity."""
        return "" if self.upgrade.identity == self.identity else self.upgrade.identity

    def place(self, side: Side, session: str = "", *, lab: bool = False) -> Place:
        """What every sighting of it shares."""
        return Place(
            side=side, identity=self.identity, session=session, lab=lab, called=self.called, security=self.security
        )

    @property
    def is_vouched_for(self) -> bool:
        """Whether the relay has seen that it is who it says, and may say so with a certificate of its own."""
        return self.shown.has_certificate


class Guests:
    """Recognises the stations of one side."""

    def __init__(self, side: Side, directory: Directory | None, contexts: Contexts) -> None:
        self._side, self._directory, self._contexts = side, directory or NOBODY, contexts

    def recognise(self, upgrade: Upgrade, transport: asyncio.BaseTransport) -> Guest:
        shown = shown_by(transport, self._contexts.revocations)
        has_password = upgrade.headers.get("authorization", "").lower().startswith("basic ")
        security = security_profile(shown, has_password=has_password, front=self._contexts.files.front)
        return Guest(upgrade, self._directory.identity_of(self._side, upgrade.identity), shown, security)

    def against(self, guest: Guest) -> tuple[HTTPStatus, str] | None:
        """Why a guest is turned away before the CSMS hears of it: a certificate that was revoked, or another station's."""
        if guest.shown.is_revoked:
            return HTTPStatus.FORBIDDEN, "its certificate was revoked"
        serial = self._directory.serial_of(guest.identity)
        if not guest.shown.has_certificate or guest.shown.vouches_for(guest.upgrade.identity, serial):
            return None
        names = ", ".join(sorted(clean(name, 64) for name in guest.shown.names))
        return HTTPStatus.FORBIDDEN, f"its certificate was issued to {names}"
