"""Doors by HTTP: the keys of a unit, read and written by the requests that a profile declares.

One door leads to one station while it lives on one side.  It knows no vendor:
what is asked, what is picked and what means yes is the profile's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from migrate.adapters.channels.http.calls import ORDER_PATIENCE_S, READ_PATIENCE_S, Calls, Errand, Tools
from migrate.adapters.channels.http.filling import VALUE_JSON, holes, names_of
from migrate.adapters.channels.http.login import Logins, account_of
from migrate.adapters.channels.http.meaning import Absent
from migrate.adapters.channels.http.picks import as_text
from migrate.adapters.channels.http.reach import HttpSettings, base_of
from migrate.adapters.channels.http.turns import Patience, Turns
from migrate.adapters.channels.http.whose import HINT, judge_whose, shows_whose
from migrate.adapters.channels.http.wire import Wire
from migrate.adapters.clock import CampaignClock
from migrate.adapters.dice import SystemDice
from migrate.domain.errors import Mismatch
from migrate.domain.evidence import Side
from migrate.domain.profile import Profile, Restart
from migrate.domain.station import Station
from migrate.domain.ways import Call, HttpApi, HttpKey
from migrate.ports import Clock, Dice, Vault


class HttpDoors:
    """Implements ``migrate.ports.Doors``.  Opens nothing before the first request."""

    def __init__(
        self, settings: HttpSettings, vault: Vault, *, clock: Clock | None = None, dice: Dice | None = None
    ) -> None:
        self._settings, self._vault = settings, vault
        chance = dice or SystemDice()
        self._tools = Tools(
            wire=Wire(settings.ca),
            turns=Turns(settings.at_once, chance),
            logins=Logins(),
            clock=clock or CampaignClock(),
            dice=chance,
        )

    def to(self, station: Station, profile: Profile, side: Side) -> HttpDoor:
        """The door to one station.

        Raises ``Mismatch`` where its address, its interface or our secret is
        not known, ``SettingsProblem`` where our own roots cannot be read:
        before anything is sent, so that it is nobody's fault and found by day.
        """
        api = profile.http
        identity = station.identity if station.identity.isprintable() else repr(station.identity)
        if api is None:
            raise Mismatch(
                f"{identity}: profile {profile.name} does not say how its HTTP interface is used.",
                identity=identity,
                hint="Give it http: base and keys.",
            )
        base = base_of(api, station, self._settings)
        if base.url.startswith("https:"):
            self._tools.wire.trust()
        account = account_of(api, base.url, self._vault, identity, self._settings.users)
        named = {"identity": station.identity_on(side), "serial": station.serial, "ip": station.ip_address}
        names = {name: text for name, text in named.items() if text}
        return HttpDoor(station, api, names, Calls(identity, api, base, account, self._tools))

    async def close(self) -> None:
        await self._tools.wire.close()


class HttpDoor:
    """Implements ``migrate.ports.Door`` for one station."""

    def __init__(self, station: Station, api: HttpApi, names: Mapping[str, str], calls: Calls) -> None:
        self._station, self._api, self._names, self._calls = station, api, names, calls
        self._identity = calls.identity

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        """Each key by its own requests.  One that the interface does not know is absent, one that it hides is ``None``."""
        holds: dict[str, str | None] = {}
        for key in keys:
            way = self._api.keys.get(key)
            if way is None:
                continue
            errand = self._errand(Patience(READ_PATIENCE_S))
            try:
                await self._ask(way, errand)
            except Absent:
                continue
            holds[key] = self._value(key, way, errand.names)
        return holds

    async def write(self, identity: str, key: str, value: str) -> str:
        """The requests that tell the station one value, each sent once; ``Accepted`` when every one was taken."""
        way = self._api.keys.get(key)
        if way is None:
            raise Mismatch(f"{self._identity}: nothing says how {key} is written by HTTP.", identity=self._identity)
        spelled = {"value": value, VALUE_JSON: json.dumps(value, ensure_ascii=False)}
        errand = self._errand(Patience.of_an_order(ORDER_PATIENCE_S), private=(value,))
        if _picks_of(way.read) & (_needs(way.write) - spelled.keys()):
            await self._ask(way, errand)
        errand.names |= spelled
        await self._calls.run(way.write, errand)
        return "Accepted"

    async def restart(self, identity: str, kind: Restart) -> None:
        """The declared requests that restart it.  That they were taken proves nothing."""
        if not self._api.restart:
            raise Mismatch(f"{self._identity}: nothing says how it is restarted by HTTP.", identity=self._identity)
        await self._calls.run(self._api.restart, self._errand(Patience.of_an_order(ORDER_PATIENCE_S)))

    async def _ask(self, way: HttpKey, errand: Errand) -> None:
        """Read one key, and see that it is this station that answers.  Raises ``Absent`` for a key that it does not have."""
        try:
            await self._calls.run(way.read, errand)
        except Absent as error:
            if shows_whose(way.read):  # it should have said who it is: nobody knows whose key is missing
                raise Mismatch(error.message, identity=self._identity, hint=HINT) from error
            raise
        judge_whose(self._station, errand.names)

    def _errand(self, patience: Patience, private: tuple[str, ...] = ()) -> Errand:
        return Errand(names=dict(self._names), patience=patience, private=private)

    def _value(self, key: str, way: HttpKey, names: Mapping[str, Any]) -> str | None:
        value = names.get("value")
        if value is None:
            return None
        if isinstance(value, list | dict):
            raise Mismatch(
                f"{self._identity} answers with an object where {key} was looked for.",
                identity=self._identity,
                hint="Its interface is not the profile's: look at the station before it is planned again.",
            )
        text = as_text(value)
        return min((text.removesuffix(end) for end in self._appended(way)), key=len)

    def _appended(self, way: HttpKey) -> tuple[str, str]:
        """What the interface shows behind a value: the identity may be percent-encoded in it or not."""
        plain = encoded = way.appends
        for name in set(holes(way.appends)):
            text = self._names.get(name, "")
            plain = plain.replace(f"${{{name}}}", text)
            encoded = encoded.replace(f"${{{name}}}", quote(text, safe=""))
        return plain, encoded


def _needs(calls: Iterable[Call]) -> frozenset[str]:
    """What a row of requests names before it has picked it."""
    known, wanted = set[str](), set[str]()
    for call in calls:
        wanted |= names_of(call) - known
        known |= call.picks.keys()
    return frozenset(wanted)


def _picks_of(calls: Iterable[Call]) -> frozenset[str]:
    return frozenset(name for call in calls for name in call.picks)
