"""The published form of a profile file: in step with the code, and true of every file that the code takes."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tests.profiles.samples import LEAST
from vendor_profiles import profile_schema, read_profiles
from vendor_profiles.keys import PROFILE, QUIRKS, SELECTOR, SLOTS
from vendor_profiles.way_keys import CALL, FINISH, FIRMWARE, HTTP, HTTP_KEY, SCRIPT, UNTIL, WRITE

TABLES = (PROFILE, WRITE, QUIRKS, SELECTOR, SLOTS, CALL, FINISH, FIRMWARE, HTTP, HTTP_KEY, SCRIPT, UNTIL)
ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = sorted(
    (f for f in (files("vendor_profiles") / "catalogue").iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name
)
SOUND = LEAST.replace("    sources", "    timing: {appear: 30m}\n    sources")
UNSOUND = {
    "a misspelt key": SOUND.replace("turning_point", "turning_piont"),
    "a method that is none": SOUND.replace("change_configuration", "pigeon"),
    "a way that is none": SOUND.replace("key: Url,", "key: Url, via: pigeon,"),
    "a visit with an interface": SOUND.replace("change_configuration", "visit").replace(
        '    writes: [{key: Url, value: "${url}"}]\n', ""
    )
    + "    visit: [Go there.]\n    script: {read: [cat], write: [put]}\n",
    "a misspelt class": SOUND.replace("rollback: remote", "rollback: remot"),
    "a number for a text": SOUND.replace("title: Acme AC22", "title: 22"),
    "a time without a unit": SOUND.replace("30m", "30"),
    "a clock for a time": SOUND.replace("30m", "22:30"),
    "nothing written": SOUND.replace('[{key: Url, value: "${url}"}]', "[]"),
    "a write without a value": SOUND.replace(', value: "${url}"', ""),
    "a visit that writes": SOUND.replace("change_configuration", "visit") + "    visit: [Go there.]\n",
    "another schema": SOUND.replace("file/1", "file/9"),
    "no profiles": "schema: migrate.profile-file/1\nprofiles: []\n",
}


def loaded(text: str) -> Any:
    """As JSON has it: the name of a field is a text there, also where it is a number."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def complaints(text: str) -> list[str]:
    return [error.message for error in Draft202012Validator(profile_schema()).iter_errors(loaded(text))]


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = json.loads((ROOT / "docs" / "profile.schema.json").read_text(encoding="utf-8"))

    assert published == profile_schema(), "Renew it with: migrate profiles schema > docs/profile.schema.json"


def test_the_schema_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(profile_schema())


@pytest.mark.parametrize("file", CATALOGUE, ids=lambda file: str(file.name))
def test_every_packaged_file_has_the_published_form(file: Any) -> None:
    assert complaints(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("case", UNSOUND)
def test_what_the_schema_refuses_the_program_refuses_too(case: str) -> None:
    text = UNSOUND[case]

    assert complaints(text)
    assert read_profiles(text, file="acme.yaml").problems


def test_the_sound_file_of_these_tests_is_sound_to_both() -> None:
    assert complaints(SOUND) == []
    assert not read_profiles(SOUND, file="acme.yaml").problems


def test_every_key_says_what_it_means() -> None:
    mute = [name for table in TABLES for name in table if not _meaning(table[name])]

    assert not mute


def _meaning(kind: Any) -> str:
    return str(kind.schema.get("description", ""))
