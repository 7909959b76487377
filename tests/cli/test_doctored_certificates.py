"""What ``migrate doctor`` says of certificates: until when they hold, what ends soon, what has ended."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from migrate.cli import call
from migrate.simulator.authority import Authority
from tests.cli.campaigns import campaign

ROOT = Authority("A root")
WSS = ('url = "ws://new.example/ocpp"\n[target.relay]', 'url = "wss://new.example/ocpp"\n[target.relay]')


def examined(
    folder: Path, capsys: pytest.CaptureFixture[str], more: str, *, of: str = "certificate"
) -> tuple[int, dict[str, Any]]:
    """The exit code, and what was found last of the relay's certificates, or of another of its files."""
    campaign(folder)
    path = folder / "campaign.toml"
    path.write_text(
        path.read_text().replace(*WSS).replace('upstream = "lab"\n[waves]', f'upstream = "lab"\n{more}[waves]')
    )
    (folder / "secrets").mkdir(mode=0o700)
    key = folder / "secrets" / "idtag_key"
    key.write_text("0" * 64)
    key.chmod(0o600)
    code = call(["doctor", "--json", "--campaign", str(folder)])
    told = capsys.readouterr()
    assert told.out, told.err
    findings = json.loads(told.out)["findings"]
    return code, [f for f in findings if f["what"] in (f"target.relay.{of}", of)][-1]


@pytest.mark.parametrize(
    ("lasts", "code", "well", "says"),
    [
        pytest.param(timedelta(days=89, hours=1), 0, True, "89 days", id="holds"),
        pytest.param(timedelta(days=29, hours=1), 0, False, "29 days", id="ends soon"),
        pytest.param(-timedelta(hours=1), 1, False, "has ended", id="has ended"),
    ],
)
def test_the_certificate_of_a_relay_is_told_with_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lasts: timedelta, code: int, well: bool, says: str
) -> None:
    ROOT.for_backend(lasts=lasts).write(tmp_path / "tls", "relay")

    ended, found = examined(tmp_path, capsys, 'certificate = "tls/relay.pem"\nkey = "tls/relay.key"\n')

    assert (ended, found["well"]) == (code, well)
    assert says in found["said"]


def test_the_certificate_of_the_firmware_server_is_told_with_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ROOT.for_backend(lasts=timedelta(days=29, hours=1)).write(tmp_path / "tls", "files")
    firmware = (
        '[firmware]\nlisten = "127.0.0.1:1"\nurl = "https://files.example"\nrate = "1 MB/s"\n'
        'certificate = "tls/files.pem"\nkey = "tls/files.key"\n'
    )

    _, found = examined(tmp_path, capsys, firmware, of="firmware.certificate")

    assert not found["well"]
    assert "29 days" in found["said"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended, found = examined(tmp_path, capsys, 'certificate = "tls/none.pem"\nkey = "tls/none.key"\n')

    assert ended == 1
    assert "cannot be read" in found["said"]


def test_of_two_certificates_each_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ROOT.for_backend().write(tmp_path / "tls", "ecdsa")
    Authority("With RSA", is_rsa=True).for_backend(lasts=-timedelta(hours=1)).write(tmp_path / "tls", "rsa")
    both = 'certificate = ["tls/ecdsa.pem", "tls/rsa.pem"]\nkey = ["tls/ecdsa.key", "tls/rsa.key"]\n'

    ended, found = examined(tmp_path, capsys, both)

    assert ended == 1
    assert "has ended" in found["said"]


@pytest.mark.parametrize(
    ("lasts", "code", "says"),
    [
        pytest.param(timedelta(days=7), 0, "1 certificate revoked", id="in force"),
        pytest.param(-timedelta(hours=1), 1, "the list of A root should have been renewed by", id="should be newer"),
    ],
)
def test_a_list_of_revoked_certificates_that_should_be_newer_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lasts: timedelta, code: int, says: str
) -> None:
    ROOT.for_backend().write(tmp_path / "tls", "relay")
    ROOT.write_root(tmp_path / "tls" / "stations.pem")
    (tmp_path / "tls" / "revoked.pem").write_text(ROOT.revoking(ROOT.for_station("AC1"), lasts=lasts))
    named = 'certificate = "tls/relay.pem"\nkey = "tls/relay.key"\nclient_ca = "tls/stations.pem"\n'

    ended, found = examined(tmp_path, capsys, named + 'client_crl = "tls/revoked.pem"\n', of="client_crl")

    assert (ended, found["well"]) == (code, code == 0)
    assert says in found["said"]
