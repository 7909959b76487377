"""Profiles written as text: what was written is read back as the same profile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.domain.errors import ProfileProblem
from migrate.domain.profile import Method, Profile, Timing
from migrate.domain.ways import Way
from vendor_profiles import load_catalogue, read_profiles
from vendor_profiles.writer import profile_text

PLAIN = [
    profile
    for profile in load_catalogue().profiles
    if profile.method in (Method.CHANGE_CONFIGURATION, Method.VISIT)
    and not (profile.http or profile.script or profile.firmware or profile.finish)
    and profile.timing == Timing()
    and all(write.via is Way.OCPP for write in profile.writes)
]


@pytest.mark.parametrize("profile", PLAIN, ids=lambda profile: profile.name)
def test_a_profile_of_the_catalogue_survives_being_written(profile: Profile) -> None:
    reading = read_profiles(profile_text(profile, family="any"), file="any.yaml")

    assert reading.problems == ()
    assert reading.profiles == (profile,)


def test_what_a_station_says_of_itself_never_becomes_structure() -> None:
    hostile = 'Acme"]}\n  - name: evil #: {x: ${url}}'
    profile = replace(PLAIN[0], title=hostile)

    (read,) = read_profiles(profile_text(profile, family=hostile), file="any.yaml").profiles

    assert read.title == hostile


def test_a_way_that_only_a_person_can_describe_is_refused() -> None:
    keyed = next(profile for profile in PLAIN if profile.writes)
    scripted = replace(keyed, writes=(replace(keyed.writes[0], via=Way.SSH),))

    with pytest.raises(ProfileProblem, match="goes by ssh"):
        profile_text(scripted, family="any")
