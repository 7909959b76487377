"""Boot strings that stations really sent: each gets the profile that a person expects, or an honest none.

The table was computed once and then read row by row against what is known of
each station; its rows follow the file of real boot strings, which stays where
it is.  A change of the catalogue that moves a row has to be meant.
"""

from __future__ import annotations

import csv
from itertools import chain, repeat
from pathlib import Path

import pytest

from migrate.domain.profile import Method
from vendor_profiles import Catalogue, Match, load_catalogue

NONE = ""
EXPECTED: tuple[tuple[int, str, str], ...] = (
    # rows, profile, why so
    (11, "wallbox", "Pulsar, Copper and Commander in every firmware; one without: the portal moves them all"),
    (1, "phoenix_charx", "a CHARX SEC by what its owner says; vendor and model longer than OCPP allows"),
    (5, "abb_terra_ac", "Terra AC by its board name, whatever the firmware"),
    (3, NONE, "Terra 53 is a DC station of another family, and no source says how it is moved"),
    (1, "schneider_evlink_fw33", "Smart Wallbox 3.3"),
    (1, "schneider_evlink", "Smart Wallbox 3.2: the key is proven for 3.3 alone"),
    (2, "schneider_evlink_fw33", "Smart Wallbox 3.3"),
    (2, "schneider_evlink", "Parking (MONOBLOCK) 3.2"),
    (1, "schneider_evlink_fw33", "Parking (MONOBLOCK) 3.3"),
    (1, "schneider_evlink", "City, firmware not known: by hand"),
    (1, "schneider_evlink_pro", "Pro AC is another family than EVlink 3"),
    (2, "bender_cc61x", "the controller under its maker's name"),
    (1, "bender_cc61x", "the controller as Webasto Live"),
    (1, NONE, "Webasto Next by its look, but it names no vendor"),
    (4, NONE, "Legrand and BTicino: no source"),
    (1, NONE, "Ensto: no source"),
    (3, NONE, "Delta in three spellings: no source"),
    (1, NONE, "ChargeX: no source"),
    (1, NONE, "Siemens: no source"),
    (2, "keba_p30x", "P30 x-series"),
    (1, "alfen_fw5", "firmware 4.15"),
    (1, "alfen_fw5", "firmware 5.8"),
    (1, NONE, "firmware 3.4 between other numbers: covered by no source, and not readable"),
    (2, NONE, "Alfen without a firmware: the key cannot be known"),
    (1, "alfen_fw6", "firmware 7.4"),
    (1, "alfen_fw5", "the same model with firmware 5.8"),
    (1, NONE, "Alfen without a firmware: the key cannot be known"),
    (3, "evbox", "one maker in three spellings"),
    (2, "ctek_chargestorm", "Chargestorm, before and after CTEK: by hand"),
    (2, "grizzl_e", "a model with a literal asterisk; firmware with colons"),
    (1, NONE, "United Chargers without a model"),
    (1, "autel_maxicharger", "firmware with bars and an empty place"),
    (1, "teison", "firmware with commas"),
    (1, NONE, "the same platform under another maker's name: not guessed"),
    (5, "go_e", "four hardware generations, a leading zero, a release candidate"),
    (2, NONE, "SimpleCharge, AcTEC: no source"),
    (1, "vestel_evc04", "EVC04, firmware cut off: the key is the same in all"),
    (8, NONE, "Ecotap, SpacePark, DELIGHT, WWWW, IES, Servicekeeda: no source"),
    (2, "ocular_bs", "sold as Ocular"),
    (6, NONE, "AEFA, FoxESS, DBT, Izivia, placeholder digits, no vendor at all"),
    (1, "enplus", "a vendor with a plus sign"),
    (5, NONE, "Hager, Rolec, Morek, SyncEV: no source"),
    (1, "openevse", "by the keys of MicroOcpp, which it is built on"),
    (1, NONE, "a whole boot as JSON inside the model"),
)

CATALOGUE = load_catalogue()


def matched(catalogue: Catalogue, row: dict[str, str]) -> Match:
    return catalogue.match(row["vendor"], row["model"], row["firmwareVersion"])


@pytest.fixture(scope="module")
def boots(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "boot_strings.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_boot_seen_in_the_field_gets_its_profile_or_an_honest_none(boots: list[dict[str, str]]) -> None:
    expected = list(chain.from_iterable(repeat((profile, why), rows) for rows, profile, why in EXPECTED))

    found = [matched(CATALOGUE, row) for row in boots]

    wrong = [
        (number, row["vendor"], row["model"], match.why, f"expected {profile or 'none'}: {why}")
        for number, (row, match, (profile, why)) in enumerate(zip(boots, found, expected, strict=True), 2)
        if (match.profile.name if match.profile else NONE) != profile
    ]
    assert not wrong


def test_a_none_says_what_is_missing(boots: list[dict[str, str]]) -> None:
    nones = [match for row in boots if not (match := matched(CATALOGUE, row)).profile]

    assert all(match.why.startswith(("No profile", "The vendor is unknown")) for match in nones)
    assert len(nones) > 40


@pytest.mark.parametrize("change", ["{}land", "x{}", "{}-compatible", "The {} Company", "{}2"])
def test_a_stranger_whose_name_is_alike_gets_nothing(boots: list[dict[str, str]], change: str) -> None:
    """Two makers may share the beginning of a name; the wrong key strands a station."""
    caught = []
    for row in boots:
        first, _, rest = row["vendor"].partition(" ")
        stranger = change.format(first) + (f" {rest}" if rest else "")
        match = CATALOGUE.match(stranger, row["model"], row["firmwareVersion"])
        if first and match.profile is not None:
            caught.append((stranger, match.profile.name))

    assert not caught


@pytest.mark.parametrize("profile", CATALOGUE.profiles, ids=lambda profile: profile.name)
def test_a_vendor_is_named_whole(profile: object) -> None:
    for glob in profile.selector.vendors:  # type: ignore[attr-defined]
        assert not glob.removesuffix(" *").count("*"), f"{glob} catches whoever begins alike"


def test_a_station_of_the_field_is_written_to_only_by_a_key_of_its_own_maker(boots: list[dict[str, str]]) -> None:
    """Of 96 real boots, those that are moved from afar: few, and each by name."""
    written = {
        (row["vendor"].split()[0].casefold(), match.profile.name)
        for row in boots
        if (match := matched(CATALOGUE, row)).profile and match.profile.method is Method.CHANGE_CONFIGURATION
    }

    assert written == {
        ("alfen", "alfen_fw5"),
        ("alfen", "alfen_fw6"),
        ("keba", "keba_p30x"),
        ("openevse", "openevse"),
        ("schneider", "schneider_evlink_fw33"),
        ("united", "grizzl_e"),
        ("vestel", "vestel_evc04"),
    }
