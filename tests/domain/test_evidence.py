"""What a sighting on the target proves, and why it proves no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.evidence import (
    Grade,
    IdentityFacts,
    Kind,
    Side,
    Sighting,
    Terms,
    assess_arrival,
    facts_from_boot,
)

KNOWN = IdentityFacts(vendor="Alfen BV", model="NG910", serial="ACE0417", iccid="8931", imsi="20408")


def a_boot(**changes: object) -> Sighting:
    boot = Sighting(
        side=Side.TARGET,
        kind=Kind.BOOT,
        at=datetime(2026, 11, 20, 2, 0, tzinfo=UTC),
        identity="AC22-0417",
        session="s1",
        answer="Accepted",
        facts=KNOWN,
    )
    return replace(boot, **changes)  # type: ignore[arg-type]


def test_an_accepted_boot_whose_every_known_fact_agrees_is_e3() -> None:
    assert assess_arrival(a_boot(), KNOWN).grade is Grade.E3


@pytest.mark.parametrize("answer", ["Pending", "Rejected", "", "accepted", "Accepted "])
def test_a_boot_that_was_not_accepted_word_for_word_is_no_arrival(answer: str) -> None:
    assessment = assess_arrival(a_boot(answer=answer), KNOWN)

    assert assessment.grade is Grade.E2
    assert "not Accepted" in assessment.reason


@pytest.mark.parametrize("name", ["vendor", "model", "serial", "iccid", "imsi"])
def test_one_identity_fact_that_differs_makes_it_another_station(name: str) -> None:
    impostor = a_boot(facts=replace(KNOWN, **{name: "other"}))

    assessment = assess_arrival(impostor, KNOWN)

    assert assessment.grade is Grade.E2
    assert assessment.reason.startswith(name)


def test_the_second_serial_binds_too() -> None:
    expected = replace(KNOWN, box_serial="BOX1")

    assert assess_arrival(a_boot(facts=replace(KNOWN, box_serial="BOX2")), expected).grade is Grade.E2


@pytest.mark.parametrize(
    "seen",
    [replace(KNOWN, serial="", box_serial="ACE0417"), replace(KNOWN, serial="other", box_serial="ACE0417")],
    ids=["only there", "another in the first place"],
)
def test_the_inventorys_one_serial_may_stand_in_either_place(seen: IdentityFacts) -> None:
    assert assess_arrival(a_boot(facts=seen), KNOWN).grade is Grade.E3


def test_a_fact_that_only_one_side_knows_neither_helps_nor_harms() -> None:
    assert assess_arrival(a_boot(facts=IdentityFacts(serial="ACE0417")), KNOWN).grade is Grade.E3
    assert assess_arrival(a_boot(), IdentityFacts(model="NG910")).grade is Grade.E3


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        (IdentityFacts(), KNOWN),
        (KNOWN, IdentityFacts()),
        (IdentityFacts(firmware="6.1"), IdentityFacts(firmware="6.1")),
    ],
    ids=["nothing expected", "nothing said", "firmware alone"],
)
def test_without_one_fact_known_on_both_sides_nobody_can_say_who_it_is(
    expected: IdentityFacts, seen: IdentityFacts
) -> None:
    assessment = assess_arrival(a_boot(facts=seen), expected)

    assert assessment.grade is Grade.E2
    assert assessment.reason == "no identity fact is known on both sides"


def test_new_firmware_is_no_new_station() -> None:
    moved = a_boot(facts=replace(KNOWN, firmware="7.0"))

    assert assess_arrival(moved, replace(KNOWN, firmware="6.1")).grade is Grade.E3


def test_a_second_answering_session_under_the_same_identity_blocks_e3() -> None:
    assessment = assess_arrival(a_boot(), KNOWN, rivals=1)

    assert assessment.grade is Grade.E2
    assert "answering" in assessment.reason


def test_a_relay_that_answers_for_the_csms_is_capped_at_e2_outside_demo_and_bench() -> None:
    assert assess_arrival(a_boot(lab=True), KNOWN).grade is Grade.E2
    assert assess_arrival(a_boot(lab=True), KNOWN, lab_counts=True).grade is Grade.E3


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.DISCONNECTED])
def test_a_station_turned_away_at_the_door_has_proven_nothing(kind: Kind) -> None:
    assessment = assess_arrival(a_boot(kind=kind, answer="401"), KNOWN)

    assert assessment.grade is Grade.E0
    assert "401" in assessment.reason


@pytest.mark.parametrize("kind", [Kind.CONNECTED, Kind.HEARTBEAT, Kind.STATUS, Kind.TRANSACTION_STARTED, Kind.FIRMWARE])
def test_a_session_without_a_boot_is_a_session_and_no_more(kind: Kind) -> None:
    assert assess_arrival(a_boot(kind=kind), KNOWN).grade is Grade.E1


facts_strategy = st.builds(
    IdentityFacts,
    **dict.fromkeys(["vendor", "model", "serial", "box_serial", "iccid", "imsi"], st.sampled_from(["", " ", "a", "b"])),
)


@given(facts_strategy, facts_strategy, st.sampled_from(["Accepted", "Pending"]), st.integers(0, 2), st.booleans())
def test_e3_is_never_given_against_a_single_doubt(
    expected: IdentityFacts, seen: IdentityFacts, answer: str, rivals: int, lab: bool
) -> None:
    boot = a_boot(facts=seen, answer=answer, lab=lab)

    if assess_arrival(boot, expected, rivals=rivals).grade is Grade.E3:
        both = expected.known.keys() & seen.known.keys()
        assert answer == "Accepted"
        assert not rivals
        assert not lab
        assert all(expected.known[n] == seen.known[n] for n in both - {"serial"})
        assert both or seen.known.get("box_serial") == expected.known.get("serial")


def test_what_a_station_says_that_is_no_text_is_unknown() -> None:
    facts = facts_from_boot({"chargePointVendor": ["Alfen"], "chargePointModel": None, "iccid": 8931, "imsi": "20408"})

    assert facts == IdentityFacts(imsi="20408")


@pytest.mark.parametrize(("planned", "shown"), [(2, 1), (3, 2), (1, 0)])
def test_an_arrival_below_the_planned_security_profile_is_no_proof(planned: int, shown: int) -> None:
    assessment = assess_arrival(a_boot(security=shown), KNOWN, terms=Terms(security=planned))

    assert assessment.grade is Grade.E2
    assert f"security profile {shown} is below the {planned}" in assessment.reason


@pytest.mark.parametrize(("planned", "shown"), [(2, 2), (1, 3), (None, 0), (2, None)])
def test_an_arrival_at_or_above_it_or_of_which_nobody_can_tell_is_held_against_nobody(
    planned: int | None, shown: int | None
) -> None:
    assert assess_arrival(a_boot(security=shown), KNOWN, terms=Terms(security=planned)).grade is Grade.E3


def test_a_station_that_arrives_under_its_old_name_where_it_was_to_be_renamed_is_not_confirmed() -> None:
    renamed = Terms(name="NL-0417")

    assert assess_arrival(a_boot(called="NL-0417"), KNOWN, terms=renamed).grade is Grade.E3
    assert "not as 'NL-0417'" in assess_arrival(a_boot(), KNOWN, terms=renamed).reason
