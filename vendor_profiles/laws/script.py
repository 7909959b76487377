"""Laws over scripts: arguments that need no shell, values that stand alone, no command of an inventory's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import Template

from migrate.domain.profile import Method, Profile
from migrate.domain.ways import SCRIPT_NAMES, Exit, Script, Way
from vendor_profiles.laws.breach import Breach, goes_by, judge_secret_name, judge_template, names_in

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*", re.ASCII)
_ALONE = re.compile(r"(?:-{0,2}[A-Za-z0-9][A-Za-z0-9_.-]*=)?\$\{\w+\}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_INTERPRETERS = frozenset(
    {
        *("sh", "ash", "bash", "dash", "ksh", "zsh", "su", "exec", "ssh", "xargs", "find"),
        *("awk", "gawk", "mawk", "sed", "perl", "python", "python3", "lua", "ruby", "node", "php", "tclsh"),
    }
)
_FIXED = frozenset({"key", "script"})
"""Filled in from the profile and by the program: they may stand inside an argument, as in a path."""


def _scripts_belong_to_their_writes(profile: Profile) -> Iterator[Breach]:
    uses = goes_by(profile, Way.SSH)
    if profile.method is Method.SCRIPT and not any(write.via is Way.SSH for write in profile.writes):
        yield Breach("writes", "Nothing is written by script.", "Write the address via ssh.")
    if uses and profile.script is None:
        yield Breach("script", "Something goes by ssh, and no script says how.", "Add script: read and write.")
    if profile.script is not None and not uses:
        yield Breach("script", "No write goes by ssh.", "Leave script out, or write via ssh.")
    if profile.restart_via is Way.SSH and profile.script is not None and not profile.script.restart:
        yield Breach("script.restart", "Nothing says how it is restarted over SSH.", "Give the command.")


def _commands(script: Script) -> Iterator[tuple[str, tuple[str, ...], frozenset[str]]]:
    """Each command with its place and the names that may stand in it."""
    own = SCRIPT_NAMES - (set() if script.file else {"script"})
    yield "script.read", script.read, own - {"value"}
    yield "script.write", script.write, own
    if script.restart:
        yield "script.restart", script.restart, own - {"value", "key"}


def _commands_are_sound(profile: Profile) -> Iterator[Breach]:
    if profile.script is None:
        return
    for at, command, known in _commands(profile.script):
        if not command:
            yield Breach(at, "There is no command.", "Give its arguments, one by one.")
            continue
        for i, argument in enumerate(command):
            yield from judge_template(f"{at}[{i}]", argument, known)
            yield from _judge_argument(f"{at}[{i}]", argument)
        yield from _judge_program(at, command)
    if not any("value" in names_in(argument) for argument in profile.script.write):
        yield Breach("script.write", "The command does not name ${value}.", "Give it as an argument of its own.")


def _judge_argument(at: str, argument: str) -> Iterator[Breach]:
    """What is fixed needs no quoting; what comes from elsewhere is an argument of its own, or follows ``name=``."""
    fixed = Template(argument).safe_substitute(dict.fromkeys(names_in(argument), ""))
    if not _PLAIN.fullmatch(fixed):
        yield Breach(at, f"{argument!r} needs a shell.", "Put what needs one into a script file of the campaign.")
    if names_in(argument) - _FIXED and not _ALONE.fullmatch(argument):
        hint = "Make it an argument of its own, or let it follow name=."
        yield Breach(at, "A value stands in the middle of an argument.", hint)


def _judge_program(at_place: str, command: tuple[str, ...]) -> Iterator[Breach]:
    """The program is the profile's own, and no interpreter of what follows."""
    program = command[0]
    if names_in(program) - {"script"} or program.startswith("-"):
        yield Breach(f"{at_place}[0]", "The program itself is filled in.", "Name the program, or ${script}.")
    at = next((i for i, argument in enumerate(command) if argument.rpartition("/")[2] in _INTERPRETERS), None)
    if program == "eval" or (at is not None and _runs_a_value(command[at + 1 :])):
        runner = program if at is None else command[at]
        yield Breach(f"{at_place}[0]", f"{runner} would run its arguments as code.", "Put it into a script file.")


def _runs_a_value(arguments: Sequence[str]) -> bool:
    """Whether an interpreter gets text to run, or takes its program from what is filled in."""
    if any(re.fullmatch(r"-\w*[ce]|--eval|--expression|--command", argument) for argument in arguments):
        return True
    programs = (argument for argument in arguments if not argument.startswith("-"))
    return bool(names_in(next(programs, "")) - _FIXED)


def _scripts_are_signed_in_to(profile: Profile) -> Iterator[Breach]:
    script = profile.script
    if script is None:
        return
    yield from judge_secret_name("script.secret", script.secret)
    yield from judge_secret_name("script.key", script.key)
    if not script.secret and not script.key:
        yield Breach("script.secret", "Nobody can sign in.", "Name a password (secret) or a private key (key).")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", script.user, re.ASCII):
        yield Breach("script.user", f"{script.user!r} is no name of a user.")
    if script.file and not _FILE.fullmatch(script.file):
        yield Breach("script.file", "A script file is a name without folders.", "Put it beside the profile file.")
    if script.file and not any("script" in names_in(a) for _, command, _ in _commands(script) for a in command):
        yield Breach("script.file", "No command runs ${script}.", "Name it in read or write.")
    if script.exits.get(0, Exit.DONE) is not Exit.DONE:
        yield Breach("script.exits.0", "Exit code 0 means done.", "Leave it out.")


LAWS = (_scripts_belong_to_their_writes, _commands_are_sound, _scripts_are_signed_in_to)
