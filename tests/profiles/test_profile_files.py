"""Files that somebody wrote: misspelt, broken, hostile.  All problems at once, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vendor_profiles import (
    Catalogue,
    CatalogueProblem,
    check_file,
    digest,
    load_catalogue,
    on_request,
    read_profiles,
)

HEAD = "schema: migrate.profile-file/1\nprofiles:\n"
PROFILE = """\
  - name: acme_ac22
    title: Acme AC22
    selector: {vendors: ["Acme*"]}
    method: change_configuration
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes: [{key: Url, value: "${url}"}]
    sources: ["acme/firmware@1 config.c"]
"""

REFUSED = {
    "empty": ("", 1, "empty"),
    "only a comment": ("# nothing\n", 1, "empty"),
    "a list": ("- a\n", 1, "keys"),
    "a word": ("acme\n", 1, "keys"),
    "no YAML": (HEAD + "  - name: [acme\n", 4, "no YAML"),
    "a tab": (HEAD + "\t- name: acme\n", 3, "no YAML"),
    "a control character": (HEAD + PROFILE + "# \x07\n", 1, "no YAML"),
    "the same key twice": (HEAD + PROFILE + "    method: visit\n", 12, "appears twice"),
    "an alias bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, "aliases"),
    "a python object": ("a: !!python/object/apply:os.system ['true']\n", 1, "tag"),
    "a tag of YAML itself": (HEAD + "  - name: !!str acme\n", 3, "tag"),
    "three thousand brackets": ("[" * 3000, 1, "nesting"),
    "many parts": ("a: [" + "x," * 20_000 + "]", 1, "parts"),
    "too large": ("# " + "x" * 300_000, 1, "larger"),
    "two documents": (HEAD + PROFILE + "---\na: b\n", 12, "one document"),
    "a list for a key": ("? [a, b]\n: c\n", 1, "plain word"),
    "a merge key": (HEAD + "  - <<: {name: acme}\n", 3, "unknown"),
    "another schema": (HEAD.replace("/1", "/9") + PROFILE, 1, "reads migrate.profile-file/1"),
    "no profiles": ("schema: migrate.profile-file/1\n", 1, "profiles is missing"),
    "an empty list": (HEAD.rstrip("\n") + " []\n", 2, "list of profiles"),
    "profiles as a group": (HEAD + "  acme: {}\n", 3, "list of profiles"),
    "a misspelt key": (HEAD + PROFILE.replace("turning_point", "turning_piont"), 8, "Did you mean turning_point?"),
    "an unknown key": (HEAD + PROFILE + "    colour: blue\n", 12, "Known are"),
    "a misspelt choice": (HEAD + PROFILE.replace("rollback: remote", "rollback: remot"), 7, "Did you mean remote?"),
    "a number for a text": (HEAD + PROFILE.replace("title: Acme AC22", "title: 22"), 4, "quotes"),
    "a version without quotes": (
        HEAD + PROFILE.replace('vendors: ["Acme*"]', 'vendors: ["Acme*"], firmware: {at_least: 6.0}'), 5, "quotes",
    ),
    "a window as a number": (HEAD + PROFILE + "    timing: {appear: 22}\n", 12, "unit"),
    "a time without end": (HEAD + PROFILE + "    timing: {appear: 9999999d}\n", 12, "unit"),
    "a boolean in words": (HEAD + PROFILE + "    quirks: {falls_back: yes}\n", 12, "true or false"),
    "a count of nothing": (HEAD + PROFILE + "    quirks: {max_keys: 0}\n", 12, "from 1 on"),
    "nothing where a text is due": (HEAD + PROFILE.replace("title: Acme AC22", "title:"), 4, "empty"),
    "an empty text": (HEAD + PROFILE.replace("title: Acme AC22", 'title: "  "'), 4, "empty"),
    "one text for a list": (HEAD + PROFILE.replace('["acme/firmware@1 config.c"]', "acme"), 11, "list"),
    "a group for a text": (HEAD + PROFILE.replace("title: Acme AC22", "title: {a: b}"), 4, "one text"),
    "a writes group": (HEAD + PROFILE.replace('[{key: Url, value: "${url}"}]', "{key: Url}"), 10, "list"),
    "a write without a value": (HEAD + PROFILE.replace(', value: "${url}"', ""), 10, "value is missing"),
    "an escape sequence in a text": (HEAD + PROFILE.replace("Acme AC22", '"Acme\\x1b[31m"'), 4, "control"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_is_refused_with_its_line(case: str) -> None:
    text, line, word = REFUSED[case]

    reading = read_profiles(text, file="acme.yaml")

    assert not reading.profiles
    complaints = [p for p in reading.problems if word in f"{p.message} {p.hint}"]
    assert complaints, "\n".join(map(str, reading.problems))
    assert complaints[0].line == line, str(complaints[0])


def test_all_problems_of_a_file_come_at_once_in_the_order_of_the_file() -> None:
    text = HEAD + PROFILE.replace("title", "titel").replace("remote", "remot").replace("${url}", "${url")

    reading = read_profiles(text, file="acme.yaml")

    assert [(p.line, p.key) for p in reading.problems] == [
        (3, "profiles[0].title"),
        (4, "profiles[0].titel"),
        (7, "profiles[0].rollback"),
    ]


def test_one_bad_profile_does_not_hide_its_sound_neighbour() -> None:
    text = HEAD + PROFILE.replace("title: Acme AC22", "title: 22") + PROFILE.replace("acme_ac22", "acme_ac23")

    reading = read_profiles(text, file="acme.yaml")

    assert [profile.name for profile in reading.profiles] == ["acme_ac23"]
    assert len(reading.problems) == 1


def test_a_yaml_1_1_reader_would_take_no_for_false_and_ours_does_not() -> None:
    text = HEAD + PROFILE.replace('vendors: ["Acme*"]', "vendors: [NO, on]")

    reading = read_profiles(text, file="acme.yaml")

    assert reading.profiles[0].selector.vendors == ("NO", "on")


@settings(deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    reading = read_profiles(HEAD + text, file="acme.yaml")

    assert reading.problems


def test_a_campaign_overrides_a_profile_by_name_and_adds_its_own(tmp_path: Path) -> None:
    own = PROFILE + PROFILE.replace("acme_ac22", "keba_p30x").replace("Acme", "Keba")
    (tmp_path / "own.yaml").write_text(HEAD + own, encoding="utf-8")

    catalogue = load_catalogue(tmp_path)

    keba = catalogue.get("keba_p30x")
    assert keba is not None
    assert keba.title == "Keba AC22"
    assert len(catalogue) == len(load_catalogue()) + 1
    assert catalogue.digest() != load_catalogue().digest()


def test_a_campaign_without_profiles_uses_the_packaged_ones(tmp_path: Path) -> None:
    assert load_catalogue(tmp_path / "profiles").digest() == load_catalogue().digest()


def test_problems_of_several_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + PROFILE.replace("remote", "remot"), encoding="utf-8")
    (tmp_path / "b.yml").write_bytes(b"schema: \xff\n")

    with pytest.raises(CatalogueProblem) as found:
        load_catalogue(tmp_path)

    assert [Path(p.file).name for p in found.value.problems] == ["a.yaml", "b.yml"]


def test_the_same_name_twice_is_nobodys_override(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + PROFILE, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(HEAD + PROFILE, encoding="utf-8")
    (tmp_path / "c.yaml").write_text(HEAD + PROFILE + PROFILE, encoding="utf-8")

    with pytest.raises(CatalogueProblem, match="acme_ac22 is used twice"):
        load_catalogue(tmp_path)
    assert [p.line for p in check_file(tmp_path / "c.yaml").problems] == [12]


def test_a_windows_editor_may_leave_its_mark(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + (HEAD + PROFILE).replace("\n", "\r\n").encode())

    assert check_file(tmp_path / "a.yaml").problems == ()


def test_a_profile_that_changes_in_anything_has_another_digest() -> None:
    sound = read_profiles(HEAD + PROFILE, file="a").profiles[0]
    again = read_profiles(HEAD + PROFILE + "# a comment\n", file="b").profiles[0]
    other = read_profiles(HEAD + PROFILE.replace("${url}", "${url}/"), file="a").profiles[0]

    assert digest(sound) == digest(again) != digest(other)


def test_a_profile_on_request_fits_nothing_until_a_campaign_asks_for_it(tmp_path: Path) -> None:
    """A firmware is not sent because a version is old, and nobody signs in on a station unasked."""
    station = ("Keba AG", "KC-P30-EC2204U2-E00", "1.9.3")
    (tmp_path / "use.yaml").write_text("schema: migrate.profile-file/1\nuse: [keba_p30x_old]\n", encoding="utf-8")

    unasked, asked = load_catalogue().match(*station).profile, load_catalogue(tmp_path).match(*station).profile

    assert unasked is not None
    assert asked is not None
    assert (unasked.name, asked.name) == ("keba_p30x", "keba_p30x_old")


def test_a_profile_on_request_can_be_replaced_by_the_campaigns_own(tmp_path: Path) -> None:
    own = PROFILE.replace("acme_ac22", "keba_p30x_old")
    (tmp_path / "use.yaml").write_text(HEAD.replace("profiles:", "use: [keba_p30x_old]\nprofiles:") + own)

    profile = load_catalogue(tmp_path).get("keba_p30x_old")

    assert profile is not None
    assert profile.title == "Acme AC22"


def test_what_is_asked_for_has_to_exist(tmp_path: Path) -> None:
    path = tmp_path / "use.yaml"
    path.write_text("schema: migrate.profile-file/1\nuse: [keba_p30x_older]\n", encoding="utf-8")

    (problem,) = check_file(path).problems

    assert problem.key == "use[0]"
    assert "keba_p30x_old" in problem.hint


def test_every_profile_on_request_is_sound_and_beats_the_packaged_one() -> None:
    asked = on_request().profiles
    every = Catalogue((*load_catalogue().profiles, *asked))

    assert asked
    for profile in asked:
        vendor, model = profile.selector.vendors[-1].replace("*", "X"), profile.selector.models[0].replace("*", "X")
        found = every.match(vendor, model, "1.0").profile
        assert found is not None
        assert found.name == profile.name


def test_another_script_is_another_catalogue(tmp_path: Path) -> None:
    """A plan that was approved with one script is not run with another."""
    (tmp_path / "use.yaml").write_text("schema: migrate.profile-file/1\nuse: [bender_cc61x_ssh]\n", encoding="utf-8")
    packaged = load_catalogue(tmp_path).digest()
    (tmp_path / "persistency.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    own = load_catalogue(tmp_path).digest()

    (tmp_path / "persistency.sh").write_text("#!/bin/sh\nreboot\n", encoding="utf-8")

    assert len({packaged, own, load_catalogue(tmp_path).digest()}) == 3
