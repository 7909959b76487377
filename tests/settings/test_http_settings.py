"""``[http]`` of campaign.toml: where interfaces are, and which cloud is asked elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.adapters.channels.http.reach import HttpSettings
from migrate.domain.errors import SettingsProblem
from migrate.settings import load_settings
from tests.settings.campaigns import LEAST


def http_of(folder: Path, more: str = "") -> HttpSettings:
    (folder / "campaign.toml").write_text(LEAST + more, encoding="utf-8")
    return HttpSettings.of(folder, load_settings(folder, environment={}).values)


def test_a_campaign_that_says_nothing_of_http_asks_port_80_and_trusts_the_systems_roots(tmp_path: Path) -> None:
    assert http_of(tmp_path) == HttpSettings(port=80, at_once=16, ca=None, bases={})


def test_a_cloud_is_asked_where_the_campaign_says(tmp_path: Path) -> None:
    told = http_of(
        tmp_path, '[http]\nca = "ca.pem"\n[http.bases]\n"https://api.easee.com/" = "https://127.0.0.1:8443"\n'
    )

    assert told.bases == {"https://api.easee.com": "https://127.0.0.1:8443"}
    assert told.ca == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param('"https://api.easee.com" = "http://127.0.0.1:80"', "no certificate", id="TLS taken away"),
        pytest.param('"https://api.easee.com" = "https://user:pw@host"', "no base address", id="a user in it"),
        pytest.param('"https://api.easee.com" = "https://host/?a=b"', "no base address", id="a query in it"),
        pytest.param('"file:///etc/passwd" = "https://host"', "no base address", id="a file"),
    ],
)
def test_a_base_that_is_none_is_refused_with_its_reason(tmp_path: Path, line: str, complaint: str) -> None:
    with pytest.raises(SettingsProblem, match=complaint):
        http_of(tmp_path, f"[http.bases]\n{line}\n")


def test_an_account_is_named_by_the_campaign_and_never_with_its_password(tmp_path: Path) -> None:
    assert http_of(tmp_path, '[http.users]\neasee_cloud = "fleet@cpo.example"\n').users == {
        "easee_cloud": "fleet@cpo.example"
    }
    with pytest.raises(SettingsProblem, match="never its password"):
        http_of(tmp_path, '[http.users]\neasee_cloud = ["fleet", "hunter2"]\n')
