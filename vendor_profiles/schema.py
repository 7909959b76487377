"""From the text of a profile file to ``Profile`` values, or to every problem in it.

One pass collects all problems, each with file, line, column and key, so that a
vendor engineer mends a file once.  A key that is unknown is an error with the
nearest known one: a misspelt ``turning_piont`` must never become a default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from migrate.domain.counted import counted
from migrate.domain.errors import ProfileProblem
from migrate.domain.profile import Method, Profile, Write
from migrate.domain.ways import Finish, Way
from vendor_profiles.keys import PROFILE, REQUIRED, SCHEMA
from vendor_profiles.laws import breaches
from vendor_profiles.readers import TEXT, TEXTS, Bad, Kind, Notes, Problem, struct, text_of
from vendor_profiles.tree import Mapping, Node, Place, Sequence, Unreadable, read_tree


class CatalogueProblem(ProfileProblem):
    """Profile files with something wrong in them; carries every problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems[:20])
        super().__init__(
            f"The profiles have {counted(count, 'problem')}:\n{lines}\n",
            hint="`migrate profiles check FILE` shows all of them.",
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file gave: the sound profiles with the line each begins at, and every problem.

    ``uses`` names packaged profiles that are there on request only.
    """

    profiles: tuple[Profile, ...]
    problems: tuple[Problem, ...]
    lines: tuple[int, ...] = ()
    uses: tuple[str, ...] = ()


def read_profiles(text: str, *, file: str) -> Reading:
    """Read one file.  A profile with a problem is left out; the others are still returned."""
    notes = Notes(file)
    try:
        root = read_tree(text)
    except Unreadable as error:
        notes.add(error.place, "", error.message)
        return Reading((), tuple(notes.problems))
    if root is None:
        notes.add(Place(1, 1), "", "The file is empty.", "See vendor_profiles/README.md for a first profile.")
        return Reading((), tuple(notes.problems))
    return _read_file(root, notes)


def _read_file(root: Node, notes: Notes) -> Reading:
    profiles: list[Profile] = []
    lines: list[int] = []

    def collect(node: Node, key: str, notes: Notes) -> None:
        if not isinstance(node, Sequence) or not node.items:
            raise notes.bad(node.place, key, "This is a list of profiles, each begun with a dash.")
        for i, item in enumerate(node.items):
            if profile := _read_profile(item, f"{key}[{i}]", notes):
                profiles.append(profile)
                lines.append(item.place.line)

    uses: tuple[str, ...] = ()
    with suppress(Bad):
        table = {"schema": Kind(_schema, {}), "family": TEXT, "use": TEXTS, "profiles": Kind(collect, {})}
        has_use = isinstance(root, Mapping) and "use" in root.entries
        uses = struct(root, "", notes, table, {"schema"} if has_use else {"schema", "profiles"}).get("use", ())
    problems = tuple(sorted(notes.problems, key=lambda p: (p.line, p.column)))
    if any(problem.key == "schema" for problem in problems):  # of a format that is not ours nothing is trusted
        return Reading((), problems)
    return Reading(tuple(profiles), problems, tuple(lines), uses)


def _read_profile(node: Node, key: str, notes: Notes) -> Profile | None:
    """One profile, or nothing when something in it is wrong."""
    try:
        values = struct(node, key, notes, PROFILE, REQUIRED)
    except Bad:
        return None
    proof, evidence = values.pop("proof")
    way = _USUAL_WAY.get(values["method"], Way.OCPP)
    values["writes"] = _writes(values.get("writes", ()), way)
    values["finish"] = {Finish(step): _writes(writes, way) for step, writes in values.get("finish", {}).items()}
    profile = Profile(proof=proof, evidence=evidence, **values)
    broken = breaches(profile)
    for breach in broken:
        notes.add(_place_of(node, breach.at), f"{key}.{breach.at}", breach.message, breach.hint)
    return None if broken else profile


_USUAL_WAY = {Method.SCRIPT: Way.SSH, Method.HTTP: Way.HTTP}
"""By which way a write goes that does not say so."""


def _writes(said: Iterable[dict[str, Any]], way: Way) -> tuple[Write, ...]:
    return tuple(Write(**{"via": way, **write}) for write in said)


def _place_of(node: Node, path: str) -> Place:
    """Where a path such as ``writes[1].key`` stands, or the nearest thing above it that is in the file."""
    place = node.place
    for step in re.findall(r"\w+", path):
        if isinstance(node, Mapping) and step in node.entries:
            place, node = node.keys[step], node.entries[step]
        elif isinstance(node, Sequence) and step.isdigit() and int(step) < len(node.items):
            node = node.items[int(step)]
            place = node.place
        else:
            break
    return place


def _schema(node: Node, key: str, notes: Notes) -> str:
    text = text_of(node, key, notes)
    if text != SCHEMA:
        raise notes.bad(node.place, key, f"This release reads {SCHEMA}, not {text!r}.")
    return text
