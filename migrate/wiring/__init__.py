"""The one place where objects meet.

Opens a campaign folder and hands out what the verbs need: settings, journal,
catalogue, ports.  It builds and closes; it decides nothing.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from batches.checks import unproven
from batches.incidents import incidents
from batches.plan import Fit, is_stale, make_plan
from batches.standing import Facts, fold
from migrate import __version__
from migrate.adapters.clock import CampaignClock
from migrate.adapters.dice import SystemDice
from migrate.adapters.journal.journal import Keys, SqlJournal, open_journal
from migrate.adapters.vault import STORE_KEY, FileVault
from migrate.domain.attempt import IN_FLIGHT
from migrate.domain.destination import misfits
from migrate.domain.errors import PlanProblem, SettingsProblem
from migrate.domain.evidence import IdentityFacts
from migrate.domain.record import EventKind, Process
from migrate.domain.station import Station
from migrate.domain.wave import Plan, Standing
from migrate.engine.beat import DEAD_AFTER, RUN, WORKER
from migrate.settings import FILE_NAME, Settings, load_settings
from vendor_profiles import Catalogue, load_catalogue

T = TypeVar("T")

SHOWN = 16
"""How much of a fingerprint is shown where a person reads it."""

NO_PLAN = Plan(fingerprint="", waves=())
"""What a campaign stands under before its first plan."""

_SHORTEST = 8  # of a fingerprint typed by hand


@dataclass(frozen=True)
class Wired:
    """An open campaign.  Everything in it closes with it."""

    settings: Settings
    journal: SqlJournal
    clock: CampaignClock
    dice: SystemDice
    vault: FileVault
    executor: str

    @cached_property
    def catalogue(self) -> Catalogue:
        catalogue = load_catalogue(self.settings.folder / "profiles")
        _know_the_accepted(self.settings, catalogue)
        return catalogue

    def fit(self, station: Station) -> Fit:
        return _fit(self.catalogue, station)

    @property
    def unproven(self) -> frozenset[str]:
        """The profiles whose stations may go with the canary and no further."""
        policy = self.settings.policy
        return frozenset(profile.name for profile in self.catalogue.profiles if unproven(profile, policy))

    def refit(self, said: IdentityFacts, ocpp_version: str) -> str:
        """The name of the profile that fits what a station says of itself, or nothing."""
        profile = self.catalogue.match(said.vendor, said.model, said.firmware, ocpp_version).profile
        return profile.name if profile else ""

    async def make_plan(self) -> Plan:
        """The plan that inventory, profiles, policy, addresses and version give at this moment."""
        stations = await self.journal.stations()
        if not stations:
            raise PlanProblem("The inventory is empty.", hint="Bring in a list: `migrate inventory import FILE`.")
        if found := misfits(stations, lambda station: self.fit(station).profile, self.settings.target.url):
            raise SettingsProblem(
                f"{self.settings.folder / FILE_NAME}: " + "\n".join(found), hint="Mend the address, or the inventory."
            )
        return make_plan(
            stations,
            self.fit,
            self.settings.policy,
            catalogue_digest=self.catalogue.digest(),
            version=__version__,
            addresses=(str(self.settings.source.url), str(self.settings.target.url)),
        )

    async def current_plan(self) -> Plan:
        plan = await self.journal.current_plan()
        if plan is None:
            raise PlanProblem("There is no plan yet.", hint="Make one: `migrate plan make`.")
        return plan

    async def named_plan(self, fingerprint: str) -> Plan:
        """The current plan, if it is the one of that fingerprint or of the beginning of one."""
        plan, typed = await self.current_plan(), fingerprint.strip().lower()
        if len(typed) < _SHORTEST or not plan.fingerprint.startswith(typed):
            raise PlanProblem(
                f"The current plan is {plan.fingerprint[:SHOWN]}, not {fingerprint!r}.",
                hint=f"Look at it with `migrate plan show`; give at least {_SHORTEST} characters of its fingerprint.",
            )
        return plan

    async def approved_plan(self, fingerprint: str) -> Plan:
        """The plan of that fingerprint, refused when anything it was made from has changed."""
        plan = await self.named_plan(fingerprint)
        if await self.is_stale(plan):
            raise stale(plan)
        return plan

    async def in_flight_outside(self, plan: Plan) -> list[Plan]:
        """What older plans left in flight and this one does not hold: each as a plan of those stations alone."""
        held = {station.identity for station in plan.stations}
        left = [a for a in await self.journal.attempts(states=IN_FLIGHT) if a.identity not in held]
        older = [await self.journal.plan(fingerprint) for fingerprint in sorted({a.fingerprint for a in left})]
        names = {(a.identity, a.fingerprint) for a in left}
        return [one.only({i for i, of in names if of == one.fingerprint}) for one in older if one is not None]

    async def is_stale(self, plan: Plan) -> bool:
        """Whether anything that the plan was made from has changed since."""
        return not await self.journal.stations() or is_stale(plan, await self.make_plan())

    async def standing(self, *, is_running: bool | None = None, before_a_plan: bool = False) -> Standing:
        """Where the campaign stands, from the journal alone.

        Without a plan nothing stands anywhere, and who goes by the plan is
        told so; ``before_a_plan`` shows what there is to see all the same:
        orders and incidents, under an empty fingerprint.
        """
        journal = self.journal
        plan = (await journal.current_plan() or NO_PLAN) if before_a_plan else await self.current_plan()
        stations = {station.identity: station for station in await journal.stations()}
        running = await self.is_running() if is_running is None else is_running
        return fold(
            Facts(
                campaign=self.settings.name,
                at=self.clock.now(),
                plan=plan,
                gate=self.settings.policy.gate,
                attempts=await journal.attempts(),
                marks=await journal.wave_marks(plan.fingerprint),
                control=await journal.control(),
                approvals=await journal.approvals(plan.fingerprint),
                incidents=incidents(await journal.events(kinds=[EventKind.INCIDENT.value])),
                stations=stations,
                is_running=running,
                lab=self.settings.source.relay.is_lab or self.settings.target.relay.is_lab,
            )
        )

    async def is_running(self) -> bool:
        """Whether a run or worker has given a sign of life lately."""
        return any(p.role in (RUN, WORKER) and is_alive(p) for p in await self.journal.processes())


def stale(plan: Plan) -> PlanProblem:
    return PlanProblem(
        f"Plan {plan.fingerprint[:SHOWN]} is stale: inventory, profiles, policy, addresses or version have changed since.",
        hint="Make a new one with `migrate plan make`, look at it, and have it approved.",
    )


def is_alive(process: Process) -> bool:
    """Whether it has beaten lately, and, if it is of this host, still exists."""
    return not process.ended and datetime.now(UTC) - process.beat_at < DEAD_AFTER and exists(process)


def exists(process: Process) -> bool:
    """Another host's process exists as far as one can tell from here; its beat decides."""
    if process.host != socket.gethostname():
        return True
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def executor_name(role: str) -> str:
    """A name no other process ever had: dbos fences nothing, so nobody may inherit a dead one's name."""
    return f"{role}-{socket.gethostname()}-{os.getpid()}-{SystemDice().token()[:8]}"


