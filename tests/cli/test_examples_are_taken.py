"""Every command that a help or a page shows is one that the program takes: verbs, options, words and what they may be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from migrate.cli import cli
from tests.cli.test_contract_help import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REST = re.compile(r"\s{3,}|\s\(|\s\||\s>|\s#|\s&|; ")
"""Where an example ends and its remark, or the next command of the line, begins."""


def shown(text: str) -> Iterator[str]:
    """The example lines of a text; what stands in brackets is a choice of the reader's."""
    for line in re.findall(r"^ *(migrate [a-z].*)$", text, re.MULTILINE):
        yield re.sub(r"\[[^\]]*\]", "", REST.split(line)[0])


def take(line: str) -> None:
    """Raises what the program would say to a command that it does not take; nothing is run."""
    words, command = shlex.split(line)[1:], cli
    context = click.Context(cli, info_name="migrate")
    while isinstance(command, click.Group) and words:
        name, command_, words = command.resolve_command(context, words)
        assert command_ is not None
        command, context = command_, click.Context(command_, info_name=name, parent=context)
    command.make_context(context.info_name, words, parent=context.parent)


@pytest.fixture(autouse=True)
def what_examples_name_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("register.csv", "register.toml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", COMMANDS)
def test_the_examples_of_a_help_are_taken(path: str) -> None:
    command = COMMANDS[path]

    for line in shown(command.get_help(click.Context(command, info_name=path))):
        take(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_in_the_blocks_of_a_page_are_taken(page: Path) -> None:
    for block in re.findall(r"```(?:sh|console|text)?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in shown(block):
            take(line)


@pytest.mark.parametrize("line", ["migrate plan mak", "migrate run --pln 3f9c", "migrate explain"])
def test_what_is_not_taken_is_noticed(line: str) -> None:
    with pytest.raises(click.ClickException):
        take(line)
