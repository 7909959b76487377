"""What was last seen of a station on one side, folded from its sightings.

A late close of an old socket carries the old session and changes nothing.
Pure: one sighting in, the next picture out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting, still_charging


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeen:
    """The newest facts of one station on one side, as the journal knows them.

    ``facts`` is what the station's own boots said, the newest first where
    they differ.  ``boot_session`` tells a boot of this session from an older one.
    ``charging`` outlives sessions: a car does not notice a lost line.
    """

    identity: str
    side: Side
    session: str = ""
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    heard_at: datetime | None = None
    boot_at: datetime | None = None
    boot_answer: str = ""
    boot_session: str = ""
    facts: IdentityFacts = field(default_factory=IdentityFacts)
    charging: tuple[int, ...] = ()  # connectors
    seq: int = 0  # the sighting that changed it last

    @property
    def is_connected(self) -> bool:
        return self.connected_at is not None and self.disconnected_at is None


def seen(last: LastSeen, sighting: Sighting, seq: int) -> LastSeen:
    """The picture after one more sighting of the same station on the same side."""
    charging = still_charging(last.charging, sighting)
    now = _where(last, sighting, seq)
    return now if charging == last.charging else replace(now, charging=charging, seq=seq)


def _where(last: LastSeen, sighting: Sighting, seq: int) -> LastSeen:
    match sighting.kind:
        case Kind.REFUSED | Kind.CSMS_DOWN | Kind.CSMS_UP:
            return last
        case Kind.DISCONNECTED:
            if sighting.session != last.session:
                return last
            return replace(last, disconnected_at=sighting.at, seq=seq)
        case Kind.CONNECTED:
            return _in_session(last, sighting, seq)
    if not last.is_connected and sighting.session != last.session:
        last = _in_session(last, sighting, seq)
    if sighting.session == last.session:
        last = replace(last, heard_at=sighting.at, seq=seq)
    return _booted(last, sighting, seq) if sighting.kind is Kind.BOOT else last


def _in_session(last: LastSeen, sighting: Sighting, seq: int) -> LastSeen:
    return replace(
        last,
        session=sighting.session,
        connected_at=sighting.at,
        disconnected_at=None,
        heard_at=sighting.at,
        seq=seq,
    )


def _booted(last: LastSeen, sighting: Sighting, seq: int) -> LastSeen:
    return replace(
        last,
        boot_at=sighting.at,
        boot_answer=sighting.answer,
        boot_session=sighting.session,
        facts=sighting.facts.over(last.facts),
        seq=seq,
    )
