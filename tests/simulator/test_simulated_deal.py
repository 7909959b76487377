"""A dealt fleet: the same from the same seed, complete, and fair."""

import json
from collections import Counter
from typing import Any

import pytest

from migrate.simulator.behaviour import EVERY_FAMILY, FAMILIES, VISIT_ONLY, behaviour
from migrate.simulator.deal import PublishedRow, StationSpec, deal, deal_onto, drawn, planted_ends
from migrate.simulator.faults import ENDINGS, FAULT_SETS, BadModel, Fault, FaultSet, fault_set

SEEDS = [1, 7, 42, 2026]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_demo_fleet_has_every_family_four_times_and_every_fault_once(seed: int) -> None:
    fleet = deal(seed, 60)

    families = Counter(spec.family for spec in fleet)
    assert min(families[family] for family in FAMILIES) >= 4
    assert families[VISIT_ONLY] == 3
    planted = Counter(spec.fault for spec in fleet if spec.fault is not Fault.NONE)
    assert planted == FAULT_SETS["demo"].counts


@pytest.mark.parametrize("seed", SEEDS)
def test_no_model_and_firmware_gets_so_many_failures_that_it_would_be_stopped(seed: int) -> None:
    bad = [spec for spec in deal(seed, 60) if not spec.expected & {"settled"}]

    assert max(Counter((spec.model, spec.firmware) for spec in bad).values()) <= 2


def test_one_seed_is_one_fleet() -> None:
    assert deal(5, 60) == deal(5, 60)
    assert deal(5, 60) != deal(6, 60)


def test_other_faults_leave_hardware_and_times_as_they_were() -> None:
    with_faults = deal(5, 200, FaultSet(name="x", counts={Fault.LOST: 3}))

    healthy = deal(5, 200, FAULT_SETS["none"])

    assert [(s.identity, s.model, s.reboot_s) for s in healthy] == [
        (s.identity, s.model, s.reboot_s) for s in with_faults
    ]
    assert {spec.fault for spec in healthy} == {Fault.NONE}


def test_a_healthy_fleet_needs_no_visits() -> None:
    assert VISIT_ONLY not in {spec.family for spec in deal(1, 100, FAULT_SETS["none"])}


def test_reboot_times_are_lognormal_about_forty_five_seconds() -> None:
    times = sorted(drawn(deal(3, 2001, FAULT_SETS["none"])).values())

    assert times[0] > 0
    assert 42 < times[1000] < 48
    assert 42 * 1.7 < times[1682] < 48 * 2.0  # one sigma up: e^0.6 = 1.82


def test_a_slow_return_takes_three_times_as_long() -> None:
    slow = FaultSet(name="slow", counts={Fault.SLOW_RETURN: 1})
    (spec,) = (spec for spec in deal(9, 30, slow) if spec.fault is Fault.SLOW_RETURN)

    assert spec.reboot_s == pytest.approx(3 * drawn(deal(9, 30, FAULT_SETS["none"]))[spec.identity])


def test_published_stations_keep_identity_site_and_connectors() -> None:
    rows = [PublishedRow(identity=f"uk/{i} é", site_id=f"s{i // 3}", connectors=1 + i % 2) for i in range(50)]

    fleet = deal_onto(4, rows)

    assert [(s.identity, s.site_id, s.connectors) for s in fleet] == [
        (row.identity, row.site_id, row.connectors) for row in rows
    ]
    assert all(spec.synthetic for spec in fleet)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 10])
def test_a_small_fleet_keeps_half_of_its_stations_healthy(n: int) -> None:
    fleet = deal(1, n, FAULT_SETS["all"])

    assert len(fleet) == n
    assert sum(spec.fault is not Fault.NONE for spec in fleet) <= n // 2


def test_a_spec_survives_json() -> None:
    fleet = deal(8, 60, FAULT_SETS["all"])

    assert [StationSpec.from_json(json.loads(json.dumps(spec.to_json()))) for spec in fleet] == fleet


def test_every_dealt_boot_is_legal_in_ocpp_1_6() -> None:
    for spec in deal(2, 200):
        assert 0 < len(spec.vendor) <= 20
        assert 0 < len(spec.model) <= 20
        assert len(spec.firmware) <= 50
        assert len(spec.serial) <= 25
        assert len(spec.iccid) <= 20
        assert len(spec.imsi) <= 20


