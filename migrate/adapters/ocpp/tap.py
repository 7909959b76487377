"""What the frames of one session say about its station, in OCPP 1.6.

Turns the few messages that matter into sightings: boots together with their
answer, statuses, transactions, firmware, the first heartbeat.  It sends
nothing, and no id tag leaves it in clear: cards are people's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from migrate.adapters.ocpp.messages import Answer, Call, Error, Malformed, Result, clean, parse, peek
from migrate.domain.evidence import (
    CHARGING,
    NOT_CHARGING,
    IdentityFacts,
    Kind,
    Side,
    Sighting,
    facts_from_boot,
    facts_from_boot201,
    status_detail,
)

MAX_OPEN = 32  # calls of one station whose answers we wait for
MAX_CODE = 64  # characters of an error code; the standard says 50
NAMES_ITSELF = frozenset({Kind.CONNECTED, Kind.REFUSED, Kind.BOOT})
"""What tells how a station came: the rest of a session repeats nothing of it."""
NOTHING_SAID = IdentityFacts()  # one for all: most sightings carry no facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What every sighting of one session shares."""

    side: Side
    identity: str
    session: str
    lab: bool = False
    called: str = ""  # the name it dialled as, where that is not its identity
    security: int | None = None

    def sighting(
        self,
        kind: Kind,
        at: datetime,
        *,
        answer: str = "",
        facts: IdentityFacts = NOTHING_SAID,
        solicited: bool = False,
        connector: int = 0,
        detail: str = "",
    ) -> Sighting:
        names_itself = kind in NAMES_ITSELF
        return Sighting(
            side=self.side,
            kind=kind,
            at=at,
            identity=self.identity,
            session=self.session,
            answer=answer,
            facts=facts,
            solicited=solicited,
            connector=connector,
            detail=detail,
            lab=self.lab,
            called=self.called if names_itself else "",
            security=self.security if names_itself else None,
        )


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot whose answer is not here yet."""

    at: datetime
    facts: IdentityFacts
    solicited: bool


class Hearing:
    """The actions of one version that matter, and how to see from its first bytes that a message holds one of them."""

    def __init__(self, heard: Mapping[str, Callable[[Any, Call, datetime], Sighting | None]]) -> None:
        self.heard = heard
        names = "|".join(heard).encode()
        self._call = re.compile(rb'\[2,\s?"[^"\\]{1,64}",\s?"(?:(%b)"|[A-Za-z]{1,64}")' % names)

    def must_read(self, text: bytes) -> bool:
        """Whether a message may matter: most of what stations say, their meter values, does not."""
        if call := self._call.match(text):
            return call.lastindex is not None
        seen = peek(text)
        return seen is None or (seen[0] == 2 and (not seen[2] or seen[2] in self.heard))


@dataclass(slots=True)
class Tap:
    """One session, as far as it was heard."""

    hearing: ClassVar[Hearing]

    place: Place
    tag_key: bytes = field(repr=False)
    boot_answer: str = ""
    heartbeats: int = 0
    malformed: int = 0
    expects_boot: bool = False  # our own trigger is out
    _boots: dict[str, Boot] = field(default_factory=dict)
    _starts: dict[str, int] = field(default_factory=dict)
    _transactions: dict[int | str, int] = field(default_factory=dict)
    _busy: dict[int, None] = field(default_factory=dict)  # an empty set is three times the size

    @property
    def charging(self) -> tuple[int, ...]:
        """Connectors with a transaction running, by what was started, stopped or reported."""
        return tuple(sorted(self._busy))

    def goes_on_from(self, earlier: Tap) -> None:
        """Begin with what was charging in the session before: a car does not notice a lost line."""
        self._busy.update(earlier._busy)
        self._transactions.update(earlier._transactions)

    def knows_charging(self, connectors: Iterable[int]) -> None:
        """Begin with what the journal says was charging before this process lived."""
        self._busy.update(dict.fromkeys(connectors))

    @property
    def waits_for_answer(self) -> bool:
        return bool(self._boots or self._starts)

    def station_said(self, text: bytes, at: datetime) -> Sighting | None:
        """A whole message of the station."""
        if not self.hearing.must_read(text):
            return None
        if self.heartbeats and _is_heartbeat(text):
            self.heartbeats += 1  # only the first is told
            return None
        message = parse(text)
        if isinstance(message, Malformed):
            self.malformed += 1
        elif isinstance(message, Call) and (hear := self.hearing.heard.get(message.action)):
            return hear(self, message, at)
        return None

    def csms_answered(self, id_: str, text: bytes) -> Sighting | None:
        """A whole answer of the CSMS; only those to boots and starts matter."""
        if id_ not in self._boots and id_ not in self._starts:
            return None
        answer = parse(text)
        boot, connector = self._boots.pop(id_, None), self._starts.pop(id_, None)
        if boot is not None:
            return self._boot_answered(boot, answer)
        if connector is not None and isinstance(answer, Result):
            self._remember(self._transactions, answer.payload.get("transactionId"), connector)
        return None

    def answered_us(self, answer: Answer, at: datetime) -> Sighting | None:
        """What a station says to a question of ours, where it says something of itself: how many keys it takes."""
        keys = self._keys_at_a_time(answer.payload) if isinstance(answer, Result) else 0
        return self.place.sighting(Kind.KEYS, at, detail=str(keys)) if keys else None

    def _keys_at_a_time(self, payload: Mapping[str, Any]) -> int:
        return next((count(value) for key, value in _configured(payload) if key == "getconfigurationmaxkeys"), 0)

    def over(self) -> Iterator[Sighting]:
        """The session has ended: boots that nobody answered are still boots."""
        boots, self._boots = self._boots, {}
        for boot in boots.values():
            yield self._booted(boot, "")

    def _heartbeat(self, _call: Call, at: datetime) -> Sighting | None:
        self.heartbeats += 1
        return self.place.sighting(Kind.HEARTBEAT, at) if self.heartbeats == 1 else None

    def _boot(self, call: Call, at: datetime) -> None:
        """Kept until the CSMS answers: a boot proves nothing before it was accepted."""
        solicited, self.expects_boot = self.expects_boot, False
        self._remember(self._boots, call.id, Boot(at, _facts(call.payload), solicited))

    def _booted(self, boot: Boot, answer: str) -> Sighting:
        return self.place.sighting(Kind.BOOT, boot.at, facts=boot.facts, solicited=boot.solicited, answer=answer)

    def _boot_answered(self, boot: Boot, answer: object) -> Sighting:
        if isinstance(answer, Result):
            self.boot_answer = clean(answer.payload.get("status"))
        elif isinstance(answer, Error):
            self.boot_answer = f"CallError {answer.code}"
        return self._booted(boot, self.boot_answer)

    def _status(self, call: Call, at: datetime) -> Sighting:
        connector, status = number(call.payload.get("connectorId")), clean(call.payload.get("status"))
        if connector and status in CHARGING:
            self._busy[connector] = None
        elif connector and status in NOT_CHARGING:
            self._busy.pop(connector, None)
        return self.place.sighting(Kind.STATUS, at, connector=connector, detail=_told(status, call.payload))

    def _started(self, call: Call, at: datetime) -> Sighting:
        connector = number(call.payload.get("connectorId"))
        self._remember(self._starts, call.id, connector)
        self._busy[connector] = None
        return self.place.sighting(Kind.TRANSACTION_STARTED, at, connector=connector, detail=self._tag(call.payload))

    def _stopped(self, call: Call, at: datetime) -> Sighting:
        """A transaction that began before this session has no known connector: 0."""
        connector = self._transactions.pop(number(call.payload.get("transactionId")), 0)
        self._busy.pop(connector, None)
        return self.place.sighting(Kind.TRANSACTION_STOPPED, at, connector=connector, detail=self._tag(call.payload))

    def _firmware(self, call: Call, at: datetime) -> Sighting:
        return self.place.sighting(Kind.FIRMWARE, at, detail=clean(call.payload.get("status")))

    def _security(self, call: Call, at: datetime) -> Sighting:
        """The event's name alone: what the station says beside it may hold anything."""
        return self.place.sighting(Kind.SECURITY, at, detail=clean(call.payload.get("type"), MAX_CODE))

    def _tag(self, payload: Mapping[str, Any]) -> str:
        return self._hashed(payload.get("idTag"))

    def _hashed(self, tag: object) -> str:
        """The card as a keyed hash: the same card is recognised, nobody is named."""
        if not isinstance(tag, str) or not tag:
            return ""
        digest = hmac.new(self.tag_key, tag.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        return f"tag {digest[:16]}"

    @staticmethod
    def _remember(shelf: dict[Any, Any], key: object, value: object) -> None:
        if isinstance(key, int | str):
            shelf[key] = value
        if len(shelf) > MAX_OPEN:
            del shelf[next(iter(shelf))]


HEARD: Mapping[str, Callable[[Tap, Call, datetime], Sighting | None]] = {
    "BootNotification": Tap._boot,
    "Heartbeat": Tap._heartbeat,
    "StatusNotification": Tap._status,
    "StartTransaction": Tap._started,
    "StopTransaction": Tap._stopped,
    "FirmwareStatusNotification": Tap._firmware,
    "SignedFirmwareStatusNotification": Tap._firmware,
    "SecurityEventNotification": Tap._security,
}
Tap.hearing = Hearing(HEARD)

_HEARTBEAT = re.compile(rb'\[2,\s?"[^"\\]{1,64}",\s?"Heartbeat",\s?\{\}\]')


def _is_heartbeat(text: bytes) -> bool:
    """Whether this is a heartbeat as nearly all stations write it; only a shortcut."""
    return text.endswith(b"{}]") and _HEARTBEAT.fullmatch(text) is not None


def _configured(payload: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The keys of a GetConfiguration answer, in lower case, with their values."""
    listed = payload.get("configurationKey")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            yield str(entry.get("key")).lower(), entry.get("value")


def count(value: object) -> int:
    """A number of keys that a station takes at a time; 0 for one that makes no sense."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _facts(payload: Mapping[str, Any]) -> IdentityFacts:
    """Identity facts of a boot, made safe to keep; in either version's words, whatever was agreed on at the door."""
    said = payload.get("chargingStation")
    if not isinstance(said, dict):
        return facts_from_boot({key: clean(value) for key, value in payload.items()})
    sim = said.get("modem")
    modem = {key: clean(value) for key, value in sim.items()} if isinstance(sim, dict) else {}
    return facts_from_boot201(
        {"chargingStation": {key: clean(value) for key, value in said.items()} | {"modem": modem}}
    )


def _told(status: str, payload: Mapping[str, Any]) -> str:
    """A status with its error codes, of which nearly all have none."""
    error, vendor_error = payload.get("errorCode"), payload.get("vendorErrorCode")
    if error in (None, "NoError") and not vendor_error:
        return status
    return status_detail(status, clean(error, MAX_CODE), clean(vendor_error, MAX_CODE))


def number(value: object) -> int:
    """A number of OCPP; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else 0
