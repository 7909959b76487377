"""A wrong word on the command line: the code for it, and the right word."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from migrate.cli import VERBS, call, cli
from migrate.cli.groups import LATER

Capture = pytest.CaptureFixture[str]

PROMISED = [
    *[[verb] for verb in LATER["migrate"]],
    *[[group, verb] for group in ("plan", "report") for verb in LATER[group]],
]


@pytest.mark.parametrize("words", PROMISED, ids=" ".join)
def test_a_verb_of_a_later_release_says_so_and_what_there_is_until_then(words: list[str], capsys: Capture) -> None:
    assert call([*words, "x", "--json"]) == 64

    said = capsys.readouterr()
    assert said.out == ""
    assert f"'{words[-1]}' comes with a later release." in said.err
    assert "`migrate " in said.err or "runbook" in said.err or "inventory" in said.err


def test_no_verb_is_both_there_and_promised() -> None:
    context = click.Context(cli)
    for group in ("plan", "report"):
        command = cli.get_command(context, group)
        assert isinstance(command, click.Group)
        assert not set(command.list_commands(context)) & set(LATER[group])
    assert not set(VERBS) & set(LATER["migrate"])


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["staus"], "status"),
        (["plan", "aprove"], "approve"),
        (["visits", "lists"], "list"),
        (["INVENTORY"], "inventory"),
    ],
    ids=["staus", "plan aprove", "visits lists", "INVENTORY"],
)
def test_a_mistyped_verb_is_answered_with_the_nearest(words: list[str], near: str, capsys: Capture) -> None:
    assert call(words) == 64
    assert f"Did you mean {near}?" in capsys.readouterr().err


def test_a_word_that_is_near_nothing_gets_no_guess(capsys: Capture) -> None:
    assert call(["qqqqqq"]) == 64
    assert "Did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--methods", "carrier_pigeon"],
        ["--methods", "http", "carrier_pigeon"],
        ["--faults", "rain"],
        ["--columns", "map.toml"],
        ["--speed", "0"],
        ["--speed", "1001"],
    ],
    ids=" ".join,
)
def test_a_demonstration_that_cannot_be_asked_for_is_a_wrong_command_line_and_makes_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map.toml").write_text("[columns]\n")

    assert call(["demo", *words, "--out", "shown"]) == 64

    said = capsys.readouterr()
    assert said.out == ""
    assert not (tmp_path / "shown").exists()


def test_the_fault_sets_are_named_once_each(capsys: Capture) -> None:
    assert call(["demo", "--faults", "rain"]) == 64

    named = capsys.readouterr().err.partition("there are:")[2].replace("\n", " ").rstrip(". ").split(", ")
    assert len(named) == len(set(named)) > 5
