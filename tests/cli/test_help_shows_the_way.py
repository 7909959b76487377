"""Help that is read at night: no list is cut off, every verb says what its exit codes mean and what comes next."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from migrate.cli import cli
from migrate.cli.signposts import SIGNPOSTS
from tests.cli.test_contract_help import COMMANDS

GROUPS = ["", "inventory", "profiles", "plan", "visits", "report"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_list_of_verbs_is_not_cut_off_on_a_narrow_terminal(group: str) -> None:
    said = CliRunner().invoke(cli, [*group.split(), "--help"], terminal_width=80).output

    _, _, listed = said.partition("Commands:")
    assert listed.strip()
    assert [line for line in listed.splitlines() if line.endswith("...")] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_of_every_verb_says_where_it_leads_or_that_it_is_an_end(path: str) -> None:
    words = path.removeprefix("migrate ")

    said = CliRunner().invoke(cli, [*words.split(), "--help"], terminal_width=100).output

    assert "Next: " in said or words.startswith("report ")


@pytest.mark.parametrize("words", ["run", "retry", "finish", "plan check", "inventory import", "visits return"])
def test_a_verb_whose_exit_code_means_something_of_its_own_says_so(words: str) -> None:
    said = CliRunner().invoke(cli, [*words.split(), "--help"], terminal_width=100).output

    assert "Exit codes: " in said


def test_every_signpost_stands_at_a_verb() -> None:
    groups = {name for name in SIGNPOSTS if isinstance(cli.get_command(click.Context(cli), name), click.Group)}

    assert set(SIGNPOSTS) - groups == {path.removeprefix("migrate ") for path in COMMANDS}
