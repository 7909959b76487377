"""What a campaign is told of the way over SSH: accounts and names of secrets, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.adapters.channels.ssh import Jump, SshSettings
from migrate.domain.errors import SettingsProblem
from migrate.settings import Settings, load_settings
from tests.settings.campaigns import LEAST


def told(folder: Path, lines: str) -> Settings:
    (folder / "campaign.toml").write_text(LEAST + "[ssh]\n" + lines)
    return load_settings(folder, environment={})


def test_an_unsaid_jump_host_is_none_and_the_host_keys_lie_in_the_campaign(tmp_path: Path) -> None:
    settings = SshSettings.of(tmp_path, told(tmp_path, "").values)

    assert settings == SshSettings(known_hosts=tmp_path / "known_hosts", scripts=(tmp_path / "profiles",))


def test_a_jump_host_is_told_as_an_account_and_the_names_of_its_secrets(tmp_path: Path) -> None:
    lines = 'jump = "ops@10.0.0.1:2200"\njump_secret = "router"\njump_key = "router_key"\n'

    settings = SshSettings.of(tmp_path, told(tmp_path, lines).values)

    assert settings.jump == Jump(user="ops", host="10.0.0.1", port=2200, secret="router", key="router_key")


@pytest.mark.parametrize(
    ("line", "wants"),
    [
        ("port = 0", "a port"),
        ('jump = "10.0.0.1"', "user@host:port"),
        ('jump = "ops@10.0.0.1:99999"', "user@host:port"),
        ('jump_secret = "S3cret!"', "the name of a secret"),
    ],
)
def test_a_way_over_ssh_that_cannot_be_is_refused_and_no_secret_is_repeated(
    tmp_path: Path, line: str, wants: str
) -> None:
    with pytest.raises(SettingsProblem, match=wants) as refused:
        told(tmp_path, line + "\n")

    assert "S3cret" not in str(refused.value)
