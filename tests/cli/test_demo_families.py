"""Which families and faults a demonstration deals, by what was asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate.cli.demo.choice import Choice
from migrate.domain.profile import Method
from migrate.simulator.behaviour import (
    BESIDE_KEYS,
    EVERY_FAMILY,
    FAMILIES,
    HTTP_FAMILIES,
    KEYED_FAMILIES,
    SCRIPT_FAMILIES,
    VISIT_FAMILIES,
    VISIT_ONLY,
    behaviour,
)
from migrate.simulator.deal import deal
from migrate.simulator.faults import Fault
from vendor_profiles import load_catalogue

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def choice(**facts: Any) -> Choice:
    usual: dict[str, Any] = {
        "stations": None,
        "inventory": None,
        "columns": None,
        "seed": 1,
        "speed": 30.0,
        "faults": "demo",
        "methods": (),
        "out": None,
    }
    return Choice(**{**usual, **facts})


def test_a_demonstration_shows_nine_families_and_three_visits_where_nothing_else_is_asked_for() -> None:
    one = choice()

    fleet = deal(1, 60, one.fault_set(), one.families)

    assert {spec.family for spec in fleet} == {*FAMILIES, VISIT_ONLY}


@pytest.mark.parametrize(
    ("methods", "families"),
    [
        ((), EVERY_FAMILY),
        (
            ("all",),
            (*(one for one in EVERY_FAMILY if one != "bender"), *BESIDE_KEYS),
        ),
        (("script", "http"), (*HTTP_FAMILIES, *SCRIPT_FAMILIES)),
        (("change_configuration",), KEYED_FAMILIES),
        (("visit",), VISIT_FAMILIES),
    ],
    ids=["nothing said", "all", "scripts and HTTP", "by key only", "visits only"],
)
def test_all_families_are_those_of_the_methods(methods: tuple[str, ...], families: tuple[str, ...]) -> None:
    one = choice(families_shown="all", methods=methods)

    fleet = deal(1, 200, one.fault_set(), one.families)

    assert {spec.family for spec in fleet} == set(families)


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_every_family_is_moved_as_the_fleet_says_it_can_be(family: str) -> None:
    hardware = behaviour(family).hardware[0]

    profile = load_catalogue().match(hardware.vendor, hardware.model, hardware.firmwares[0]).profile

    assert profile is not None
    assert (profile.method is Method.VISIT) is behaviour(family).is_visit_only


def test_every_fault_that_can_be_asked_for_is_in_the_manual() -> None:
    text = DOCS.read_text("utf-8")

    assert [fault for fault in Fault if f"`{fault}`" not in text] == []
