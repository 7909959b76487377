"""One live station asked what it can do: reading first, and only on order a cut line and a restart.

It writes no value, ever.  What it does beside reading (a trigger, a cut, a
Reset) is an event of the journal before it happens; what comes back is taken
from the witness.  The picture that it all makes is ``migrate.domain.probe``'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batches.deeds import Deeds
from batches.questions import Inquiry, Questions
from batches.watching import Watching
from batches.window import is_open, next_opening
from migrate.domain.answered import Outage, Taken, Triggered
from migrate.domain.attempt import IN_FLIGHT
from migrate.domain.errors import NotAllowed, Unreachable
from migrate.domain.evidence import Kind, Side, Sighting
from migrate.domain.policy import Policy
from migrate.domain.probe import Heard
from migrate.domain.station import Station
from migrate.ports import Clock, Journal, Session, Witness

ASK_WITHIN = timedelta(seconds=120)  # one maker takes 60 s to boot when asked
SPEAKS_WITHIN = timedelta(seconds=60)  # a boot or status of a new session
BACK_WITHIN = timedelta(minutes=20)
DROPS_WITHIN = timedelta(minutes=2)
TRIGGERED = {"BootNotification": Kind.BOOT, "StatusNotification": Kind.STATUS}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a probe may touch."""

    journal: Journal
    witness: Witness
    clock: Clock
    inquiry: Inquiry
    policy: Policy


