"""What `migrate doctor` says, as an operator reads it before the night."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from migrate.cli import cli
from migrate.cli.doctor import heard
from migrate.cli.told_settings import in_columns


def test_settings_stand_in_columns_however_long_a_key_is() -> None:
    lines = in_columns(
        [
            {"key": "name", "value": "cutover", "origin": "a.toml"},
            {"key": "source.relay.upstream_certificate", "value": "none", "origin": "default"},
            {"key": "target.relay.upstream", "value": "wss://" + "x" * 60, "origin": "a.toml"},
        ]
    )

    assert {line.index(line.split()[1]) for line in lines} == {35}
    assert lines[0].index("a.toml") == lines[1].index("default")


def test_the_settings_read_as_one_would_write_them(tmp_path: Path) -> None:
    folder = tmp_path / "cutover"
    CliRunner().invoke(cli, ["init", str(folder)])

    said = CliRunner().invoke(cli, ["doctor", "--campaign", str(folder)]).stdout

    shown = {line.split()[0]: " ".join(line.split()[1:-1]) for line in said.splitlines() if line.endswith("default")}
    assert shown["source.relay.takes_plain"] == "false"
    assert shown["firmware.rate"] == "64 kB/s"


def test_a_backend_without_a_name_is_told_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "cutover"
    CliRunner().invoke(cli, ["init", str(folder)])
    settings = folder / "campaign.toml"
    settings.write_text(settings.read_text().replace("legacy-internal:8080", "legacy.invalid:8080"))

    said = CliRunner().invoke(cli, ["doctor", "--campaign", str(folder)]).stdout

    assert "LOOK  source CSMS: ws://legacy.invalid:8080/ocpp: its name is not known here (DNS)" in said
    assert "Errno" not in said


def test_what_listens_is_told_in_words_and_is_unwell_when_it_cannot_record() -> None:
    stats = {"recording": True, "recorded": 149, "backlog": 0, "lost": 0}

    well, unwell = heard(stats), heard({**stats, "recording": False, "backlog": 7})

    assert (well.is_well, well.said) == (True, "up; 149 sightings recorded, 0 to be recorded, 0 not kept")
    assert (unwell.is_well, unwell.said.startswith("cannot record: ")) == (False, True)
    assert "look at disk" in unwell.hint
