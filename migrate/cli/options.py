"""Options that every verb takes, and what they mean together.

``@common_options`` adds them to a command and hands it one :class:`Context`
as its first argument.  Talk and progress go to stderr, data to stdout.
"""

from __future__ import annotations

import codecs
import functools
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TextIO, TypeVar, cast

import click
from rich.console import Console

from migrate.cli.log_lines import OneLine
from migrate.settings import FILE_NAME

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How this command was called: where the campaign is and how to talk."""

    campaign: Path
    may_ask: bool  # False with --no-input or without a terminal
    verbosity: int  # -1 quiet, 0, 1, 2
    log_file: Path | None

    def say(self, text: str) -> None:
        """A sentence for the person, on stderr; silent with ``--quiet``."""
        if self.verbosity >= 0:
            talk().print(text, markup=False, highlight=False, soft_wrap=True)


def talk() -> Console:
    """The console for people: stderr, no colour when it is no terminal or ``NO_COLOR`` is set."""
    return Console(stderr=True, markup=False, highlight=False)


def data() -> Console:
    """The console for data in human form: stdout, never wrapped when it is piped."""
    return Console(markup=False, highlight=False, soft_wrap=not _is_terminal(sys.stdout))


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on stdout."""
    click.echo(_dumped(document, indent=2 if _is_terminal(sys.stdout) else None))


def print_json_line(document: Mapping[str, Any]) -> None:
    """One JSON document in one line, for those who read a stream."""
    click.echo(_dumped(document))


def _is_terminal(stream: TextIO | None) -> bool:
    """A stream that was closed before we began, as by ``<&-``, is ``None``."""
    return stream is not None and stream.isatty()


def _dumped(document: Mapping[str, Any], *, indent: int | None = None) -> str:
    """JSON is UTF-8: where stdout speaks anything else, what is not ASCII is written as escapes."""
    spoken = codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name
    return json.dumps(document, ensure_ascii=spoken != "utf-8", indent=indent)


def common_options(command: Callable[Concatenate[Context, P], R]) -> Callable[P, R]:
    """Add ``--campaign --no-input -q -v --log-file`` and pass a :class:`Context` first."""

    @click.option(
        "--campaign",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="MIGRATE_CAMPAIGN",
        default=None,
        help="Campaign folder. Default: the current folder, else $MIGRATE_CAMPAIGN.",
    )
    @click.option("--no-input", is_flag=True, help="Never ask; fail where an answer would be needed.")
    @click.option("-q", "--quiet", is_flag=True, help="Only data and errors.")
    @click.option("-v", "--verbose", count=True, help="More talk; twice for debugging.")
    @click.option(
        "--log-file", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Append the log here."
    )
    @functools.wraps(command)
    def wrapper(
        *args: Any,
        campaign: Path | None,
        no_input: bool,
        quiet: bool,
        verbose: int,
        log_file: Path | None,
        **kwargs: Any,
    ) -> R:
        context = Context(
            campaign=_campaign_folder(campaign),
            may_ask=not no_input and _is_terminal(sys.stdin),
            verbosity=-1 if quiet else verbose,
            log_file=log_file,
        )
        _log_to(context)
        return command(context, *args, **kwargs)

    return cast(Callable[P, R], wrapper)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``--json``, passed as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout instead of text.")(command)


class Reason(click.ParamType[str]):
    """Why a person orders something.  It goes into the journal, where blanks would tell nobody anything."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        words = str(value).strip()
        return words or self.fail("a reason needs words, for those who read the journal later.", param, ctx)


def _campaign_folder(asked: Path | None) -> Path:
    """What was named on the command line; else the current folder if it is a campaign, else the environment's."""
    source = click.get_current_context().get_parameter_source("campaign")
    if asked is not None and source is click.core.ParameterSource.COMMANDLINE:
        return asked
    here = Path.cwd()
    return here if asked is None or (here / FILE_NAME).exists() else asked


def _log_to(context: Context) -> None:
    level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(context.verbosity, logging.DEBUG)
    handlers: list[logging.Handler] = [logging.FileHandler(context.log_file)] if context.log_file else []
    if context.verbosity > 0 or not handlers:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(OneLine())
    logging.basicConfig(level=level, handlers=handlers, force=True)
    silence_foreign_loggers()


def silence_foreign_loggers() -> None:
    """Libraries that would print frames, keys or internals: the ``ocpp`` package logs every frame at INFO."""
    for name in ("ocpp", "websockets", "dbos", "alembic", "sqlalchemy", "paramiko"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
