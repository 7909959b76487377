"""The checks as judgements: which ground weighs, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batches.checks import (
    before_asking,
    before_taking_back,
    dialect_allows,
    identity_allows,
    inventory_facts,
    presence_allows,
    unproven,
)
from migrate.domain.attempt import Fact
from migrate.domain.evidence import IdentityFacts, Side
from migrate.domain.policy import Policy
from migrate.domain.profile import Method, Profile, Proof, Restart, Rollback, Write
from migrate.domain.station import Station
from migrate.domain.wave import Deferral
from migrate.domain.ways import Way
from migrate.ports import Presence, Session
from tests.doubles.clock import EPOCH
from tests.doubles.scene import ACME

STATION = Station(identity="AC1", vendor="ACME GmbH", model="ac22", firmware="4.1", serial="S-1")
SAID = IdentityFacts(vendor="Acme", model="AC22", firmware="4.2", serial="S-1")


def judged(said: IdentityFacts, station: Station = STATION, fits: str = "acme") -> Fact | None:
    ground = identity_allows(station, ACME, inventory_facts(station), said, lambda _: fits)
    return ground.fact if ground else None


def a_presence(*charging: int) -> Presence:
    session = Session(id="s1", connected_at=EPOCH, heard_at=EPOCH, charging=charging)
    return Presence(identity="AC1", sessions={Side.SOURCE: session}, seen=frozenset(Side))


def test_a_visit_needs_hands_whatever_the_window_says() -> None:
    ground = before_asking(ACME, Method.VISIT, window_opens_at=None, is_window_open=False)

    assert ground is not None
    assert ground.fact is Fact.NEEDS_HANDS


def test_a_window_that_never_opens_again_means_never() -> None:
    ground = before_asking(ACME, ACME.method, window_opens_at=None, is_window_open=False)

    assert ground is not None
    assert ground.fact is Fact.NEVER


def test_an_open_window_is_no_ground() -> None:
    assert before_asking(ACME, ACME.method, window_opens_at=EPOCH, is_window_open=True) is None


def test_every_connector_with_a_driver_is_named() -> None:
    ground = presence_allows(a_presence(1, 3), Side.SOURCE, again_at=EPOCH)

    assert ground is not None
    assert ground.deferral is Deferral.BUSY
    assert ground.reason == "charging on connector 1, 3"


def test_a_free_station_on_the_source_may_be_touched() -> None:
    assert presence_allows(a_presence(), Side.SOURCE, again_at=EPOCH) is None


def speaking(protocol: str) -> Presence:
    session = Session(id="s1", connected_at=EPOCH, heard_at=EPOCH, protocol=protocol)
    return Presence(identity="AC1", sessions={Side.SOURCE: session}, seen=frozenset(Side))


def by(*versions: str, **changes: Any) -> Profile:
    return replace(ACME, selector=replace(ACME.selector, ocpp_versions=versions), **changes)


SCRIPTED = {
    "writes": (Write(key="url", value="${url}", via=Way.SSH),),
    "restart_via": Way.SSH,
}


@pytest.mark.parametrize(
    ("protocol", "profile"),
    [
        ("ocpp1.6", by("1.6")),
        ("ocpp2.1", by("2.0.1", "2.1")),
        ("ocpp2.0.1", by("*")),
        ("ocpp2.0.1", by("1.6", **SCRIPTED)),
        ("ocpp2.0.1", by("1.6", **SCRIPTED | {"restart": Restart.NONE, "restart_via": Way.OCPP})),
    ],
    ids=["1.6", "one of two", "any", "another way altogether", "another way and no restart"],
)
def test_a_station_that_speaks_its_profiles_version_or_needs_none_may_be_touched(
    protocol: str, profile: Profile
) -> None:
    assert dialect_allows(speaking(protocol), Side.SOURCE, profile) is None


@pytest.mark.parametrize("changes", [{}, SCRIPTED | {"restart_via": Way.OCPP}], ids=["writes", "restart alone"])
def test_a_station_that_speaks_another_version_than_its_profile_is_never_written_to(changes: dict[str, Any]) -> None:
    ground = dialect_allows(speaking("ocpp1.6"), Side.SOURCE, by("2.0.1", "2.1", **changes))

    assert ground is not None
    assert ground.fact is Fact.NEVER
    assert ground.reason.startswith("it speaks OCPP 1.6 to the source, and acme is for 2.0.1 and 2.1")


def test_vendor_and_model_may_be_spelled_otherwise_as_long_as_the_same_profile_fits() -> None:
    assert judged(SAID) is None


@pytest.mark.parametrize("fits", ["", "acme_new"], ids=["no profile", "another profile"])
def test_what_the_station_says_of_itself_must_fit_the_planned_profile(fits: str) -> None:
    assert judged(SAID, fits=fits) is Fact.NEVER


def test_a_serial_in_the_other_serial_field_is_the_same_device() -> None:
    assert judged(replace(SAID, serial="INTERNAL-9", box_serial="S-1")) is None


def test_a_fact_that_only_one_side_knows_is_no_disagreement() -> None:
    assert judged(replace(SAID, serial="", iccid="8931")) is None


def test_a_station_that_says_nothing_is_judged_by_the_inventory() -> None:
    assert judged(IdentityFacts(), fits="") is None


def test_a_blank_fact_is_no_fact() -> None:
    nobody = Station(identity="AC1", serial="  ")

    assert judged(IdentityFacts(), nobody) is Fact.NEVER


@pytest.mark.parametrize(
    ("proof", "policy", "may"),
    [
        (Proof.DOCUMENTED, Policy(), False),
        (Proof.SIMULATED, Policy(), False),
        (Proof.BENCH, Policy(), True),
        (Proof.FIELD, Policy(), True),
        (Proof.DOCUMENTED, Policy(accepted={"acme": "our own bench, 2026-11-02"}), True),
        (Proof.DOCUMENTED, Policy(accepted={"acme": "  "}), False),
        (Proof.DOCUMENTED, Policy(accepted={"other": "our own bench"}), False),
        (Proof.DOCUMENTED, Policy(requires_proof=False), True),
    ],
    ids=["documented", "simulated", "bench", "field", "accepted", "accepted with blanks", "another accepted", "drill"],
)
def test_what_was_proven_on_no_bench_goes_no_further_than_the_canary(proof: Proof, policy: Policy, may: bool) -> None:
    assert (unproven(replace(ACME, proof=proof), policy) == "") is may


def test_a_crew_needs_no_proof_because_it_sees_for_itself() -> None:
    assert unproven(replace(ACME, method=Method.VISIT, proof=Proof.DOCUMENTED), Policy()) == ""


@pytest.mark.parametrize(
    ("rollback", "fact"),
    [
        (Rollback.AUTOMATIC, None),
        (Rollback.REMOTE, None),
        (Rollback.BEFORE_RESTART, Fact.NEEDS_HANDS),
        (Rollback.VISIT, Fact.NEEDS_HANDS),
        (Rollback.IMPOSSIBLE, Fact.NEVER),
    ],
)
def test_the_rollback_class_says_whether_a_station_is_taken_back_remotely(
    rollback: Rollback, fact: Fact | None
) -> None:
    ground = before_taking_back(replace(ACME, rollback=rollback), ACME.method)

    assert (ground.fact if ground else None) is fact


def test_what_a_crew_moved_a_crew_takes_back() -> None:
    ground = before_taking_back(None, Method.VISIT)

    assert ground is not None
    assert ground.fact is Fact.NEEDS_HANDS
