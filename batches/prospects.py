"""What is known before a wave: of its stations, of the backends they go between, and of this host.

Values for ``outlook``, which judges them.  What nobody could look at is absent,
and then nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from batches.findings import Finding, Severity
from migrate.domain.address import Backend
from migrate.domain.bandwidth import Load
from migrate.domain.counted import counted, who_does
from migrate.domain.evidence import Side
from migrate.domain.profile import Method, Profile
from migrate.domain.station import Station
from migrate.domain.survey import Doorstep, HostSight, Knock, SecretShape, Unreached


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One station of the waves that are looked at, before it is touched.

    ``target`` is the address that it is to dial, ``source`` the one that it dials today.
    """

    station: Station
    method: Method
    profile: Profile | None
    source: Backend
    target: Backend

    @property
    def identity(self) -> str:
        return self.station.identity

    @property
    def new_name(self) -> str:
        """What it is called on the target."""
        return self.station.identity_on(Side.TARGET)

    @property
    def is_remote(self) -> bool:
        """Whether it is moved without a crew, so that nobody on site would notice what is wrong."""
        return self.profile is not None and self.method is not Method.VISIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that was looked at.

    ``targets`` and ``sources`` are the addresses that stations dial,
    ``upstreams`` the CSMSes behind the relays.  ``known`` are the identities
    that the target is said to know, ``None`` where nobody said.  ``secrets``
    has ``None`` for a secret that is nowhere, and goes by name and identity
    where each station has its own.  By identity: ``lacks`` what a
    way to the station cannot do without, ``unfit`` why its unit cannot be
    filled in with what it holds now, ``dialects`` the subprotocol it speaks,
    ``loads`` what firmware it has to load.
    """

    at: datetime
    ends_at: datetime  # of the campaign with its last soak, as far as anybody can tell
    prospects: tuple[Prospect, ...]
    begun: int = 0  # stations of the same waves that are on their way already, or have been
    everyone: tuple[Station, ...] = ()
    targets: tuple[Doorstep, ...] = ()
    sources: tuple[Doorstep, ...] = ()
    upstreams: Mapping[Side, Doorstep] = field(default_factory=dict, hash=False)
    root: str = ""  # the fingerprint of the root that is installed where profiles can
    host: HostSight | None = None
    known: frozenset[str] | None = None
    known_from: str = ""
    longest_identity: int = 48
    test_knock: tuple[Knock, ...] = ()
    knocks: Mapping[str, Knock] = field(default_factory=dict, hash=False)
    secrets: Mapping[str, SecretShape | None] = field(default_factory=dict, hash=False)
    lacks: Mapping[str, str] = field(default_factory=dict, hash=False)
    unreached: Mapping[str, Unreached] = field(default_factory=dict, hash=False)
    unfit: Mapping[str, str] = field(default_factory=dict, hash=False)
    dialects: Mapping[str, str] = field(default_factory=dict, hash=False)
    loads: Mapping[str, Load] = field(default_factory=dict, hash=False)
    rate_bytes_per_s: int = 0  # of each group that shares bandwidth
    at_once: int = 1  # stations of a group that load at the same time
    idle_files: tuple[str, ...] = ()  # firmware that is for no station of the inventory
    last_on_source: int | None = None  # transaction numbers
    first_on_target: int | None = None

    def dialling(self, backend: Backend) -> list[Prospect]:
        """Who is to dial an address without a crew beside it."""
        return [p for p in self.prospects if p.is_remote and p.target == backend]


def about(code: str, severity: Severity, text: str, prospects: Iterable[Prospect], *, hint: str) -> Finding:
    """A finding about stations, in plan order.  ``{n}`` in the text is how many."""
    identities = tuple(p.identity for p in prospects)
    how_many = len(identities)
    told = who_does(how_many, "station", text.removeprefix("{n} ")) if text.startswith("{n} ") else text
    told = told.replace("{n}", counted(how_many, "station"))
    return Finding(code=code, severity=severity, text=told, count=how_many, identities=identities, hint=hint)
