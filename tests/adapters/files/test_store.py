"""The list of firmware files: what is not exactly as it says is named, and loaded by nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migrate.adapters.files.store import FirmwareFile, Shelf, open_store
from migrate.domain.errors import FirmwareProblem
from migrate.domain.station import Station
from tests.adapters.files.conftest import listed, write_list

NEW = b"a firmware " * 100


def test_a_sound_folder_has_its_files_and_no_problem(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "acme-5.0.bin", NEW, size_bytes=len(NEW)))

    store = open_store(tmp_path).checked()

    assert [(file.name, file.version, file.size) for file in store.files] == [("acme-5.0.bin", "5.0", len(NEW))]


def test_a_file_with_another_checksum_is_named_with_its_line_and_the_sound_one_stays(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "good.bin", NEW), listed(tmp_path, "bad.bin", NEW))
    (tmp_path / "bad.bin").write_bytes(NEW[:-1] + b"!")

    store = open_store(tmp_path)

    assert [file.name for file in store.files] == ["good.bin"]
    with pytest.raises(FirmwareProblem, match=r"firmware\.toml:7: bad\.bin has another checksum"):
        store.checked()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "cannot be opened"),
        (lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), "cannot be opened"),
        (lambda path: (path.unlink(), path.mkdir()), "is no file"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "is no file"),
        (lambda path: path.write_bytes(NEW * 2), "has 2200 bytes, its list says 1100"),
    ],
    ids=["missing", "a link out of the folder", "a folder", "a pipe", "another size"],
)
def test_what_is_not_the_file_that_was_listed_is_refused_by_name(tmp_path: Path, spoil: object, said: str) -> None:
    write_list(tmp_path, listed(tmp_path, "acme.bin", NEW, size_bytes=len(NEW)))
    spoil(tmp_path / "acme.bin")  # type: ignore[operator]

    problems = open_store(tmp_path).problems

    assert len(problems) == 1
    assert "acme.bin" in problems[0]
    assert said in problems[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sha256": '"12"'}, "64 small hexadecimal digits"),
        ({"sha256": ""}, "lacks sha256"),
        ({"vendors": '"Acme"'}, "vendors of acme.bin wants vendors"),
        ({"from": '">=4"'}, "from of acme.bin wants"),
        ({"from": '{at_least = "x/y"}'}, "from of acme.bin wants"),
        ({"signature": '"QUJD"'}, "needs both"),
        ({"checksum": '"12"'}, "'checksum', which is no key"),
    ],
)
def test_an_entry_that_is_not_understood_is_void_and_says_why(tmp_path: Path, more: dict[str, str], said: str) -> None:
    write_list(tmp_path, listed(tmp_path, "acme.bin", NEW, **more))

    store = open_store(tmp_path)

    assert said in "\n".join(store.problems)
    assert not store.files


@pytest.mark.parametrize(
    "name", ["../secrets/idtag_key", "/etc/passwd", "a/b.bin", ".hidden", "a b.bin", "", "a\\u0000b"]
)
def test_a_name_that_leads_elsewhere_is_no_name_of_a_file(tmp_path: Path, name: str) -> None:
    entry = listed(tmp_path, "acme.bin", NEW).replace('"acme.bin"', f'"{name}"', 1)
    write_list(tmp_path, entry)

    store = open_store(tmp_path)

    assert "the name of a file beside this list" in "\n".join(store.problems)
    assert not store.files


def test_a_list_that_is_no_toml_is_one_problem_with_its_place(tmp_path: Path) -> None:
    write_list(tmp_path, "[[file]\n")

    with pytest.raises(FirmwareProblem, match=r"firmware\.toml cannot be read: .*line 1"):
        open_store(tmp_path)


def test_the_file_is_chosen_by_vendor_model_and_the_version_that_the_station_runs(tmp_path: Path) -> None:
    old, newer = '{at_least = "4.0", below = "5.0"}', '{at_least = "5.0"}'
    write_list(
        tmp_path,
        listed(tmp_path, "from4.bin", NEW, "6.0", models='["NG9*"]', **{"from": old}),
        listed(tmp_path, "from5.bin", NEW + b"5", "6.0", models='["NG9*"]', **{"from": newer}),
    )
    store = open_store(tmp_path).checked()

    chosen = [store.file_for("ACME", "NG910-60023", current, "6.0") for current in ("4.15", "5.10")]

    assert [one.name for one in chosen if isinstance(one, FirmwareFile)] == ["from4.bin", "from5.bin"]


@pytest.mark.parametrize(
    ("vendor", "model", "current", "version", "said"),
    [
        ("Acme", "NG910", "3.9", "6.0", "firmware '3.9' is not >=4.0"),
        ("Acme", "NG910", "", "6.0", "firmware '' is not >=4.0"),
        ("Acme", "Eve", "5.0", "6.0", "model 'Eve' is not NG9*"),
        ("Other", "NG910", "5.0", "6.0", "vendor 'Other' is not Acme"),
        ("Acme", "NG910", "5.0", "7.0", "brings version 7.0"),
    ],
)
def test_a_file_that_is_not_for_a_station_is_refused_with_what_does_not_fit(
    tmp_path: Path, vendor: str, model: str, current: str, version: str, said: str
) -> None:
    write_list(tmp_path, listed(tmp_path, "a.bin", NEW, "6.0", models='["NG9*"]', **{"from": '{at_least = "4.0"}'}))

    assert said in str(open_store(tmp_path).file_for(vendor, model, current, version))


def test_a_refusal_says_what_is_wrong_with_the_file_that_would_have_been_it(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "bad.bin", NEW))
    (tmp_path / "bad.bin").write_bytes(b"?")

    assert "bad.bin has another checksum" in str(open_store(tmp_path).file_for("Acme", "X", "4.0", "5.0"))


def test_two_files_for_one_step_are_a_question_and_no_choice(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "a.bin", NEW), listed(tmp_path, "b.bin", NEW + b"b"))

    assert "nobody can say which" in str(open_store(tmp_path).file_for("Acme", "X", "4.0", "5.0"))


def test_a_file_that_is_for_no_station_of_the_fleet_is_named(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "a.bin", NEW), listed(tmp_path, "b.bin", NEW, "5.1", vendors='["Other"]'))

    unused = open_store(tmp_path).unused([Station(identity="AC1", vendor="Acme", model="X", firmware="1")])

    assert len(unused) == 1
    assert "b.bin is for no station" in unused[0]


def test_a_file_that_was_changed_since_is_proven_again_before_it_is_served(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "a.bin", NEW))
    shelf = Shelf(tmp_path)
    first = shelf.open("a.bin")

    (tmp_path / "a.bin").write_bytes(NEW[::-1])

    assert first is not None
    os.close(first[1])
    assert shelf.open("a.bin") is None


def test_a_list_that_grew_is_read_again_without_a_restart(tmp_path: Path) -> None:
    write_list(tmp_path, listed(tmp_path, "a.bin", NEW))
    shelf = Shelf(tmp_path)
    before = shelf.open("b.bin")

    write_list(tmp_path, listed(tmp_path, "a.bin", NEW), listed(tmp_path, "b.bin", NEW, "5.1"))
    after = shelf.open("b.bin")

    assert before is None
    assert after is not None
    os.close(after[1])
