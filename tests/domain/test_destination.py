"""Whether an address suits a fleet: what would go wrong one station at a time is known at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.destination import address_for, misfits
from migrate.domain.profile import Profile, Write
from migrate.domain.station import Lifecycle, Station
from tests.doubles.catalogue import a_profile

FITTING = parse_backend("wss://new.example/ocpp")
PLAIN = parse_backend("ws://new.example/ocpp")
ACME = a_profile(writes=(Write(key="Url", value="${full_url}"),), max_value_length=40)
SHORT = Station(identity="AC-1", vendor="Acme", security_profile=0)
LONG = replace(SHORT, identity="AC-" + "1" * 30)
SECURED = replace(SHORT, identity="AC-2", security_profile=2)


def profile_of(_: Station) -> Profile | None:
    return ACME


def test_an_address_that_fits_everybody_is_not_spoken_of() -> None:
    assert misfits([SHORT, SECURED], profile_of, FITTING) == ()


def test_all_reasons_come_at_once() -> None:
    target = parse_backend("ws://new.example/AC-2")

    found = misfits([SHORT, LONG, SECURED], profile_of, target)

    assert [next(word for word in ("ends with", "ws://", "too long") if word in one) for one in found] == [
        "ends with",
        "ws://",
        "too long",
    ]


@pytest.mark.parametrize(
    "left_alone",
    [{"hold": "asked by the owner"}, {"lifecycle": Lifecycle.DECOMMISSIONED}, {"lifecycle": Lifecycle.WAREHOUSE}],
    ids=["on hold", "decommissioned", "in the warehouse"],
)
def test_a_station_that_is_left_alone_stands_in_nobodys_way(left_alone: dict[str, object]) -> None:
    aside = [replace(station, **left_alone) for station in (LONG, SECURED)]  # type: ignore[arg-type]

    assert misfits(aside, profile_of, PLAIN) == ()


def test_of_one_family_only_the_station_that_fails_first_is_named() -> None:
    longer = replace(LONG, identity="AC-" + "1" * 44)

    found = misfits([LONG, longer, SHORT], profile_of, PLAIN)

    assert len(found) == 1
    assert longer.identity in found[0]


def test_a_short_identity_that_is_long_in_an_address_is_found_behind_longer_ones() -> None:
    umlauts = replace(SHORT, identity="Säule-Ü")
    target = parse_backend("wss://new.example/o")

    found = misfits(
        [replace(SHORT, identity="AC-0000001"), umlauts], lambda _: replace(ACME, max_value_length=35), target
    )

    assert len(found) == 1
    assert umlauts.identity in found[0]


def test_a_station_without_a_profile_has_no_key_that_could_be_too_short() -> None:
    assert misfits([LONG], lambda _: None, PLAIN) == ()
    assert misfits([LONG], lambda _: replace(ACME, writes=()), PLAIN) == ()


def test_many_stations_are_counted_and_three_are_named() -> None:
    many = [replace(SECURED, identity=f"AC-{n}") for n in range(5)]

    (said,) = misfits(many, profile_of, PLAIN)

    assert "5 stations have it" in said
    assert "('AC-0', 'AC-1', 'AC-2', …)" in said


@pytest.mark.parametrize(
    ("security_profile", "takes_both", "dialled"),
    [
        (0, True, "ws://new.example:443/ocpp"),
        (1, True, "ws://new.example:443/ocpp"),
        (2, True, "wss://new.example/ocpp"),
        (3, True, "wss://new.example/ocpp"),
        (None, True, "wss://new.example/ocpp"),
        (1, False, "wss://new.example/ocpp"),
    ],
)
def test_a_station_goes_on_in_the_clear_or_over_tls_as_it_came_where_one_port_takes_both(
    security_profile: int | None, takes_both: bool, dialled: str
) -> None:
    station = Station(identity="AC1", security_profile=security_profile)

    told = address_for(station, parse_backend("wss://new.example/ocpp"), takes_both=takes_both)

    assert str(told) == dialled
