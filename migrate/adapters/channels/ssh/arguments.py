"""A command for a station, filled in argument by argument: what an inventory or a station says never becomes code.

SSH carries a command as one text.  Where the station's server hands it to a
shell, every argument is quoted for it; where it does not, an argument that
would fall apart is refused.  A value with a character that cannot be printed
goes into no command, a value that reads as an option goes only after ``--``,
and an interpreter takes values as whole arguments after its program, never
inside of it.  This module is pure: it opens no connection.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from string import Template

from migrate.domain.errors import Mismatch

INTERPRETERS = frozenset(
    {
        *("sh", "ash", "bash", "dash", "ksh", "zsh", "eval", "exec", "ssh", "xargs", "find"),
        *("awk", "gawk", "mawk", "sed", "perl", "python", "python3", "lua", "ruby", "node", "php", "tclsh"),
    }
)
"""Commands that read one of their arguments as a program."""

_OURS = frozenset({"script"})
"""Names whose value this toolkit makes itself: the place of the script."""

_PLACE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PROGRAM_FOLLOWS = re.compile(r"-\w*[ce]|--eval|--expression|--command")


def command_of(arguments: Sequence[str], names: Mapping[str, str], *, shell: bool, identity: str) -> str:
    """The text that goes to the station.  Raises ``Mismatch`` for what could be read as anything but a value."""
    _judge_program(arguments, identity)
    filled = [_filled(argument, names, arguments[:at], identity) for at, argument in enumerate(arguments)]
    if shell:
        return shlex.join(filled)
    for text in filled:
        if not text or any(character.isspace() or character in "\"'\\" for character in text):
            raise _unfit(f"{text!r} holds a blank or a quote, and its SSH server splits commands by itself", identity)
    return " ".join(filled)


def names_in(argument: str) -> frozenset[str]:
    """What a template names.

    >>> sorted(names_in("--${key}=$value"))
    ['key', 'value']
    """
    return frozenset(braced or bare for braced, bare in _PLACE.findall(argument))


def uses_script(*commands: Sequence[str]) -> bool:
    return any("script" in names_in(argument) for command in commands for argument in command)


def _filled(argument: str, names: Mapping[str, str], before: Sequence[str], identity: str) -> str:
    used = names_in(argument)
    if unknown := used - names.keys():
        raise _unfit(f"its profile names ${{{min(unknown)}}}, which there is not", identity)
    for name in sorted(used):
        if not names[name].isprintable():
            raise _unfit(f"its {name} {names[name]!r:.80} holds characters that cannot be printed", identity)
    text = Template(argument).substitute({name: names[name] for name in used})
    begins_with_value = _PLACE.match(argument) is not None and not used <= _OURS
    if begins_with_value and text.startswith("-") and "--" not in before:
        raise _unfit(f"{text!r:.80} would be read as an option", identity)
    if begins_with_value and not before:
        raise _unfit("its profile lets a value name the command itself", identity)
    return text


def _judge_program(arguments: Sequence[str], identity: str) -> None:
    """Behind an interpreter a value is data only as a whole argument that follows the program."""
    at = next((i for i, text in enumerate(arguments) if PurePosixPath(text).name in INTERPRETERS), None)
    if at is None:
        return
    has_program = False
    for before, argument in zip(arguments[at:], arguments[at + 1 :], strict=False):
        values = names_in(argument) - _OURS
        is_program = _PROGRAM_FOLLOWS.fullmatch(before) is not None
        is_whole = _PLACE.fullmatch(argument) is not None
        if values and (is_program or not is_whole or not has_program):
            raise _unfit(f"its profile hands {argument!r} to {arguments[at]} as part of a program", identity)
        has_program = has_program or is_program or not argument.startswith("-")


def _unfit(why: str, identity: str) -> Mismatch:
    return Mismatch(
        f"{identity!r} gets no command over SSH: {why}.",
        identity=identity,
        hint="Mend the inventory, or the script of its profile; see docs/ssh.md.",
    )