class Probing:
    """One probe of one station, on the source.

    ``names`` gives the keys that are asked for by name in a version of OCPP,
    beside all that the station lists.
    """

    def __init__(self, station: Station, world: World, names: Callable[[str], Sequence[str]]) -> None:
        self._station, self._world, self._names = station, world, names
        self._watching = Watching(station.identity, world.witness, world.clock)
        self._deeds = Deeds(station.identity, world.journal, world.clock)
        self._questions = Questions(station.identity, world.inquiry, self._deeds)

    @property
    def identity(self) -> str:
        return self._station.identity

    async def run(self, *, disturbs: bool, ignores_window: bool = False) -> Heard:
        """Everything that may be asked; with ``disturbs`` also what happens when its line is lost, and when it restarts.

        Raises ``NotAllowed`` where it must not be touched now, ``Unreachable``
        where it is not on the source.
        """
        session = await self._free_session(disturbs=disturbs, ignores_window=ignores_window)
        after = await self._world.journal.newest_seq()
        async with self._watching.since(after):
            listing = await self._questions.asked(session.protocol, self._names(session.protocol))
            triggers = tuple([await self._trigger(message, kind) for message, kind in TRIGGERED.items()])
            link_loss, restart, cut_short = await self._disturb() if disturbs else (None, None, "")
        return Heard(
            identity=self.identity,
            at=self._world.clock.now(),
            protocol=session.protocol,
            facts=await self._world.journal.facts(self.identity, Side.SOURCE),
            entries=tuple(listing.entries.values()),
            unknown=tuple(listing.unknown.values()),
            all_at_once=listing.all_at_once,
            report=listing.report,
            kept_to=listing.kept_to,
            triggers=triggers,
            link_loss=link_loss,
            restart=restart,
            cut_short=cut_short,
        )

    # ── may it be touched? ─────────────────────────────────────────────────

    async def _free_session(self, *, disturbs: bool, ignores_window: bool) -> Session:
        """Its session on the source, with nobody charging and nobody at work on it."""
        presence = await self._world.witness.presence(self.identity)
        session = presence.on(Side.SOURCE)
        if session is None:
            raise _absent(self.identity, seen=Side.SOURCE in presence.seen, moved=presence.on(Side.TARGET) is not None)
        if session.charging:
            raise NotAllowed(
                f"Somebody charges at {self.identity}, connector {', '.join(map(str, session.charging))}.",
                hint="A probe waits until nobody does: try again later.",
            )
        attempts = await self._world.journal.attempts(identities=[self.identity], states=IN_FLIGHT)
        if attempts:
            raise NotAllowed(
                f"{self.identity} is being moved: {attempts[0].state.value}.", hint="Probe it when that has ended."
            )
        if disturbs:
            await self._may_be_disturbed(self._world.clock.now(), ignores_window=ignores_window)
        return session

    async def _may_be_disturbed(self, now: datetime, *, ignores_window: bool) -> None:
        control, station = await self._world.journal.control(), self._station
        for model in (station.model, f"{station.vendor} {station.model}".strip()):
            if hold := control.over(model=model, profile="", site=station.site):
                raise NotAllowed(f"{hold.mode.value} by {hold.by}: {hold.reason}", hint="See `migrate status`.")
        windows, zone = self._world.policy.windows, station.timezone
        if not ignores_window and not is_open(windows, zone, now):
            opens = next_opening(windows, zone, now)
            when = f"It opens {opens:%Y-%m-%d %H:%M} UTC." if opens else "It never opens."
            raise NotAllowed(f"{self.identity} is outside its window. {when}", hint="Or say --yes, if that is meant.")

    # ── what it does when asked ────────────────────────────────────────────

    async def _trigger(self, message: str, kind: Kind) -> Triggered:
        data = {"action": "TriggerMessage", "message": message, "side": Side.SOURCE.value}
        asked_at, place = self._world.clock.now(), self._watching.place

        def brought(sighting: Sighting) -> bool:
            return sighting.kind is kind and sighting.at >= asked_at and (kind is not Kind.BOOT or sighting.solicited)

        taken, status = await self._deeds.done(data, lambda: self._world.inquiry.trigger(self.identity, message))
        came = None
        if taken is not Taken.REFUSED:  # one that answers nothing may do it all the same
            came = await self._watching.until(brought, within=ASK_WITHIN, after=place)
        after_s = (came.at - asked_at).total_seconds() if came else None
        return Triggered(message=message, taken=taken, status=status, after_s=after_s)

    async def _disturb(self) -> tuple[Outage | None, Outage | None, str]:
        """A lost line, then a restart; where a driver or an order comes between, what was heard until then stands."""
        link_loss = None
        try:
            link_loss = await self._disturbed("Cut", self._world.inquiry.cut)
            return link_loss, await self._disturbed("Reset", self._world.inquiry.restart), ""
        except (NotAllowed, Unreachable) as error:
            return link_loss, None, error.message

    async def _disturbed(self, action: str, act: Callable[[str], Awaitable[None]]) -> Outage:
        """One disturbance: when it left, when it was back, and what it said by itself then."""
        control = await self._world.journal.control()
        session = await self._free_session(disturbs=True, ignores_window=True)
        began_at, place = self._world.clock.now(), self._watching.place
        data = {"action": action, "side": Side.SOURCE.value}
        _, status = await self._deeds.done(data, lambda: act(self.identity), control=control)
        left = await self._watching.until(
            lambda s: s.kind is Kind.DISCONNECTED and s.session == session.id, within=DROPS_WITHIN, after=place
        )
        if left is None:
            return Outage(status=status)
        back = await self._watching.until(
            lambda s: s.kind is Kind.CONNECTED and s.at >= began_at, within=BACK_WITHIN, after=place
        )
        drop_s = (left.at - began_at).total_seconds()
        if back is None:
            return Outage(status=status, drop_after_s=drop_s)
        boot = await self._watching.until(
            lambda s: s.kind is Kind.BOOT and s.session == back.session and not s.solicited,
            within=SPEAKS_WITHIN,
            after=place,
        )
        await self._watching.until(
            lambda s: s.kind is Kind.STATUS and s.session == back.session, within=SPEAKS_WITHIN, after=place
        )
        return Outage(
            status=status,
            drop_after_s=drop_s,
            away_s=max(0.0, (back.at - left.at).total_seconds()),
            boot_after_s=(boot.at - back.at).total_seconds() if boot else None,
            statuses=self._watching.count(Kind.STATUS, back.session),
        )


def _absent(identity: str, *, seen: bool, moved: bool) -> Unreachable:
    if moved:
        said = f"{identity} is on the target; a probe asks stations on the source."
    elif seen:
        said = f"{identity} has no session on the source."
    else:
        said = f"{identity} has no session on the source that anybody could see."
    hint = "Is `migrate listen` up, and does the station dial its relay?"
    return Unreachable(said, identity=identity, sent=False, hint=hint)
