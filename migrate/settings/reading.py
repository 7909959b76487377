"""What a campaign is told, before it is understood: the file, the environment, flags.

Opens ``campaign.toml`` and nothing else; turns it into flat keys and remembers
where each one stands, so that whoever finds something wrong can name the line.
It judges no value.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.domain.errors import SettingsProblem
from migrate.settings.keys import KEYS, TABLES

FILE_NAME = "campaign.toml"
MAX_BYTES = 256 * 1024
ENVIRONMENT, FLAG = "environment", "flag"

_GUESSES = 20  # an unknown key more gets no suggestion: a file of nonsense must not take minutes
_DEEPEST = 10  # tables within tables; no key of ours lies so deep, and what does is unknown as it stands
_SECRET = re.compile(r"password|passwd|passphrase|secret|token|api_?key|authorization_?key|private_?key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """Flat keys with what was given for them, and from where: a file, the environment or a flag."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    lines: Mapping[str, int] = field(default_factory=dict)
    strays: tuple[str, ...] = ()  # variables that can only be meant for a section, and name no key of it

    def place(self, key: str) -> str:
        """Where a person finds a key: ``…/campaign.toml:12``, its variable, or ``flag``."""
        origin = self.origins[key]
        if origin == ENVIRONMENT:
            return variable(key)
        return f"{origin}:{self.lines[key]}" if origin != FLAG and key in self.lines else origin

    def unknown(self) -> Iterator[str]:
        """A sentence for every key that there is not; a value is never repeated, it may be a secret."""
        strangers = [key for key in self.values if key not in KEYS]
        for number, key in enumerate(strangers):
            yield f"{shown(key)} ({self.place(key)}) is no key" + _instead(key, may_guess=number < _GUESSES)
        for number, name in enumerate(self.strays):
            yield f"{shown(name)} is no setting" + _instead(name, is_variable=True, may_guess=number < _GUESSES)


def gather(path: Path, flags: Mapping[str, Any], environment: Mapping[str, str]) -> Given:
    """Everything that is given; flags win over the environment, the environment over the file."""
    text = _text_of(path)
    values = dict(_flat(_tree_of(path, text)))
    origins = dict.fromkeys(values, str(path))
    for source, more in ((ENVIRONMENT, _from_environment(environment)), (FLAG, dict(flags))):
        values |= more
        origins |= dict.fromkeys(more, source)
    strays = (name for name, value in environment.items() if name not in _VARIABLES and value.strip())
    return Given(values, origins, _lines_of(text), tuple(sorted(name for name in strays if name.startswith(_SECTIONS))))


def shown(key: str) -> str:
    """A key as a sentence may carry it."""
    return key if key.isprintable() and len(key) <= 80 else repr(key[:80])


def variable(key: str) -> str:
    """The environment variable of a key."""
    return "MIGRATE_" + key.replace(".", "_").upper()


_VARIABLES: Mapping[str, str] = {variable(key): key for key in KEYS}
_SECTIONS = tuple(f"MIGRATE_{section.upper()}_" for section in {key.partition(".")[0] for key in KEYS if "." in key})


def _instead(key: str, *, is_variable: bool = False, may_guess: bool) -> str:
    if _SECRET.search(key):
        return "; secrets never stand here: see docs/settings.md, Secrets"
    if not may_guess:
        return "."
    near = difflib.get_close_matches(key[:80], _VARIABLES, n=1) if is_variable else _meant(key[:80])
    return f"; did you mean {near[0]}?" if near else "."


def _meant(key: str) -> list[str]:
    """What a stranger was to be: the one key of that name in another section, a key of a misspelt section or that section, or what is near."""
    section, _, name = key.rpartition(".")
    same = [known for known in KEYS if known.rpartition(".")[2] == name]
    if len(same) == 1:
        return same
    sections = sorted({known.rpartition(".")[0] for known in KEYS} - {""})
    if section and section not in sections and (meant := difflib.get_close_matches(section, sections, n=1)):
        within = [known for known in KEYS if known.rpartition(".")[0] == meant[0]]
        return difflib.get_close_matches(f"{meant[0]}.{name}", within, n=1, cutoff=0.8) or [f"[{meant[0]}]"]
    return difflib.get_close_matches(key, KEYS, n=1)


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise SettingsProblem(
            f"{path.parent} is no campaign folder: it has no {FILE_NAME}.",
            hint="Make one with `migrate init DIR`, or name it with --campaign.",
        ) from error
    if len(raw) > MAX_BYTES:
        raise SettingsProblem(
            f"{path} is larger than {MAX_BYTES // 1024} KiB.",
            hint="It holds settings; stations come from an inventory.",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsProblem(
            f"{path} cannot be read: line {line} is no UTF-8 text.", hint="Save the file as UTF-8."
        ) from error


def _tree_of(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise SettingsProblem(
            f"{path} cannot be read: its brackets are nested without end.", hint="Mend that place and try again."
        ) from error
    except ValueError as error:  # tomllib's own, and numbers of thousands of digits
        raise SettingsProblem(f"{path} cannot be read: {error}.", hint="Mend that place and try again.") from error


def _flat(tree: Mapping[str, Any], prefix: str = "", *, depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and prefix + key not in TABLES and depth < _DEEPEST:
            yield from _flat(value, f"{prefix}{key}.", depth=depth + 1)
        else:
            yield prefix + key, value


def _lines_of(text: str) -> dict[str, int]:
    """The line of every key that is written the plain way; one written otherwise has none, and is named without."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.strip()
        if plain.startswith("["):
            section = _bare(plain[1:].partition("]")[0]) + "."
            lines.setdefault(section[:-1], number)
        elif not plain.startswith("#"):
            name, equals, _ = plain.partition("=")
            if equals:
                lines.setdefault(section + _bare(name), number)
    return lines


def _bare(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """``MIGRATE_GATE_MAX_LOST=2`` for ``[gate] max_lost``; what is set but empty counts as not set."""
    given = ((name, text) for name, text in environment.items() if name in _VARIABLES and text.strip())
    return {_VARIABLES[name]: _toml_value(text) for name, text in given}


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text  # a bare word, or what its key will refuse
