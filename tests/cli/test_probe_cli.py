"""``migrate profiles probe`` before it asks anybody."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from migrate.cli import cli


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    kept = tmp_path / "mine.yaml"
    kept.write_text("mine")

    ended = CliRunner().invoke(cli, ["profiles", "probe", "AC1", "--out", str(kept), "--campaign", str(tmp_path)])

    assert ended.exit_code == 2
    assert kept.read_text() == "mine"
