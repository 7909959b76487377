"""Every verb explains itself, and is explained in docs/cli.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from migrate.cli import cli

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"

VERBS_OF_THIS_RELEASE = "demo init inventory profiles plan run status station explain resolve trust pause resume halt retry rollback finish listen worker visits report doctor"
COMMON = {"--campaign", "--no-input", "--quiet", "-q", "--verbose", "-v", "--log-file", "--help", "-h"}


def commands(group: click.Group, path: str = "migrate") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(cli))


def options(command: click.Command) -> set[str]:
    return {word for param in command.params if isinstance(param, click.Option) for word in param.opts}


def section(path: str) -> str:
    found = re.search(rf"^### {re.escape(path)}\n(.*?)(?=^##)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section '### {path}'"
    return found[1]


def test_the_verbs_of_this_release_are_there_and_no_others() -> None:
    assert {path.split()[1] for path in COMMANDS} == set(VERBS_OF_THIS_RELEASE.split())


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_of_every_command_shows_an_example_that_begins_with_the_command(path: str) -> None:
    command = COMMANDS[path]

    text = command.get_help(click.Context(command, info_name=path))

    assert re.search(rf"^  {re.escape(path)}\b", text, re.MULTILINE)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_takes_the_common_options(path: str) -> None:
    assert options(COMMANDS[path]) | {"--help", "-h"} >= COMMON


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_documented(path: str) -> None:
    text = section(path)

    assert [o for o in sorted(options(COMMANDS[path]) - COMMON) if o.startswith("--") and f"`{o}" not in text] == []


def test_nothing_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^### (migrate .*)$", PAGE.read_text(), re.MULTILINE)

    assert set(headings) == set(COMMANDS)


@pytest.mark.parametrize("schema", sorted(set(re.findall(r"migrate\.[a-z_]+/1", PAGE.read_text()))))
def test_every_document_of_the_page_is_written_by_the_code(schema: str) -> None:
    root = PAGE.parents[1]
    sources = [*root.glob("migrate/**/*.py"), *root.glob("reports/*.py")]

    assert any(f'"{schema}"' in source.read_text() for source in sources)


@pytest.mark.parametrize("schema", ["inventory", "census", "plan", "status", "demo", "event", "station", "doctor"])
def test_every_document_of_the_contract_is_on_the_page(schema: str) -> None:
    assert f"`migrate.{schema}/1`" in PAGE.read_text()


def test_a_shell_is_given_verbs_to_complete() -> None:
    environment = os.environ | {"_MIGRATE_COMPLETE": "bash_complete", "COMP_WORDS": "migrate re", "COMP_CWORD": "1"}
    program = Path(sys.executable).with_name("migrate")
    if not program.exists():
        pytest.skip("the program is not installed beside this Python")

    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=30, check=False)

    assert done.stdout.split() == ["plain,resolve", "plain,resume", "plain,retry", "plain,report"]
