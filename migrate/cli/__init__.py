"""The command line: one verb per file, loaded when it is called.

This module is the door: it finds the verb, turns errors into a sentence with
the way out, and errors into exit codes.  It knows nothing of migrations.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import click

from migrate import __version__
from migrate.adapters.confided import unconfided
from migrate.cli.exits import Exit, exit_for
from migrate.cli.groups import Group
from migrate.cli.signposts import signed
from migrate.domain.errors import CsmsUnavailable, JournalError, MigrateError, Stale, StationError
from reports.redaction import redact
from reports.words import display

VERBS: dict[str, str] = {
    "demo": "migrate.cli.demo:demo",
    "init": "migrate.cli.init:init",
    "inventory": "migrate.cli.inventory:inventory",
    "profiles": "migrate.cli.profiles:profiles",
    "plan": "migrate.cli.plan:plan",
    "run": "migrate.cli.run:run",
    "status": "migrate.cli.status:status",
    "station": "migrate.cli.station:station",
    "explain": "migrate.cli.explain:explain",
    "resolve": "migrate.cli.resolve:resolve",
    "trust": "migrate.cli.trust:trust",
    "pause": "migrate.cli.control:pause",
    "resume": "migrate.cli.control:resume",
    "halt": "migrate.cli.control:halt",
    "retry": "migrate.cli.retry:retry",
    "rollback": "migrate.cli.rollback:rollback",
    "finish": "migrate.cli.finish:finish",
    "listen": "migrate.cli.listen:listen",
    "worker": "migrate.cli.worker:worker",
    "visits": "migrate.cli.visits:visits",
    "report": "migrate.cli.report:report",
    "doctor": "migrate.cli.doctor:doctor",
}
"""Verb to ``module:command``, in the order in which a campaign meets them."""


class Verbs(Group):
    """A group that imports a verb only when it is asked for, so that ``--help`` and completion stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return signed(command, cmd_name)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="migrate")
def cli() -> None:
    """Move a fleet of EV charging stations from one CSMS to another.

    \b
    First look:      migrate demo
    A campaign:      migrate init DIR; migrate inventory import …; migrate plan make; migrate run
    In the night:    migrate status --watch; migrate explain IDENTITY; migrate halt --reason …
    """


def main() -> None:
    """Entry point of the ``migrate`` command."""
    streams_taken()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's odd name must not end a command
    sys.exit(call(sys.argv[1:]))


def streams_taken() -> None:
    """Put nothing in the place of a stream that was closed before we began, as by ``2>&-``.

    Else the next file that is opened, perhaps the store, were stderr to every
    library and child; and errors would be printed among the data.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is this one
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def call(arguments: Sequence[str]) -> int:
    """Run one command line and answer its exit code.  Every error leaves here as a sentence."""
    try:
        result = cli.main(args=list(arguments), prog_name="migrate", standalone_mode=False)
    except click.exceptions.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SystemExit:  # click's answer to a reader that went away, as in `migrate … | head`; nothing else exits here
        return Exit.OK
    except Exception as error:  # the roof: what nobody foresaw becomes a sentence and exit code 70
        if known := foreseen(error):
            return _explain(known)
        logging.getLogger("migrate").debug("unforeseen", exc_info=error)
        said = display(redact(unconfided(str(error))))
        click.echo(f"This is a defect of fleet-migrate: {type(error).__name__}: {said}", err=True)
        click.echo(
            "Nothing was recorded that did not happen. Run again with -vv for the trace, and report it.", err=True
        )
        return Exit.BUG
    return int(result) if isinstance(result, int) else Exit.OK


def foreseen(error: BaseException) -> MigrateError | OSError | None:
    """The error that can be explained; of tasks that broke together the first, unless one of them is a defect."""
    if isinstance(error, BaseExceptionGroup):
        causes = [foreseen(one) for one in error.exceptions]
        return causes[0] if all(causes) else None
    return error if isinstance(error, MigrateError | OSError) else None


def _explain(error: MigrateError | OSError) -> int:
    message, hint = map(unconfided, _sentence(error))
    for number, line in enumerate(message.splitlines()):
        click.echo(f"{'  ' if number else 'migrate: '}{display(line, limit=1000)}", err=True)
    for reason in getattr(error, "reasons", ()):
        click.echo(f"  - {display(unconfided(reason))}", err=True)
    if hint:
        click.echo(f"  {display(hint, limit=1000)}", err=True)
    return exit_for(error)


def _sentence(error: MigrateError | OSError) -> tuple[str, str]:
    if isinstance(error, MigrateError):
        return error.message, error.hint or _way_out(error)
    name = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{name}.", "See that the path exists, may be used, and that the disk has room."


_WAYS_OUT: tuple[tuple[type[MigrateError], str], ...] = (
    (Stale, "Something moved meanwhile. Look at `migrate status`, then repeat the command."),
    (JournalError, "Nothing is done that cannot be recorded. See `migrate doctor`."),
    (CsmsUnavailable, "See `migrate doctor`; the last lines of listen.log say more."),
    (StationError, "See `migrate explain IDENTITY`."),
)


def _way_out(error: MigrateError) -> str:
    """For an error that named none."""
    return next((hint for kind, hint in _WAYS_OUT if isinstance(error, kind)), "See `migrate doctor`.")
