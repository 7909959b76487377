"""A host key becomes known because a person has seen it, and by nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from migrate.adapters.channels.ssh.known_hosts import HostKey, KnownHosts, place_of
from migrate.adapters.channels.ssh.visual import picture
from migrate.cli import call
from migrate.domain.station import Station
from tests.adapters.ssh.host import HOST, Box, a_box_beside
from tests.cli.campaigns import campaign

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]
STATION = Station(identity="SSH-1", vendor="Alfen BV", model="NG910-60023", firmware="5.8.1-4123", ip_address=HOST)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with a_box_beside(tmp_path / "box") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIGRATE_USER", "j.bakker")
    return campaign(
        tmp_path, [STATION, replace(STATION, identity="SSH-2", ip_address="")], more=f"[ssh]\nport = {box.port}\n"
    )


def known(folder: Path, box: Box) -> dict[str, HostKey]:
    return KnownHosts(folder / "known_hosts").keys_of(place_of(HOST, box.port))


def trusted_events(capsys: Capture) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert call(["station", "SSH-1", "--json"]) == 0
    return [e for e in json.loads(capsys.readouterr().out)["events"] if e["kind"] == "trusted"]


def test_nothing_is_trusted_where_nobody_can_be_asked(folder: Path, box: Box, capsys: Capture) -> None:
    assert call(["trust", "SSH-1", "--no-input"]) == 4

    assert "nobody can be asked" in capsys.readouterr().err
    assert known(folder, box) == {}
    assert box.tries == []


@pytest.mark.parametrize("name", ["SSH-1", HOST])
def test_the_fingerprint_that_a_person_has_seen_is_recorded_with_their_name(
    folder: Path, box: Box, capsys: Capture, name: str
) -> None:
    assert call(["trust", name, "--fingerprint", box.host_key.fingerprint, "--no-input"]) == 0

    assert box.host_key.fingerprint in capsys.readouterr().out
    assert known(folder, box) == {"ssh-ed25519": box.host_key}
    assert (folder / "known_hosts").stat().st_mode & 0o777 == 0o600
    (event,) = trusted_events(capsys)
    assert (event["data"]["by"], event["data"]["how"]) == ("j.bakker", "fingerprint")
    assert event["data"]["fingerprint"] == box.host_key.fingerprint


def test_another_fingerprint_than_the_one_that_was_given_is_never_recorded(
    folder: Path, box: Box, capsys: Capture
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").get_fingerprint()

    assert call(["trust", "SSH-1", "--fingerprint", other, "--yes"]) == 4

    assert "not the fingerprint" in capsys.readouterr().err
    assert known(folder, box) == {}


def test_yes_adds_what_is_not_known_and_replaces_nothing(
    folder: Path, box: Box, tmp_path: Path, capsys: Capture
) -> None:
    assert call(["trust", "SSH-1", "--yes"]) == 0
    with a_box_beside(tmp_path / "other", port=0) as other:
        KnownHosts(folder / "known_hosts").add(place_of(HOST, other.port), box.host_key)

        assert call(["trust", HOST, "--port", str(other.port), "--yes"]) == 4
        assert call(["trust", HOST, "--port", str(other.port), "--yes", "--replace", "new board"]) == 4

        assert "another key" in capsys.readouterr().err
        assert known(folder, other) == {"ssh-ed25519": box.host_key}
        words = ["trust", HOST, "--port", str(other.port), "--replace", "new board"]
        assert call([*words, "--fingerprint", other.host_key.fingerprint]) == 0
        assert known(folder, other) == {"ssh-ed25519": other.host_key}
    assert known(folder, box) == {"ssh-ed25519": box.host_key}
    assert [e["data"].get("reason") for e in trusted_events(capsys) if e["data"]["replaced"]] == ["new board"]


def test_a_key_that_is_known_is_not_asked_about_again(folder: Path, capsys: Capture) -> None:
    assert call(["trust", "SSH-1", "--yes"]) == 0
    capsys.readouterr()

    assert call(["trust", "SSH-1", "--json", "--no-input"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["known"], told["recorded"]) == ("migrate.trust/1", 1, 0)


def test_a_station_that_shows_no_key_is_told_and_the_exit_code_says_so(folder: Path, capsys: Capture) -> None:
    assert call(["trust", HOST, "--port", "1", "--yes", "--json"]) == 1

    (host,) = json.loads(capsys.readouterr().out)["hosts"]
    assert host["standing"] == "not_shown"
    assert "took no connection" in host["reason"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 64),
        (["SSH-1", "--all"], 64),
        (["--all", "--fingerprint", "SHA256:x"], 64),
        (["SSH-9"], 65),
        (["SSH-2"], 1),
        (["--jump"], 1),
    ],
    ids=["nobody", "two-ways", "one-for-all", "stranger", "no-address", "no-jump-host"],
)
def test_a_call_that_names_nobody_to_trust_says_what_is_missing(
    folder: Path, capsys: Capture, words: list[str], code: int
) -> None:
    assert call(["trust", *words]) == code
    assert capsys.readouterr().err


def test_the_picture_is_the_one_that_openssh_draws(tmp_path: Path) -> None:
    keygen = subprocess.run(["sh", "-c", "command -v ssh-keygen"], capture_output=True, check=False).stdout
    if not keygen:
        pytest.skip("ssh-keygen is not on this machine")
    for number in range(5):
        key = asyncssh.generate_private_key("ssh-ed25519")
        file = tmp_path / f"key-{number}.pub"
        file.write_bytes(key.export_public_key())
        drawn = subprocess.run(["ssh-keygen", "-lvf", file], capture_output=True, check=True).stdout.decode()

        ours = picture("ssh-ed25519", key.get_fingerprint()).splitlines()[1:]

        assert ours == drawn.splitlines()[2:]


def test_all_asks_every_station_that_is_reached_over_ssh_and_no_other(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    controller = Station(
        identity="B-1", vendor="Bender GmbH Co. KG", model="CC613_ELM4PR", firmware="5.33.5", ip_address=HOST
    )
    campaign(tmp_path, [controller, STATION], more=f"[ssh]\nport = {box.port}\n")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "own.yaml").write_text("schema: migrate.profile-file/1\nuse: [bender_cc61x_ssh]\n")

    assert call(["trust", "--all", "--yes", "--json"]) == 0

    hosts = json.loads(capsys.readouterr().out)["hosts"]
    assert [(one["identity"], one["recorded"]) for one in hosts] == [("B-1", True)]


def test_where_nobody_is_reached_over_ssh_it_is_said_and_nothing_is_wrong(folder: Path, capsys: Capture) -> None:
    assert call(["trust", "--all"]) == 0

    said = capsys.readouterr().err
    assert "No station among them" in said
    assert "recorded" not in said


def test_the_jump_host_is_trusted_under_its_own_name(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = campaign(tmp_path, [STATION], more=f'[ssh]\njump = "ops@{HOST}:{box.port}"\n')

    assert call(["trust", "--jump", "--fingerprint", box.host_key.fingerprint]) == 0

    assert known(folder, box) == {"ssh-ed25519": box.host_key}
    assert box.tries == []


@pytest.mark.parametrize(("typed", "code"), [("1", 0), ("2", 4), ("yes", 4)])
def test_on_a_terminal_the_number_of_keys_is_typed_back(folder: Path, box: Box, typed: str, code: int) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader, "r+b", buffering=0) as person:
        words = [sys.executable, "-m", "migrate", "trust", "SSH-1"]
        person.write(f"{typed}\n".encode())
        ran = subprocess.run(
            words,
            stdin=follower,
            capture_output=True,
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        os.close(follower)

    assert ran.returncode == code, ran.stderr.decode()
    assert box.host_key.fingerprint in ran.stdout.decode()
    assert b"[SHA256]" in ran.stdout, "a picture to compare"
    assert bool(known(folder, box)) is (code == 0)
