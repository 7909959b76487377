"""What stands in the locals of a traceback, or in a debugger: settings, doors, logins, and errors raised in their midst."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from traceback import TracebackException

import pytest

from migrate.adapters.channels.http.doors import HttpDoors
from migrate.adapters.channels.http.login import Account, Logins, sign_of
from migrate.adapters.channels.http.reach import HttpSettings
from migrate.adapters.channels.ssh import Jump, SshDoors, SshSettings
from migrate.adapters.channels.ssh.login import Login
from migrate.adapters.files.links import Links
from migrate.adapters.vault import FileVault
from migrate.domain.errors import MigrateError
from migrate.domain.evidence import Side
from migrate.domain.ways import HttpAuth
from migrate.settings import load_settings
from tests.adapters.channels.http_host import API
from tests.adapters.channels.http_host import a_profile as by_http
from tests.adapters.ssh.host import a_profile as by_ssh
from tests.adapters.ssh.host import a_script, a_station
from tests.secrets.forms import drawn, search

SECRET = drawn("planted")
CAMPAIGN = """
name = "printed"
timezone = "UTC"
[source]
url = "ws://127.0.0.1:9016/ocpp/{secret}"
[source.relay]
listen = "127.0.0.1:9016"
upstream = "ws://127.0.0.1:9/{secret}"
[target]
url = "ws://127.0.0.1:9017/ocpp/{secret}"
[target.relay]
listen = "127.0.0.1:9017"
upstream = "ws://127.0.0.1:9/ocpp"
"""


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    vault = FileVault(tmp_path / "secrets")
    for name in ("box", "router", "web"):
        vault.put(name, SECRET)
    return vault


def _settings(folder: Path) -> object:
    (folder / "campaign.toml").write_text(CAMPAIGN.format(secret=SECRET))
    store = f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/fleet"
    return load_settings(folder, environment={"MIGRATE_STORE_URL": store})


def test_settings_show_no_token_of_an_address_and_no_password_of_the_store(tmp_path: Path) -> None:
    settings = _settings(tmp_path)

    assert search([("repr", repr(settings).encode())], [SECRET]) == []
    assert "ws://127.0.0.1:9016/ocpp/***" in repr(settings)


def test_a_door_by_ssh_shows_no_credential_of_its_station_or_its_jump_host(tmp_path: Path, vault: FileVault) -> None:
    jump = Jump(user="router", host="127.0.0.1", secret="router")
    settings = SshSettings(known_hosts=tmp_path / "known", scripts=(tmp_path,), jump=jump)
    door = SshDoors(settings, vault).to(a_station(), by_ssh(a_script(by_jump=True)), Side.SOURCE)

    shown = repr(door) + repr(settings) + repr(vault) + repr(vars(vault))
    assert search([("repr", shown.encode())], [SECRET]) == []


@pytest.mark.parametrize("auth", [HttpAuth.BASIC, HttpAuth.DIGEST, HttpAuth.BEARER])
def test_a_door_by_http_shows_no_credential_and_no_token(vault: FileVault, auth: HttpAuth) -> None:
    doors = HttpDoors(HttpSettings(), vault)
    door = doors.to(a_station(), by_http(replace(API, auth=auth, user="ops", secret="web")), Side.SOURCE)

    account = Account(base="http://127.0.0.1", user="ops", secret=SECRET)
    shown = [door, vars(door), vars(doors), vars(door._calls), account, sign_of(auth, account, SECRET), Logins()]
    assert search([("repr", repr(shown).encode())], [SECRET]) == []


@pytest.mark.parametrize(
    "held",
    [
        lambda: Login(host="h", port=22, user="u", password=SECRET, key=SECRET),
        lambda: Login(host="h", port=22, user="u", jump=Login(host="j", port=22, user="u", password=SECRET)),
        lambda: Links(SECRET.encode()),
        lambda: sign_of(HttpAuth.BASIC, Account(base="b", user="u", secret=SECRET), b64encode(b"x").decode()),
    ],
    ids=["a login", "a login behind another", "links of firmware", "a signed header"],
)
def test_a_traceback_with_its_locals_shows_none_of_them(held: Callable[[], object]) -> None:
    with pytest.raises(MigrateError) as caught:
        _defect(held())

    told = "".join(TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "in_hand = " in told
    assert search([("traceback", told.encode())], [SECRET]) == []


def _defect(in_hand: object) -> None:
    raise MigrateError(f"broke with {in_hand!r} in its hand")
