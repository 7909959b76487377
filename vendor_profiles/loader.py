"""The catalogue from the package, and a campaign's own profiles laid over it.

A file that is unsound stops the loading, with all problems of all files at
once: half a catalogue would turn stations into "no profile fits" without a
word.  Nothing is cached on disk and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from migrate.domain.profile import Profile
from vendor_profiles.matcher import Catalogue
from vendor_profiles.readers import Problem
from vendor_profiles.schema import CatalogueProblem, Reading, read_profiles
from vendor_profiles.tree import MAX_BYTES


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """The packaged profiles, and over them those of ``folder`` (a campaign's ``profiles/``), if it exists.

    A campaign's profile with the name of a packaged one takes its place; with
    a new name it is added, and so is what it asks for under ``use``.  Raises
    ``CatalogueProblem``.
    """
    packaged = _packaged("catalogue")
    if folder is None or not folder.is_dir():
        return packaged
    paths = [path for path in sorted(folder.glob("*.y*ml")) if path.suffix in (".yaml", ".yml")]
    readings = [check_file(path) for path in paths]
    own = _gathered(readings)
    asked = [profile for name in {name for r in readings for name in r.uses} if (profile := on_request().get(name))]
    every = {profile.name: profile for profile in (*packaged.profiles, *asked, *own)}.values()
    return Catalogue(every, _scripts(every, folder))


def _scripts(profiles: Iterable[Profile], folder: Path) -> dict[str, str]:
    """What each script holds, so that a plan that was approved with one is not run with another.

    The campaign's own comes first, as for the door that copies it; one that is
    nowhere is left for that door to complain of.
    """
    names = {profile.script.file for profile in profiles if profile.script and profile.script.file}
    places = (folder, files("vendor_profiles") / "on_request")
    found = {name: next((p / name for p in places if (p / name).is_file()), None) for name in sorted(names)}
    return {name: sha256(place.read_bytes()).hexdigest() for name, place in found.items() if place is not None}


def on_request() -> Catalogue:
    """Profiles that need something of the operator's own: a login on the station, a firmware file.

    They fit nothing until a file of the campaign names them under ``use``: no
    station is sent a firmware because its version is old.
    """
    return _packaged("on_request")


def check_file(path: Path) -> Reading:
    """One profile file, read and judged.  Raises ``OSError`` when it cannot be opened."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Reading((), (_problem(str(path), line, "", "This is no UTF-8 text.", "Save the file as UTF-8."),))
    return _with_known_uses(_without_twins(read_profiles(text, file=str(path)), str(path)), str(path))


@cache
def _packaged(part: str) -> Catalogue:
    folder = files("vendor_profiles") / part
    sources = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    readings = [_without_twins(read_profiles(f.read_text(encoding="utf-8"), file=f.name), f.name) for f in sources]
    return Catalogue(_gathered(readings))


def _gathered(readings: Iterable[Reading]) -> tuple[Profile, ...]:
    """The profiles of one layer; the same name in two of its files is nobody's override."""
    readings = tuple(readings)
    problems = [problem for reading in readings for problem in reading.problems]
    profiles = [profile for reading in readings for profile in reading.profiles]
    names = [profile.name for profile in profiles]
    if twins := sorted({name for name in names if names.count(name) > 1}):
        problems.extend(_twin(name, "(several files)", 1) for name in twins)
    if problems:
        raise CatalogueProblem(problems)
    return tuple(profiles)


def _without_twins(reading: Reading, file: str) -> Reading:
    seen: set[str] = set()
    twins = []
    for profile, line in zip(reading.profiles, reading.lines, strict=True):
        if profile.name in seen:
            twins.append(_twin(profile.name, file, line))
        seen.add(profile.name)
    return replace(reading, problems=(*reading.problems, *twins))


def _with_known_uses(reading: Reading, file: str) -> Reading:
    known = [profile.name for profile in on_request().profiles]
    unknown = [
        _problem(file, 1, f"use[{i}]", f"No profile {name!r} is there on request.", f"Known are {', '.join(known)}.")
        for i, name in enumerate(reading.uses)
        if name not in known
    ]
    return replace(reading, problems=(*reading.problems, *unknown))


def _twin(name: str, file: str, line: int) -> Problem:
    return _problem(file, line, "name", f"The name {name} is used twice.", "Rename one of them.")


def _problem(file: str, line: int, key: str, message: str, hint: str) -> Problem:
    return Problem(file=file, line=line, column=1, key=key, message=message, hint=hint)
