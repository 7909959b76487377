"""Deals a fleet: which stations there are, what they are, and what will go wrong with them.

One integer gives one fleet, to the last drawn second.  Hardware and times are
drawn apart from the faults, so that the same seed with other faults is the
same fleet otherwise.  Durations are campaign seconds.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from migrate.simulator.armour import Commissioned
from migrate.simulator.behaviour import FAMILIES, KEYED_FAMILIES, VISIT_ONLY, Behaviour, behaviour, flavour
from migrate.simulator.faults import ENDINGS, FAULT_SETS, POSSIBLE, WAYS, BadModel, Fault, FaultSet, families_for

REBOOT_MEDIAN_S = 45.0
REBOOT_SIGMA = 0.6
VISIT_MEDIAN_S = 300.0
SLOW = 3
RECONNECTS_S = (0.0, 1.0, 9.0, 12.0, 30.0)  # five stacks after a server-side drop
UNTOUCHED = frozenset({"planned", "deferred", "skipped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSpec:
    """One simulated station as dealt; `expected` holds the acceptable ends of its attempt."""

    identity: str
    vendor: str
    model: str
    firmware: str
    serial: str
    family: str
    site_id: str
    connectors: int
    reboot_s: float
    iccid: str = ""
    imsi: str = ""
    ip_address: str = ""  # of its own on the loopback, where it serves more than it dials; blank for none
    security: Commissioned | None = None  # None: it knows of no security at all
    fault: Fault = Fault.NONE
    expected: frozenset[str] = ENDINGS[Fault.NONE]
    transaction_s: float = 0.0  # how long a driver charges from the start; 0 for nobody
    online_after_s: float = 0.0  # how long it stays away at first
    visit_s: float = VISIT_MEDIAN_S  # how long a crew takes to come and change it
    synthetic: bool = True  # vendor, model and firmware were dealt, not reported
    flavour: str = ""  # the supplier, A to G, whose six habits it has besides its family's; blank for none
    ways: Mapping[str, Any] = field(default_factory=dict)  # what it does otherwise than all of these

    def ways_with(self, fault: Fault) -> Behaviour:
        """Its family's ways, then its supplier's, its own, and what is wrong with it; ValueError for what is no way."""
        return behaviour(self.family).but({**flavour(self.flavour), **self.ways, **WAYS.get(fault, {})})

    @property
    def ocpp_version(self) -> str:
        return behaviour(self.family).ocpp_version

    @property
    def is_visit_only(self) -> bool:
        return behaviour(self.family).is_visit_only

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"expected": sorted(self.expected)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """Read a spec back; ValueError or TypeError for a fault or a field that does not exist."""
        fault = Fault(facts.get("fault", Fault.NONE))
        given = facts.get("security")
        security = None if given is None else Commissioned.from_json(given)
        spec = cls(
            **{
                **facts,
                "security": security,
                "fault": fault,
                "expected": frozenset(facts.get("expected", ENDINGS[fault])),
            }
        )
        spec.ways_with(fault)
        return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """What a published list says of a station: no vendor, model or firmware in it."""

    identity: str
    site_id: str
    connectors: int = 1


def deal(
    seed: int,
    n: int,
    faults: FaultSet = FAULT_SETS["demo"],
    families: Sequence[str] = FAMILIES,
    suppliers: Sequence[str] = ("",),
) -> list[StationSpec]:
    """A fleet of n stations at made-up sites of one to six."""
    return deal_onto(seed, _invented_rows(random.Random(f"{seed}/sites"), n), faults, families, suppliers)


def deal_onto(
    seed: int,
    rows: Iterable[PublishedRow],
    faults: FaultSet = FAULT_SETS["demo"],
    families: Sequence[str] = FAMILIES,
    suppliers: Sequence[str] = ("",),
) -> list[StationSpec]:
    """Deal hardware onto published stations: identity, site and connectors stay, the rest is synthetic.

    Families and suppliers are dealt in turn, so that each is there as often as the next.
    """
    published = list(rows)
    visits = min(faults.visits, len(published) // 10)
    deck = [families[i % len(families)] for i in range(len(published) - visits)] + [VISIT_ONLY] * visits
    dice = random.Random(f"{seed}/hardware")
    dice.shuffle(deck)
    turns = Counter[str]()
    specs = []
    for row, family in zip(published, deck, strict=True):
        specs.append(_deal_one(dice, row, family, turns[family]))
        turns[family] += 1
    specs = [replace(spec, flavour=suppliers[turn % len(suppliers)]) for turn, spec in enumerate(specs)]
    planted = _plant(random.Random(f"{seed}/faults"), _spoil(specs, faults.bad_model), faults)
    return _plant_share(random.Random(f"{seed}/share"), planted, faults)


def planted_ends(specs: Iterable[StationSpec]) -> dict[str, dict[str, Any]]:
    """What was planted where and how it has to end; healthy stations are not in it."""
    return {
        spec.identity: {"fault": spec.fault, "model": spec.model, "expected": sorted(spec.expected)}
        for spec in specs
        if spec.fault is not Fault.NONE
    }


def drawn(specs: Iterable[StationSpec]) -> dict[str, float]:
    """The reboot time drawn for each station, in campaign seconds."""
    return {spec.identity: spec.reboot_s for spec in specs}


def _invented_rows(dice: random.Random, n: int) -> list[PublishedRow]:
    rows: list[PublishedRow] = []
    site = 0
    while len(rows) < n:
        site += 1
        for _ in range(min(dice.randint(1, 6), n - len(rows))):
            rows.append(PublishedRow(identity=f"SIM-{len(rows) + 1:05d}", site_id=f"SITE-{site:04d}"))
    return rows


def _deal_one(dice: random.Random, row: PublishedRow, family: str, turn: int) -> StationSpec:
    shelf = [(one, firmware) for one in behaviour(family).hardware for firmware in one.firmwares]
    hardware, firmware = shelf[turn % len(shelf)]
    is_cellular = dice.random() < 0.3
    subscriber = f"{dice.randrange(10**10):010d}"
    return StationSpec(
        identity=row.identity,
        vendor=hardware.vendor,
        model=hardware.model,
        firmware=firmware,
        serial=f"{family[:3].upper()}{dice.randrange(10**9):09d}",
        family=family,
        site_id=row.site_id,
        connectors=max(row.connectors, hardware.connectors) if row.site_id.startswith("SITE-") else row.connectors,
        iccid=f"890010{subscriber}000" if is_cellular else "",
        imsi=f"00101{subscriber}" if is_cellular else "",  # 001-01: the test network of ITU-T E.212
        reboot_s=round(dice.lognormvariate(math.log(REBOOT_MEDIAN_S), REBOOT_SIGMA), 3),
        visit_s=round(dice.lognormvariate(math.log(VISIT_MEDIAN_S), 0.4), 3),
    )


def _plant(dice: random.Random, specs: list[StationSpec], faults: FaultSet) -> list[StationSpec]:
    """Put each fault where it makes sense; no model and firmware gets a second one while others have none.

    A fleet too small for all of them keeps half of its stations healthy.
    """
    planted = dict(enumerate(specs))
    load = Counter[tuple[str, str]]()
    wanted = [fault for fault, count in faults.counts.items() for _ in range(count)][: len(specs) // 2]
    for fault in wanted:
        free = [i for i, spec in planted.items() if spec.fault is Fault.NONE and spec.family in KEYED_FAMILIES]
        place = min(free, key=lambda i: (*_reluctance(planted[i], fault, load), dice.random()), default=None)
        if place is None:
            break
        load[(planted[place].model, planted[place].firmware)] += 1
        planted[place] = _with_fault(dice, planted[place], fault)
    return list(planted.values())


def _spoil(specs: list[StationSpec], bad: BadModel | None) -> list[StationSpec]:
    """Every station of the bad model has its fault; one that nobody touches, for its model was stopped, is right too."""
    if bad is None:
        return specs
    if not any(spec.model == bad.model for spec in specs):
        raise ValueError(f"no station of the model {bad.model!r} was dealt")
    ends = ENDINGS[bad.fault] | UNTOUCHED
    return [replace(s, fault=bad.fault, expected=ends) if s.model == bad.model else s for s in specs]


def _plant_share(dice: random.Random, specs: list[StationSpec], faults: FaultSet) -> list[StationSpec]:
    """Draw one fault for each of a share of the stations, among those that make sense for its family.

    Whoever has no remote way has nothing that can go wrong remotely.
    """
    free = [i for i, spec in enumerate(specs) if spec.fault is Fault.NONE and _possible(faults.pool, spec)]
    planted = dict(enumerate(specs))
    for place in dice.sample(free, min(len(free), round(faults.share * len(specs)))):
        planted[place] = _with_fault(dice, specs[place], dice.choice(_possible(faults.pool, specs[place])))
    return list(planted.values())


def _possible(pool: Iterable[Fault], spec: StationSpec) -> list[Fault]:
    if spec.family not in KEYED_FAMILIES:
        return []
    return [fault for fault in pool if fault not in POSSIBLE or spec.family in POSSIBLE[fault]]


def _reluctance(spec: StationSpec, fault: Fault, load: Counter[tuple[str, str]]) -> tuple[bool, int, int]:
    natural = families_for(fault)
    rank = natural.index(spec.family) if spec.family in natural and len(natural) < len(FAMILIES) else 0
    return spec.family not in natural, load[(spec.model, spec.firmware)], rank


def _with_fault(dice: random.Random, spec: StationSpec, fault: Fault) -> StationSpec:
    faulty = replace(spec, fault=fault, expected=ENDINGS[fault])
    if fault is Fault.SLOW_RETURN:
        return replace(faulty, reboot_s=round(spec.reboot_s * SLOW, 3))
    if fault is Fault.BUSY:
        return replace(faulty, transaction_s=round(dice.uniform(240.0, 600.0), 3))
    if fault is Fault.OFFLINE:
        return replace(faulty, online_after_s=round(dice.uniform(600.0, 1200.0), 3))
    if fault is Fault.RECONNECTS_SILENTLY:
        return replace(faulty, ways={**spec.ways, "reconnect_s": dice.choice(RECONNECTS_S)})
    return faulty
