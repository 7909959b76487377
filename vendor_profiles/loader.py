"""The catalogue from the package, and a campaign's own profiles laid over it.

A file that is unsound stops the loading, with all problems of all files at
once: half a catalogue would turn stations into "no profile fits" without a
word.  Nothing is cached on disk and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
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
    a new name it is added.  Raises ``CatalogueProblem``.
    """
    packaged = _packaged()
    if folder is None or not folder.is_dir():
        return packaged
    own = _gathered([check_file(path) for path in sorted(folder.glob("*.y*ml")) if path.suffix in (".yaml", ".yml")])
    return Catalogue({profile.name: profile for profile in (*packaged.profiles, *own)}.values())


def check_file(path: Path) -> Reading:
    """One profile file, read and judged.  Raises ``OSError`` when it cannot be opened."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Reading((), (_problem(str(path), line, "", "This is no UTF-8 text.", "Save the file as UTF-8."),))
    return _without_twins(read_profiles(text, file=str(path)), str(path))


@cache
def _packaged() -> Catalogue:
    folder = files("vendor_profiles") / "catalogue"
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
    return Reading(reading.profiles, (*reading.problems, *twins), reading.lines)


def _twin(name: str, file: str, line: int) -> Problem:
    return _problem(file, line, "name", f"The name {name} is used twice.", "Rename one of them.")


def _problem(file: str, line: int, key: str, message: str, hint: str) -> Problem:
    return Problem(file=file, line=line, column=1, key=key, message=message, hint=hint)
