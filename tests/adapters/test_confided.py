"""What was told in confidence is in no line of a log and in no last word of a program that broke."""

from __future__ import annotations

import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from migrate.adapters import confided
from migrate.adapters.confided import confide, unconfided
from migrate.adapters.vault import FileVault
from migrate.cli.log_lines import OneLine
from tests.secrets.forms import drawn, search

PEM = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()


@pytest.fixture(autouse=True)
def _forgotten_afterwards() -> Iterator[None]:
    before = dict(confided._confided)
    confided._confided.clear()
    yield
    confided._confided.clear()
    confided._confided.update(before)


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user:", "fleetdesk:"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode], ids=["base64", "base64url"])
def test_a_password_behind_its_user_is_left_out_of_a_header(user: str, encode: object) -> None:
    assert callable(encode)
    secret = drawn("planted")
    confide(secret)

    said = unconfided(f"Authorization: Basic {encode(f'{user}{secret}'.encode()).decode()}")

    assert search([("said", said.encode())], [secret]) == []
    assert "***" in said


@pytest.mark.parametrize("spelt", [str, repr, lambda key: repr(key.encode()), lambda key: key.splitlines()[1]])
def test_a_private_key_is_left_out_line_by_line(spelt: object) -> None:
    assert callable(spelt)
    confide(PEM)

    said = unconfided(f"cannot read {spelt(PEM)}")

    assert not [line for line in PEM.splitlines()[1:-2] if line in said]


def test_what_a_vault_hands_out_is_in_no_traceback_of_the_log(tmp_path: Path) -> None:
    secret, vault = drawn("vault"), FileVault(tmp_path)
    vault.put("web", secret)

    with pytest.raises(RuntimeError) as caught:
        _break_with(vault.secret("web"))

    broken = (caught.type, caught.value, caught.tb)
    line = OneLine().format(logging.LogRecord("migrate", logging.DEBUG, "x.py", 1, "no %s", (secret,), broken))
    assert search([("log", line.encode())], [secret]) == []
    assert "RuntimeError: unexpected: *** and ***" in line


def _break_with(held: bytes) -> None:
    raise RuntimeError(f"unexpected: {held.hex()} and {held.decode()}")


def test_what_is_shorter_than_any_password_hides_no_words() -> None:
    confide("ion")

    assert unconfided("a station at its position") == "a station at its position"