@asynccontextmanager
async def open_campaign(
    folder: Path, role: str = "cli", *, flags: Mapping[str, Any] | None = None, create: bool = False
) -> AsyncIterator[Wired]:
    """Open a campaign folder for one process, and close it whatever happens."""
    settings = load_settings(folder, flags=flags)
    clock = CampaignClock(speed=settings.drill.speed, since=settings.drill.since)
    executor = executor_name(role)
    vault = FileVault(folder / "secrets")
    keys = Keys(kept=partial(vault.secret, STORE_KEY), made=partial(vault.drawn, STORE_KEY))
    journal = open_journal(settings.store_url, executor, clock, create=create, keys=keys)
    try:
        yield Wired(
            settings=settings,
            journal=journal,
            clock=clock,
            dice=SystemDice(),
            vault=vault,
            executor=executor,
        )
    finally:
        await journal.close()


def with_campaign(
    folder: Path, work: Callable[[Wired], Coroutine[Any, Any, T]], role: str = "cli", *, create: bool = False
) -> T:
    """Run one piece of work on an open campaign, from a verb that is not asynchronous itself."""

    async def opened() -> T:
        async with open_campaign(folder, role, create=create) as wired:
            return await work(wired)

    return asyncio.run(opened())


def new_process(wired: Wired, role: str, *, ended: bool = False) -> Process:
    """This process's sign of life; real time, because a drill's clock says nothing about a process."""
    now = datetime.now(UTC)
    return Process(
        executor=wired.executor,
        role=role,
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=now,
        beat_at=now,
        ended=ended,
    )


# ── what the inventory verbs ask for ───────────────────────────────────────


def load_stations(folder: Path) -> Sequence[Station]:
    async def load(wired: Wired) -> list[Station]:
        return await wired.journal.stations()

    return with_campaign(folder, load)


def _know_the_accepted(settings: Settings, catalogue: Catalogue) -> None:
    """A person accepts profiles that exist: a misspelt one would be held back without a word."""
    names = [profile.name for profile in catalogue.profiles]
    unknown = [name for name in settings.policy.accepted if name not in names]
    if unknown:
        said = [f"profiles.accepted names {name!r}, which is no profile{_meant(name, names)}" for name in unknown]
        raise SettingsProblem(
            f"{settings.folder / FILE_NAME}: " + "\n".join(said), hint="See `migrate profiles list` for all of them."
        )


def _meant(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else "."


def fit_of(folder: Path) -> Callable[[Station], Fit]:
    """Which profile fits a station, by the catalogue and the folder's own profiles; works without a campaign."""
    return partial(_fit, load_catalogue(folder / "profiles"))


def _fit(catalogue: Catalogue, station: Station) -> Fit:
    match = catalogue.match(station.vendor, station.model, station.firmware, station.ocpp_version)
    return Fit(profile=match.profile, reason=match.why)


def open_store_of(folder: Path) -> None:
    """Make the campaign's database, so that every later verb finds one."""

    async def make() -> None:
        async with open_campaign(folder, create=True):
            pass

    asyncio.run(make())
