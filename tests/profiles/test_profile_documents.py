"""What the documents say of profiles is what the program does."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from textwrap import dedent

import pytest

from migrate.domain.profile import TEMPLATE_NAMES, Proof, Rollback
from vendor_profiles import load_catalogue, read_profiles
from vendor_profiles.keys import PROFILE, QUIRKS
from vendor_profiles.way_keys import WRITE

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

    listed = [(p.name, p.title, str(p.selector.firmware), p.method, p.rollback) for p in load_catalogue().profiles]
    assert rows == listed


@pytest.mark.parametrize(
    "words",
    [PROFILE, QUIRKS, WRITE, sorted(TEMPLATE_NAMES), list(Proof), list(Rollback)],
    ids=["keys", "quirks", "writes", "templates", "proof levels", "rollback classes"],
)
def test_the_guide_names_every_word_of_the_schema(words: Collection[str]) -> None:
    missing = [word for word in words if f"`{word}`" not in GUIDE and f"`${{{word}}}`" not in GUIDE]

    assert not missing
