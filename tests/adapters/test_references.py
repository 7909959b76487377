"""What lists are held against: telephone plans, clocks that are put forward and back, names that are nearly known."""

from __future__ import annotations

from datetime import datetime

import pytest

from migrate.adapters.references import KnownKinds, local_time, phone_complaint, references
from migrate.domain.references import LocalTime
from vendor_profiles import load_catalogue

NEAR = references(KnownKinds(p.selector.vendors, p.selector.models) for p in load_catalogue().profiles).near


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        ("2026-03-29T02:30", "Europe/Amsterdam", LocalTime.MISSING),
        ("2026-03-29T03:00", "Europe/Amsterdam", LocalTime.ONCE),
        ("2026-10-25T02:30", "Europe/Amsterdam", LocalTime.TWICE),
        ("2026-10-25T03:00", "Europe/Amsterdam", LocalTime.ONCE),
        ("2026-04-05T02:30", "Australia/Sydney", LocalTime.TWICE),
        ("2026-03-29T02:30", "UTC", LocalTime.ONCE),
    ],
)
def test_clocks_that_are_put_forward_or_back_are_noticed(at: str, zone: str, expected: LocalTime) -> None:
    assert local_time(datetime.fromisoformat(at), zone) is expected


@pytest.mark.parametrize(
    ("text", "country", "says"),
    [
        ("+31 20 794 0000", "", ""),
        ("020 794 0000", "nl", ""),
        ("+44 20 7946 0018", "nl", ""),
        ("(030) 1234567", "de", ""),
        ("030 1234567", "", "no country code"),
        ("030 1234567", "zz", "no country code"),
        ("12", "nl", "length"),
        ("maria", "nl", "no country has"),
        ("+31 1" + "0" * 300, "nl", ""),
    ],
)
def test_a_number_is_judged_by_the_telephone_plan_of_its_country(text: str, country: str, says: str) -> None:
    complaint = phone_complaint(text, country)

    assert says in complaint
    assert bool(complaint) is bool(says) or len(text) > 200


@pytest.mark.parametrize(
    ("vendor", "model", "column", "name"),
    [
        ("Afen BV", "NG910-60023", "vendor", "Alfen"),
        ("Schnieder Electric", "City", "vendor", "Schneider"),
        ("Menekes", "", "vendor", "Mennekes"),
        ("Keba AG", "KC P30-EC2204", "model", "KC-P30-"),
    ],
)
def test_a_name_close_to_one_of_the_catalogue_is_suggested(vendor: str, model: str, column: str, name: str) -> None:
    near = NEAR(vendor, model)

    assert near is not None
    assert (near.column, near.name) == (column, name)
    assert near.score >= 90


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("Alfen BV", "NG910-60023"),
        ("Tritium", "RTM75"),
        ("Delta", ""),
        ("Circontrol", "eVolve"),
        ("Chargemaster", "Ultracharge"),
        ("ChargePoint", "CT4000"),
        ("", "NG910"),
        ("x" * 30_000, "y"),
        ("\ud800\0", "\x1b"),
    ],
    ids=[
        "known",
        "another",
        "short",
        "Spanish",
        "the same beginning",
        "another with it",
        "no vendor",
        "very long",
        "hostile",
    ],
)
def test_a_known_name_and_one_that_is_nothing_like_any_are_left_alone(vendor: str, model: str) -> None:
    assert NEAR(vendor, model) is None


def test_without_a_catalogue_no_name_is_near_another() -> None:
    assert references().near("Afen BV", "NG910") is None