def test_serials_are_unique_in_a_fleet_of_thousands() -> None:
    fleet = deal(2, 3000, FAULT_SETS["none"])

    assert len({spec.serial for spec in fleet}) == len({spec.identity for spec in fleet}) == 3000


def test_every_fault_demands_an_ending() -> None:
    assert set(ENDINGS) == set(Fault)
    assert all(ENDINGS.values())


def test_a_fault_set_can_be_a_single_fault_and_an_unknown_one_names_the_known() -> None:
    assert fault_set("lost").counts == {Fault.LOST: 1}
    with pytest.raises(ValueError, match="there are: none, demo, all"):
        fault_set("everything")


def test_a_share_of_a_large_fleet_is_drawn_by_the_seed_and_the_end_of_each_is_on_record() -> None:
    field = fault_set("field")
    fleet = deal(7, 3000, field, EVERY_FAMILY)

    planted = planted_ends(fleet)

    assert len(planted) == 150
    assert {spec.identity for spec in fleet if spec.fault is not Fault.NONE} == set(planted)
    assert all(set(told["expected"]) == ENDINGS[told["fault"]] for told in planted.values())
    assert len({told["fault"] for told in planted.values()}) >= 25
    assert planted_ends(deal(7, 3000, field, EVERY_FAMILY)) == planted
    assert planted_ends(deal(8, 3000, field, EVERY_FAMILY)) != planted


def test_a_fault_is_drawn_only_where_it_makes_sense() -> None:
    for spec in deal(7, 3000, fault_set("field"), EVERY_FAMILY):
        assert spec.fault is Fault.NONE or not spec.is_visit_only
        assert spec.fault is not Fault.HALF_WAY_REFUSAL or len(behaviour(spec.family).backend_keys) > 1


def test_every_station_of_a_bad_model_is_bad_and_may_also_end_untouched() -> None:
    bad = FaultSet(name="bad", bad_model=BadModel(model="THOR 11AS-P", fault=Fault.WITHOUT_EFFECT))

    fleet = deal(7, 400, bad)

    of_model = [spec for spec in fleet if spec.model == "THOR 11AS-P"]
    assert len(of_model) > 30
    assert {spec.fault for spec in of_model} == {Fault.WITHOUT_EFFECT}
    assert {spec.expected for spec in of_model} == {frozenset({"reverted", "planned", "deferred", "skipped"})}
    assert {spec.fault for spec in fleet if spec.model != "THOR 11AS-P"} == {Fault.NONE}


def test_a_bad_model_and_a_share_go_together_and_the_model_keeps_its_own_fault() -> None:
    both = FaultSet(
        name="both",
        share=0.5,
        pool=(Fault.NO_BOOT,),
        bad_model=BadModel(model="OpenOCPP ESP32", fault=Fault.FALLS_BACK),
    )

    fleet = deal(7, 200, both)

    assert {spec.fault for spec in fleet if spec.model == "OpenOCPP ESP32"} == {Fault.FALLS_BACK}
    assert sum(spec.fault is Fault.NO_BOOT for spec in fleet) == 100


@pytest.mark.parametrize(
    "facts",
    [
        {"share": 1.5, "pool": (Fault.LOST,)},
        {"share": -0.1, "pool": (Fault.LOST,)},
        {"share": 0.1},
    ],
    ids=["more than all", "less than none", "of nothing"],
)
def test_a_share_that_cannot_be_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="share"):
        FaultSet(name="x", **facts)


def test_a_bad_model_that_nobody_has_is_refused() -> None:
    bad = FaultSet(name="bad", bad_model=BadModel(model="NO SUCH", fault=Fault.LOST))

    with pytest.raises(ValueError, match="NO SUCH"):
        deal(1, 20, bad)


def test_a_silent_reconnect_is_dealt_one_of_the_five_times_that_were_seen() -> None:
    fleet = deal(3, 400, FaultSet(name="x", counts={Fault.RECONNECTS_SILENTLY: 60}))

    assert {spec.ways["reconnect_s"] for spec in fleet if spec.ways} == {0.0, 1.0, 9.0, 12.0, 30.0}
