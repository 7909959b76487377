"""Secrets of one station beside secrets of all: never one in place of the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.adapters.vault import FileVault
from migrate.domain.errors import NotAllowed


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    vault = FileVault(tmp_path / "secrets")
    vault.put("shared", "the same for all")
    own = tmp_path / "secrets" / "own"
    own.mkdir(mode=0o700)
    for name, secret in (("AC1", "of AC1"), ("..%2Fshared", "of an odd one")):
        (own / name).write_text(secret)
        (own / name).chmod(0o600)
    return vault


def test_a_file_is_for_all_and_a_folder_for_each(vault: FileVault) -> None:
    assert vault.of("AC1").secret("shared") == b"the same for all"
    assert vault.of("AC1").secret("own") == b"of AC1"


def test_a_station_that_the_folder_lacks_has_no_secret(vault: FileVault) -> None:
    with pytest.raises(NotAllowed, match="own/AC2 is nowhere"):
        vault.of("AC2").secret("own")


def test_an_identity_that_looks_like_a_path_names_a_file_of_the_folder(vault: FileVault) -> None:
    assert vault.of("../shared").secret("own") == b"of an odd one"


def test_a_file_that_others_may_read_is_refused(vault: FileVault, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "own" / "AC1").chmod(0o640)

    with pytest.raises(NotAllowed, match="may be read by others"):
        vault.of("AC1").secret("own")


def test_a_folder_of_secrets_asked_for_as_one_secret_is_not_allowed_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir(mode=0o700)

    with pytest.raises(NotAllowed, match="acme cannot be read"):
        FileVault(tmp_path).secret("acme")
