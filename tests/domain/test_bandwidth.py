"""What a fleet's firmware weighs, and how long it takes over the bandwidth that its stations share."""

from __future__ import annotations

import pytest

from migrate.domain.bandwidth import Load, Share, freight, group_of, load_of, steps_ahead
from migrate.domain.station import Station
from migrate.domain.ways import Firmware

STEPS = Firmware(steps=("5.8", "5.10", "6.0"))


@pytest.mark.parametrize(
    ("current", "ahead"),
    [
        ("5.7", ("5.8", "5.10", "6.0")),
        ("5.9", ("5.10", "6.0")),
        ("6.0", ()),
        ("6.1", ()),
        ("", ("5.8", "5.10", "6.0")),
    ],
    ids=["oldest", "between", "there", "newer", "unknown"],
)
def test_a_station_loads_every_step_that_is_ahead_of_it(current: str, ahead: tuple[str, ...]) -> None:
    assert steps_ahead(STEPS, current) == ahead


def test_stations_behind_one_apn_share_its_rate_and_those_without_share_their_sites() -> None:
    behind = [Station(identity=f"AC{n}", apn="iot.example", site_id=f"{n}") for n in range(2)]
    wired = Station(identity="AC9", site_id="mall")

    assert {group_of(one, Share.APN) for one in behind} == {"apn:iot.example"}
    assert group_of(behind[0], Share.SITE) == "site:0"
    assert group_of(wired, Share.APN) == "site:mall"


def test_the_time_is_that_of_all_bytes_of_a_group_and_what_has_no_file_is_counted_apart() -> None:
    sizes = {("5.9", "5.10"): 400_000, ("5.10", "6.0"): 600_000}
    stations = [Station(identity=f"AC{n}", firmware="5.9", site_id="mall") for n in range(3)]
    stations.append(Station(identity="OLD", firmware="5.7", site_id="mall"))
    loads = [load_of(one, STEPS, Share.SITE, lambda was, to: sizes.get((was, to))) for one in stations]

    (mall,) = freight(loads, 100_000)

    assert (mall.group, mall.stations, mall.files, mall.unknown) == ("site:mall", 4, 7, 2)
    assert (mall.size_bytes, mall.duration_s) == (3_600_000, 36.0)


def test_the_group_that_takes_longest_is_told_first_and_who_loads_nothing_is_left_out() -> None:
    loads = [
        Load(identity="A", group="site:1", sizes=(100,)),
        Load(identity="B", group="site:2", sizes=(300,)),
        Load(identity="C", group="site:3", sizes=()),
    ]

    assert [one.group for one in freight(loads, 100)] == ["site:2", "site:1"]
