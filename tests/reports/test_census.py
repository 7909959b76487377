"""What the fleet consists of."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from migrate.domain.profile import Method, Profile, Proof, Rollback, Selector, TurningPoint
from migrate.domain.station import Station
from reports.census import census, table_text


@dataclass(frozen=True)
class Fit:
    profile: Profile | None


def profile(name: str) -> Profile:
    return Profile(
        name=name,
        title=name,
        selector=Selector(vendors=("KEBA",)),
        method=Method.CHANGE_CONFIGURATION,
        rollback=Rollback.AUTOMATIC,
        turning_point=TurningPoint.RESTART,
        proof=Proof.SIMULATED,
    )


def keba_only(station: Station) -> Fit:
    return Fit(profile("keba") if station.vendor == "KEBA" else None)


def station(number: int, vendor: str = "KEBA", model: str = "P30", firmware: str = "1.13", site: str = "") -> Station:
    return Station(identity=f"AC{number}", vendor=vendor, model=model, firmware=firmware, site_id=site)


def test_kinds_are_counted_the_most_frequent_first_with_what_can_be_done() -> None:
    fleet = [station(1, "Acme", "X"), station(2, site="S"), station(3, site="S")]

    document = census(fleet, keba_only).to_json()

    assert document == {
        "schema": "migrate.census/1",
        "stations": 3,
        "sites": 2,
        "models": [
            {
                "vendor": "KEBA",
                "model": "P30",
                "firmware": "1.13",
                "stations": 2,
                "profile": "keba",
                "method": "change_configuration",
                "rollback": "automatic",
            },
            {
                "vendor": "Acme",
                "model": "X",
                "firmware": "1.13",
                "stations": 1,
                "profile": None,
                "method": None,
                "rollback": None,
            },
        ],
        "unmatched": 1,
        "spellings": [],
    }


def test_one_model_in_three_spellings_is_shown_and_never_merged() -> None:
    fleet = [station(n, "APT", model) for n, model in enumerate(["Tri-Header", "Tri Header", "Tri header"])]

    count = census(fleet, keba_only)

    assert [model.stations for model in count.models] == [1, 1, 1]
    assert count.spellings == (("APT Tri Header", "APT Tri header", "APT Tri-Header"),)


def test_one_kind_with_two_profiles_is_two_lines() -> None:
    count = census([station(1), station(2)], lambda s: Fit(profile("a" if s.identity == "AC1" else "b")))

    assert [model.profile for model in count.models] == ["a", "b"]


def test_a_fleet_of_nothing_is_counted_as_nothing() -> None:
    count = census([], keba_only)

    assert (count.stations, count.sites, count.models, count.unmatched) == (0, 0, (), 0)
    assert "0 stations" in table_text(count)


def test_hostile_names_reach_no_terminal_raw() -> None:
    text = table_text(census([station(1, "\x1b[31mACME[/red]\n", "M\u202e")], keba_only))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "none" in text


@given(st.lists(st.tuples(st.sampled_from(["KEBA", "", "Acme"]), st.sampled_from(["P30", ""])), max_size=30))
def test_every_station_is_counted_exactly_once(kinds: list[tuple[str, str]]) -> None:
    fleet = [station(number, vendor, model) for number, (vendor, model) in enumerate(kinds)]

    count = census(fleet, keba_only)

    assert sum(model.stations for model in count.models) == len(fleet) == count.stations
    assert count.unmatched == sum(vendor != "KEBA" for vendor, _ in kinds)
