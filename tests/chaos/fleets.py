"""The fleets that campaigns are killed over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migrate.cli.demo.stage import stations_of
from migrate.domain.station import Station
from migrate.simulator.behaviour import FAMILIES, behaviour
from migrate.simulator.deal import StationSpec, deal
from migrate.simulator.faults import ENDINGS, EVERY_FAULT, Fault, FaultSet, fault_set
from migrate.simulator.habits import Fallback


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A fleet to be killed over, the same to the last drawn second each time.

    ``half_way`` stations refuse in the middle of a unit.  They are of the one
    family whose unit has several keys that differ on loopback, where both
    backends share their host.
    """

    name: str
    seed: int
    size: int
    faults: FaultSet
    half_way: int = 0
    families: tuple[str, ...] = FAMILIES
    keeps_to_one: bool = False  # no healthy station of a family that tries another address when one does not answer
    has_odd_ones: bool = False
    """One is another device than the inventory says and must be skipped; one is never accepted by the target and must get stuck."""

    def specs(self) -> list[StationSpec]:
        families = (*(f for f in self.families if f != "amina" or not self.keeps_to_one), *("amina",) * self.half_way)
        specs = deal(self.seed, self.size, self.faults, families)
        for _ in range(self.half_way):
            place = next(i for i, s in enumerate(specs) if s.family == "amina" and s.fault is Fault.NONE)
            specs[place] = _with(specs[place], Fault.HALF_WAY_REFUSAL)
        if self.has_odd_ones:
            stranger, unwelcome = healthy(specs)[:2]
            specs[stranger] = replace(specs[stranger], expected=frozenset({"skipped"}))
            specs[unwelcome] = replace(specs[unwelcome], expected=frozenset({"stuck"}))
        return specs

    @property
    def unwelcome(self) -> list[str]:
        """The stations whose boots the target never accepts."""
        return [spec.identity for spec in self.specs() if spec.expected == {"stuck"}]

    def inventory(self) -> list[Station]:
        stations = stations_of(self.specs())
        for place, spec in enumerate(self.specs()):
            if spec.expected == {"skipped"}:
                stations[place] = replace(stations[place], serial="ANOTHER-DEVICE")
        return stations


def healthy(specs: list[StationSpec]) -> list[int]:
    """Where the stations without a fault are, of families that never leave a backend by themselves."""
    return [i for i, spec in enumerate(specs) if spec.fault is Fault.NONE and not _falls_back(spec)]


def _falls_back(spec: StationSpec) -> bool:
    return spec.family not in FAMILIES or behaviour(spec.family).fallback is not Fallback.NONE


def _with(spec: StationSpec, fault: Fault) -> StationSpec:
    return replace(spec, fault=fault, expected=ENDINGS[fault])


def _undone(**more: int) -> FaultSet:
    """Stations that come back by themselves: undoing is where a kill comes seldom by chance."""
    counts = {Fault.FALLS_BACK: 1, Fault.WITHOUT_EFFECT: 1, Fault.BUSY: 1}
    return FaultSet(name="rough", counts=counts | {Fault(name): count for name, count in more.items()})


def _up_to(last: Fault) -> FaultSet:
    """One of each up to this one; those after it wait for half a minute of real time, or end with a person."""
    return FaultSet(name="many", counts=dict.fromkeys(EVERY_FAULT[: EVERY_FAULT.index(last) + 1], 1), visits=3)


def _without(fault: Fault) -> FaultSet:
    demo = fault_set("demo")
    return replace(demo, counts={one: count for one, count in demo.counts.items() if one is not fault})


FLEETS = {
    "none": Fleet(name="none", seed=11, size=20, faults=fault_set("none")),
    "demo": Fleet(name="demo", seed=12, size=30, faults=fault_set("demo")),
    "rough": Fleet(
        name="rough", seed=13, size=40, faults=_undone(falls_back=4, without_effect=4, busy=3, no_boot=1), half_way=7
    ),
    "all": Fleet(name="all", seed=14, size=40, faults=_up_to(Fault.OFFLINE), has_odd_ones=True),
    "kept none": Fleet(name="kept-none", seed=11, size=20, faults=fault_set("none"), keeps_to_one=True),
    "kept demo": Fleet(name="kept-demo", seed=12, size=30, faults=_without(Fault.HALF_WAY_REFUSAL), keeps_to_one=True),
    "slots": Fleet(name="slots", seed=16, size=4, faults=fault_set("none"), families=("amina",)),
    "round trip": Fleet(
        name="round-trip", seed=17, size=24, faults=FaultSet(name="return", counts={Fault.READ_ONLY_KEY: 1}, visits=2)
    ),
    "many": Fleet(name="many", seed=18, size=60, faults=fault_set("demo")),
    "few": Fleet(name="few", seed=15, size=10, faults=_undone(), half_way=2, keeps_to_one=True),
}
