"""Which profile a station gets, and the honest none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.domain.profile import (
    Profile,
    Selector,
)
from migrate.domain.version import FirmwareRange
from tests.doubles.catalogue import a_profile
from vendor_profiles import Catalogue, load_catalogue
from vendor_profiles.matcher import glob_holds, spoken_version


def chosen(name: str, **selector: object) -> Profile:
    return a_profile(name=name, selector=replace(Selector(vendors=("Acme*",)), **selector))  # type: ignore[arg-type]


def name_found(catalogue: Catalogue, *kind: str) -> str | None:
    profile = catalogue.match(*kind).profile
    return profile and profile.name


def test_vendor_and_model_are_compared_whatever_their_case_and_blanks_around_them() -> None:
    assert name_found(Catalogue([chosen("acme", models=("AC-*",))]), "  ACME ag ", "ac-22\n", "") == "acme"


@pytest.mark.parametrize(
    ("glob", "text", "holds"),
    [
        ("GRS-*", "GRS-*", True),
        ("A?C", "ABC", True),
        ("A?C", "AC", False),
        ("[ab]", "a", False),
        ("a.c", "abc", False),
        ("*", "", True),
        ("*", "two\nlines", True),
        ("AC22", "AC221", False),
    ],
)
def test_a_glob_has_two_wildcards_and_no_more(glob: str, text: str, holds: bool) -> None:
    assert glob_holds(glob, text) is holds


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({}, {"models": ("AC22*",)}),
        ({"models": ("AC22*",)}, {"models": ("AC22",)}),
        ({"models": ("AC*",)}, {"models": ("AC2*",)}),
        ({}, {"vendors": ("Acme",)}),
        ({}, {"firmware": FirmwareRange(at_least="4.0")}),
        ({"firmware": FirmwareRange(at_least="4.0")}, {"firmware": FirmwareRange(at_least="4.0", below="5.0")}),
        ({"ocpp_versions": ("*",)}, {}),
        ({"firmware": FirmwareRange(at_least="4.0", below="5.0")}, {"models": ("AC22",)}),
    ],
    ids=["model", "exact model", "longer model", "vendor", "one bound", "two bounds", "OCPP", "model before firmware"],
)
def test_the_most_specific_profile_wins(wide: dict[str, object], narrow: dict[str, object]) -> None:
    catalogue = Catalogue([chosen("a_wide", **wide), chosen("b_narrow", **narrow)])

    match = catalogue.match("Acme", "AC22", "4.2")

    assert match.profile is not None
    assert match.profile.name == "b_narrow"
    assert "a_wide" in match.why


def test_two_equally_specific_profiles_are_no_answer() -> None:
    catalogue = Catalogue([chosen("one"), chosen("two")])

    match = catalogue.match("Acme", "AC22", "4.2")

    assert match.profile is None
    assert "one and two fit equally well" in match.why


def test_an_unknown_firmware_fits_open_ranges_only_and_says_so() -> None:
    catalogue = Catalogue([chosen("ranged", firmware=FirmwareRange(at_least="4.0")), chosen("visited")])
    ranged_only = Catalogue([chosen("ranged", firmware=FirmwareRange(at_least="4.0"))])

    assert name_found(catalogue, "Acme", "AC22", "") == "visited"
    assert "firmware is unknown, it must be >=4.0" in ranged_only.match("Acme", "AC22", "").why
    assert "cannot be read as one version" in ranged_only.match("Acme", "AC22", "V1/V2").why


def test_every_profile_is_judged_and_every_miss_is_named() -> None:
    match = load_catalogue().match("Alfen BV", "XX1", "3.0", "2.0.1")

    alfen = next(verdict for verdict in match.reasons if verdict.profile == "alfen_fw5")
    assert len(match.reasons) == len(load_catalogue())
    assert len(alfen.misses) == 3
    assert {verdict.profile for verdict in match.near} == {"alfen_fw5", "alfen_fw6", "alfen201_fw5"}


@pytest.mark.parametrize(
    ("firmware", "expected"),
    [
        ("3.9", None),
        ("4.0", "alfen_fw5"),
        ("5.10.1-4150", "alfen_fw5"),
        ("5.99", "alfen_fw5"),
        ("6.0.0-rc1", "alfen_fw5"),
        ("6.0", "alfen_fw6"),
        ("6.6.0-4266", "alfen_fw6"),
        ("10.0", "alfen_fw6"),
    ],
)
def test_alfen_changes_its_key_at_firmware_6(firmware: str, expected: str | None) -> None:
    assert name_found(load_catalogue(), "Alfen BV", "NG910-60023", firmware) == expected


@pytest.mark.parametrize(
    ("firmware", "expected"),
    [("3.5.53", None), ("3.5.54", "amina_fw3"), ("3.99", "amina_fw3"), ("4.0", None), ("4.2.84", None), ("4.2.85", "amina_fw4")],
)  # fmt: skip
def test_amina_without_slots_has_no_profile(firmware: str, expected: str | None) -> None:
    assert name_found(load_catalogue(), "Amina Charging", "Amina S", firmware) == expected


@pytest.mark.parametrize("spoken", ["1.6", "1.6J", "OCPP1.6J", "ocpp1.6", "OCPP 1.6-J", " 1.6 "])
def test_an_ocpp_version_is_known_however_it_is_written(spoken: str) -> None:
    assert spoken_version(spoken) == "1.6"


def test_a_station_of_another_dialect_is_not_told_to_move_in_this_one() -> None:
    assert name_found(load_catalogue(), "Keba AG", "KC-P30-1", "1.12.0", "2.0.1") is None
    assert name_found(load_catalogue(), "Keba AG", "KC-P30-1", "1.12.0", "") is None
    assert name_found(load_catalogue(), "go-e", "go-eCharger", "59.4", "2.0.1") == "go_e"


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300), st.text(max_size=20))
def test_no_boot_string_breaks_the_matcher(vendor: str, model: str, firmware: str, ocpp_version: str) -> None:
    match = load_catalogue().match(vendor, model, firmware, ocpp_version)

    assert match.why
    assert match.why.replace("\n", "").isprintable()


def test_a_boot_string_of_a_megabyte_fits_nothing() -> None:
    assert name_found(load_catalogue(), "Keba AG" + "x" * 1_000_000, "KC-P30-1", "1.0") is None


def test_the_order_of_files_changes_nothing() -> None:
    profiles = load_catalogue().profiles

    assert Catalogue(reversed(profiles)).digest() == Catalogue(profiles).digest()
