"""What the documents say of profiles is what the program does."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from textwrap import dedent

import pytest

from migrate.domain.address import parse_backend
from migrate.domain.filling import Goal, prepare
from migrate.domain.profile import TEMPLATE_NAMES, Method, Proof, Rollback
from migrate.domain.ways import Way
from vendor_profiles import load_catalogue, on_request, read_profiles
from vendor_profiles.keys import PROFILE, QUIRKS, SLOTS
from vendor_profiles.way_keys import CALL, FINISH, FIRMWARE, HTTP, HTTP_KEY, SCRIPT, UNTIL, WRITE

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
README = (ROOT / "vendor_profiles" / "README.md").read_text(encoding="utf-8")


def test_the_first_profile_of_the_readme_loads() -> None:
    example = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert example is not None

    reading = read_profiles(dedent(example[1]), file="README.md")

    assert [profile.name for profile in reading.profiles] == ["acme_ac22"], reading.problems


def test_the_guide_lists_the_packaged_profiles_as_they_are() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| (\w+) \| (\w+) \|$", GUIDE, re.MULTILINE)

    every = (*load_catalogue().profiles, *on_request().profiles)
    listed = [(p.name, p.title, str(p.selector.firmware), p.method, p.rollback) for p in every]
    assert rows == listed


@pytest.mark.parametrize(
    "words",
    [
        *(PROFILE, QUIRKS, SLOTS, WRITE, HTTP, HTTP_KEY, CALL, UNTIL, SCRIPT, FIRMWARE, FINISH),
        *(sorted(TEMPLATE_NAMES), list(Proof), list(Rollback), list(Method), list(Way)),
    ],
    ids=[
        *(
            "keys",
            "quirks",
            "slots",
            "writes",
            "http",
            "http keys",
            "requests",
            "until",
            "script",
            "firmware",
            "finish",
        ),
        *("templates", "proof levels", "rollback classes", "methods", "ways"),
    ],
)
def test_the_guide_names_every_word_of_the_schema(words: Collection[str]) -> None:
    missing = [
        word
        for word in words
        if not re.search(rf"`(?:\$\{{)?{word}\}}?`|^ *{word}:|[{{ ]{word}: ", GUIDE, re.MULTILINE)
    ]

    assert not missing


@pytest.mark.parametrize(
    "method", [method for method in Method if method not in (Method.CHANGE_CONFIGURATION, Method.VISIT)]
)
def test_the_example_of_each_method_loads(method: Method) -> None:
    """As it stands, with what every profile has around it."""
    part = GUIDE[GUIDE.index(f"### {method}\n") :]
    example = re.search(r"```yaml\n(.*?)```", part, re.DOTALL)
    assert example is not None
    usual = {
        "selector": '{vendors: ["Acme"]}',
        "rollback": "remote",
        "turning_point": "restart",
        "proof": "{level: documented}",
        "sources": '["acme"]',
    }
    rest = "".join(f"    {key}: {value}\n" for key, value in usual.items() if f"\n    {key}:" not in example[1])
    text = f"schema: migrate.profile-file/1\nprofiles:\n  - name: acme\n    title: Acme\n{rest}{example[1]}"

    reading = read_profiles(text, file="profiles.md")

    assert [profile.method for profile in reading.profiles] == [method], reading.problems


def test_the_profile_for_a_campaigns_own_folder_loads() -> None:
    """Of a firmware that brings the keys: it is whole, and a station of that range is told of the firmware alone."""
    example = re.search(r"```yaml\n(  - name: amina_fw4_old\n.*?)```", GUIDE, re.DOTALL)
    assert example is not None

    reading = read_profiles(f"schema: migrate.profile-file/1\nprofiles:\n{example[1]}", file="profiles.md")

    assert [profile.name for profile in reading.profiles] == ["amina_fw4_old"], reading.problems
    goal = Goal(backend=parse_backend("wss://new.example/ocpp"), identity="CP1")
    assert [write.key for write in prepare(reading.profiles[0], goal, {"firmware": "4.1.0"})] == ["firmware"]
