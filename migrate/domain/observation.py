"""What rows of sightings, and of our own commands, show of each kind of station.

A fold: every sighting and command goes in once, in the journal's order, and
nothing is kept but a few facts per station and the counts per kind, so that a
year of ten thousand stations takes the room of ten thousand stations.  It
reads no clock; an observation is *for* or *against* only when the wire settled
it, and is dropped where it did not:

- a *link loss* is a new session on the same side as one that ended, or that it
  replaced, at most half an hour before, without a Reset or a write of ours in the ten
  minutes before that it has not come back from, and without a firmware update in the
  thirty; a power cut looks the same on the wire
- a boot, or a status, belongs to a new session if it comes within 60 s of it;
  one that we asked for belongs to nothing
- a status belongs to a transaction's start or stop if it is of that connector and
  comes within 60 s; a start or stop told within 60 s of connecting may be old news
- silence counts against only if the same session said something afterwards
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from migrate.domain.evidence import IdentityFacts, Kind, Side, Sighting, error_of, status_of
from migrate.domain.flavour import Flavour, Lapse, Trait
from migrate.domain.record import Event, EventKind
from migrate.domain.remembered import (
    AWAY_UPTO,
    BOOT_UPTO,
    FAULT_STANDS,
    MAX_EXPECTED,
    MAX_SESSIONS,
    OURS_FOR,
    TRIGGER_WITHIN,
    UPDATE_FOR,
    WITHIN,
    Cause,
    Device,
    Remembered,
    Spell,
    Tallies,
    Window,
    as_it_says,
    cause_of,
)
from migrate.domain.ways import Way

POWER_METER_FAILURE = "PowerMeterFailure"
CHANGES = frozenset({"Reset", *(way.action for way in Way)})
"""What may make a station drop its line, whichever way it was told."""
_UPDATING = frozenset({"Downloaded", "Installing", "Installed"})
_OF_A_SESSION = frozenset({Trait.BOOT_AFTER_LINK_LOSS, Trait.BOOTS_ON_ARRIVAL})


class Observer:
    """The fold.  ``device_of`` says which kind a station belongs to, given what it said of itself so far."""

    def __init__(self, device_of: Callable[[str, IdentityFacts], Device] = as_it_says) -> None:
        self._device_of = device_of
        self._stations: dict[str, Remembered] = {}
        self._tallies = Tallies()

    # ── what goes in ───────────────────────────────────────────────────────

    def saw(self, sighting: Sighting) -> None:
        """One sighting of a station, in the journal's order; those of a CSMS say nothing here."""
        if not sighting.identity:
            return
        station = self._station(sighting.identity)
        if sighting.kind is Kind.CONNECTED:
            self._connected(station, sighting)
        elif sighting.kind is Kind.DISCONNECTED:
            self._disconnected(station, sighting)
        elif sighting.kind is Kind.REFUSED:
            self._came_back(station, sighting)
        else:
            self._said(sighting.identity, station, sighting)

    def did(self, event: Event) -> None:
        """One command of ours, or its answer; other events say nothing here."""
        if event.kind is EventKind.COMMAND:
            self._commanded(self._station(event.identity), event)
        elif event.kind is EventKind.ANSWER:
            self._answered(self._station(event.identity), event)

    # ── what comes out ─────────────────────────────────────────────────────

    def flavours(self) -> tuple[Flavour, ...]:
        """Every kind that was seen, the most frequent first; a fault that still stands counts as it stands now."""
        return self._tallies.flavours(self._faults_that_stand())

    def _faults_that_stand(self) -> dict[Device, int]:
        standing: dict[Device, int] = {}
        for station in self._stations.values():
            heard = station.heard_at
            lasting = sum(heard is not None and heard - at >= FAULT_STANDS for at in station.faults.values())
            standing[station.device] = standing.get(station.device, 0) + lasting
        return standing

    # ── coming and going ───────────────────────────────────────────────────

    def _connected(self, station: Remembered, sighting: Sighting) -> None:
        at, is_return = sighting.at, bool(station.sessions) or station.lost_at is not None
        cause = cause_of(station, at, sighting.side)
        self._came_back(station, sighting)
        station.side = sighting.side
        station.sessions[sighting.session] = Spell(sighting.side, at, is_return)
        if len(station.sessions) > MAX_SESSIONS:
            station.forget(next(iter(station.sessions)))
        station.lost_at = None
        if not is_return:
            return
        if cause is Cause.LINK:
            self._open(station, sighting, Trait.BOOT_AFTER_LINK_LOSS)
            self._open(station, sighting, Trait.STATUS_AFTER_LINK_LOSS)
        elif cause is Cause.OURS and station.awaits_return:
            station.awaits_return = False
            self._open(station, sighting, Trait.BOOTS_ON_ARRIVAL)
        if cause in (Cause.OURS, Cause.UPDATE):
            self._restarted(station, at)
        if cause is Cause.UPDATE:
            self._open_update(station, sighting)

    def _came_back(self, station: Remembered, sign: Sighting) -> None:
        """The first sign of a station after a drop, be it a refusal at the door."""
        if station.unseen_since is None:
            return
        cause = cause_of(station, sign.at, sign.side)
        lapse = {Cause.OURS: Lapse.AWAY_AFTER_CHANGE, Cause.LINK: Lapse.AWAY_AFTER_LINK_LOSS}.get(cause)
        if lapse is not None and sign.at - station.unseen_since <= AWAY_UPTO:
            self._tallies.time(station, lapse, station.unseen_since, sign.at)
        station.unseen_since = None

    def _disconnected(self, station: Remembered, sighting: Sighting) -> None:
        session, at = station.sessions.get(sighting.session), sighting.at
        if session is None:
            return
        if session.has_spoken:
            self._judge_silence(station, sighting)
        station.forget(sighting.session)
        if not station.awaits_return and at - session.since >= WITHIN:
            station.changed_at = None  # it came back from our change and stayed: this drop is another story
        if station.reset_at is not None and session.since <= station.reset_at:
            if at - station.reset_at <= OURS_FOR:
                self._tallies.time(station, Lapse.RESET_TO_DROP, station.reset_at, at)
            station.reset_at = None
        if not station.sessions:
            station.lost_at = station.unseen_since = at

    # ── what a station says ────────────────────────────────────────────────

    def _said(self, identity: str, station: Remembered, sighting: Sighting) -> None:
        station.heard_at = sighting.at
        self._judge_silence(station, sighting)
        session = station.sessions.get(sighting.session)
        if session is not None:
            session.has_spoken = True
        if sighting.kind is Kind.BOOT:
            self._booted(identity, station, sighting, session)
        elif sighting.kind is Kind.STATUS:
            self._reported(station, sighting)
        elif sighting.kind is Kind.TRANSACTION_STARTED:
            self._transaction(station, sighting, session, Trait.STATUS_AFTER_START)
        elif sighting.kind is Kind.TRANSACTION_STOPPED:
            self._transaction(station, sighting, session, Trait.STATUS_AFTER_STOP)
        elif sighting.kind is Kind.KEYS:
            self._tallies.keys(station, sighting.detail)
        elif sighting.kind is Kind.FIRMWARE:
            station.updating_at = sighting.at if sighting.detail in _UPDATING else None
            if sighting.detail == "Installed":
                self._open_update(station, sighting)

    def _judge_silence(self, station: Remembered, sighting: Sighting) -> None:
        """The session goes on, and what ought to have been seen by now was not."""
        if not station.windows:
            return
        for window in [w for w in station.windows if w.session == sighting.session and w.until < sighting.at]:
            self._close(station, window, is_yes=False, at=sighting.at)

    def _booted(self, identity: str, station: Remembered, boot: Sighting, session: Spell | None) -> None:
        before = station.said
        station.said = boot.facts.over(before) if before is not None else boot.facts
        self._belongs(identity, station)
        if boot.solicited:
            self._settle(station, boot.at, Trait.ANSWERS_TRIGGER)
            station.windows = [w for w in station.windows if w.trait not in _OF_A_SESSION or w.session != boot.session]
        else:
            self._booted_by_itself(station, boot, session)
        was, now = before.firmware if before is not None else "", boot.facts.firmware
        if was and now and was != now:
            self._open_update(station, boot)

    def _booted_by_itself(self, station: Remembered, boot: Sighting, session: Spell | None) -> None:
        for trait in _OF_A_SESSION:
            self._settle(station, boot.at, trait, session=boot.session)
        is_first = session is not None and session.is_return and not session.has_booted
        if session is not None and is_first and boot.at - session.since <= BOOT_UPTO:
            self._tallies.time(station, Lapse.CONNECT_TO_BOOT, session.since, boot.at)
        if session is not None:
            session.has_booted = True
        self._restarted(station, boot.at)

    def _restarted(self, station: Remembered, at: datetime) -> None:
        """Whatever was faulted until now stayed so until the restart."""
        lasting = sum(at - failed_at >= WITHIN for failed_at in station.faults.values())
        station.faults.clear()
        if lasting:
            self._tallies.count(station, Trait.STAYS_FAULTED, yes=lasting)

    def _reported(self, station: Remembered, status: Sighting) -> None:
        if status.connector:
            for trait in (Trait.STATUS_AFTER_LINK_LOSS, Trait.STATUS_AFTER_FIRMWARE):
                self._settle(station, status.at, trait, session=status.session)
            for trait in (Trait.STATUS_AFTER_START, Trait.STATUS_AFTER_STOP):
                self._settle(station, status.at, trait, session=status.session, connector=status.connector)
        if status_of(status) != "Faulted":
            if station.faults.pop(status.connector, None) is not None:
                self._tallies.count(station, Trait.STAYS_FAULTED, no=1)
        elif error_of(status) == POWER_METER_FAILURE and len(station.faults) < MAX_EXPECTED:
            station.faults.setdefault(status.connector, status.at)

    def _transaction(self, station: Remembered, told: Sighting, session: Spell | None, trait: Trait) -> None:
        is_stop = trait is Trait.STATUS_AFTER_STOP
        if is_stop:  # whatever status comes now may be about either
            starts = [w for w in station.windows if w.trait is Trait.STATUS_AFTER_START]
            station.windows = [w for w in station.windows if w not in starts or w.connector != told.connector]
        is_old_news = session is None or told.at - session.since < WITHIN
        if told.connector and not is_old_news:
            self._open(station, told, trait, connector=told.connector)

    # ── what we did ────────────────────────────────────────────────────────

    def _commanded(self, station: Remembered, event: Event) -> None:
        action = event.data.get("action")
        if action in CHANGES:
            station.changed_at, station.awaits_return = event.at, True
            station.reset_at = event.at if action == "Reset" else station.reset_at
        elif action == "TriggerMessage":
            station.windows = [w for w in station.windows if w.trait is not Trait.ANSWERS_TRIGGER]
            side = Side.TARGET if event.data.get("side") == Side.TARGET.value else Side.SOURCE
            if session := station.newest(side):
                window = Window(Trait.ANSWERS_TRIGGER, session, event.at + TRIGGER_WITHIN)
                station.windows.append(window)

    def _answered(self, station: Remembered, event: Event) -> None:
        """Refused is settled at once; accepted, or no answer, is for the wire to tell."""
        action, status = event.data.get("action"), event.data.get("status")
        was_sent = event.data.get("sent", True)
        if was_sent and status in ("Accepted", "RebootRequired", "no answer"):
            return
        if action == "Reset":
            station.reset_at = None
        elif action == "TriggerMessage":
            for window in [w for w in station.windows if w.trait is Trait.ANSWERS_TRIGGER]:
                if was_sent:
                    self._close(station, window, is_yes=False, at=event.at)
                else:
                    station.windows.remove(window)

    # ── counting ───────────────────────────────────────────────────────────

    def _open(self, station: Remembered, sighting: Sighting, trait: Trait, *, connector: int = 0) -> None:
        station.windows = [w for w in station.windows if w.trait is not trait or w.connector != connector]
        if len(station.windows) < MAX_EXPECTED:
            station.windows.append(Window(trait, sighting.session, sighting.at + WITHIN, connector))

    def _open_update(self, station: Remembered, sighting: Sighting) -> None:
        """Once for each update, however many messages tell of it."""
        if station.updated_at is None or sighting.at - station.updated_at > UPDATE_FOR:
            self._open(station, sighting, Trait.STATUS_AFTER_FIRMWARE)

    def _settle(
        self, station: Remembered, at: datetime, trait: Trait, *, session: str = "", connector: int = 0
    ) -> None:
        """It was seen: whatever waited for it is settled."""
        for window in [w for w in station.windows if w.trait is trait and w.connector == connector]:
            if at <= window.until and session in ("", window.session):
                self._close(station, window, is_yes=True, at=at)

    def _close(self, station: Remembered, window: Window, *, is_yes: bool, at: datetime) -> None:
        station.windows.remove(window)
        if window.trait is Trait.STATUS_AFTER_FIRMWARE:
            station.updated_at = at
        self._tallies.count(station, window.trait, yes=int(is_yes), no=int(not is_yes))

    # ── who is who ─────────────────────────────────────────────────────────

    def _station(self, identity: str) -> Remembered:
        station = self._stations.get(identity)
        if station is None:
            station = self._stations[identity] = Remembered(device=self._device_of(identity, IdentityFacts()))
            self._tallies.of(station).stations += 1
        return station

    def _belongs(self, identity: str, station: Remembered) -> None:
        """Count it under what it says it is; under what it said before, it remains as seen."""
        device = self._device_of(identity, station.said or IdentityFacts())
        if device == station.device:
            return
        if station.device == self._device_of(identity, IdentityFacts()):  # nothing but what a list says
            self._tallies.of(station).stations -= 1
        station.device, station.counted = device, 0
        self._tallies.of(station).stations += 1
