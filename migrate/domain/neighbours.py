"""The rows of a list against each other: one station twice, two that look like one, one SIM card in two.

People copy identities by hand, so two that look alike are far more often one
station twice than two stations.  Nothing is chosen here; both places are named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from migrate.domain.finding import Finding, quoted, show
from migrate.domain.identity import borrowed, glyphs_of, skeleton, unusual
from migrate.domain.problem import Problem, problem
from migrate.domain.row import Row


def against_each_other(rows: Sequence[Row], *, twins_allowed: bool) -> Iterator[Problem]:
    """Identities that come twice or look alike, and SIM cards that two rows claim."""
    named = [row for row in rows if (identity := row.cells.get("identity")) and not identity.isspace()]
    firsts = {row.cells["identity"]: row for row in reversed(named)}
    for group in _collisions(named, [row.cells["identity"] for row in named]):
        for later in group[1:]:
            yield _pair(group[0], later, "E-ID-DUPLICATE", "stands in", "Keep one of the two rows.")
    single = [row for row in named if firsts[row.cells["identity"]] is row]
    shapes = [skeleton(row.cells["identity"]) for row in single]
    code = "W-ID-LOOKALIKE" if twins_allowed else "E-ID-LOOKALIKE"
    hint = 'Correct the wrong one, or, if both are real, set twins = "allowed" under [check] in the column map.'
    for group in _collisions(single, shapes):
        for later in group[1:]:
            yield _pair(group[0], later, code, "looks like the one of", hint)
    yield from _mixed(single, code)
    yield from _similar(single, shapes)
    for column in ("iccid", "imsi"):
        yield from _shared(single, column)
    yield from _there(single, twins_allowed=twins_allowed)


def _there(rows: Sequence[Row], *, twins_allowed: bool) -> Iterator[Problem]:
    """What stations are called on the target: a new name that another has there, or nearly has.

    Those that keep their identity have it there too.  Who is told to take a
    name that another gives up may have it.
    """
    if not any(row.cells.get("target_identity", "").strip() for row in rows):
        return
    names = [row.cells.get("target_identity", "").strip() or row.cells["identity"] for row in rows]
    told = dict(zip(map(id, rows), names, strict=True))
    same = list(_collisions(rows, names))
    for group in same:
        yield from _named_alike(group, told, "E-TARGET-ID-DUPLICATE", "is", "Give each station a name of its own.")
    known = {id(row) for group in same for row in group}
    others = [row for row in rows if id(row) not in known]
    code = "W-TARGET-ID-LOOKALIKE" if twins_allowed else "E-TARGET-ID-LOOKALIKE"
    hint = 'Correct the wrong one, or, if both are meant, set twins = "allowed" under [check] in the column map.'
    for group in _collisions(others, [skeleton(told[id(row)]) for row in others]):
        yield from _named_alike(group, told, code, "looks like", hint)


def _named_alike(group: Sequence[Row], told: Mapping[int, str], code: str, verb: str, hint: str) -> Iterator[Problem]:
    """The rows of a group that are given such a name; who merely keeps an identity has done nothing wrong."""
    renamed = [row for row in group if row.cells.get("target_identity", "").strip()]
    for later in renamed[1:] if len(renamed) == len(group) else renamed:
        first = next(row for row in group if row is not later)
        name, other = told[id(later)], told[id(first)]
        message = f"On the target, {quoted(name)} {verb} the name of {_where(first, later)}"
        message += f", {quoted(other)}." if other != name else "."
        yield problem(later.place, Finding(code, message, hint), later.origin("target_identity"), name)


def _mixed(rows: Sequence[Row], code: str) -> Iterator[Problem]:
    """A Cyrillic А among Latin letters: no keyboard makes it by intent, and the station dials the other."""
    for row in rows:
        identity = row.cells["identity"]
        if reads := borrowed(identity):
            message = f"The identity {quoted(identity)} reads {quoted(reads)} and mixes scripts: {', '.join(unusual(identity))}."
            hint = 'Type it anew as the station dials it, or, if it does dial so, set twins = "allowed" under [check].'
            yield problem(row.place, Finding(code, message, hint), row.origin("identity"), identity)


def _similar(rows: Sequence[Row], shapes: Sequence[str]) -> Iterator[Problem]:
    """O and 0, I, l and 1: real fleets hold both, so it is a warning."""
    for group in _collisions(rows, [glyphs_of(shape) for shape in shapes]):
        shape = skeleton(group[0].cells["identity"])
        for later in group[1:]:
            if skeleton(later.cells["identity"]) != shape:
                hint = "Compare both with their labels."
                yield _pair(group[0], later, "W-ID-SIMILAR", "reads like the one of", hint)


def _shared(rows: Sequence[Row], column: str) -> Iterator[Problem]:
    """Two stations with one SIM: one of them cannot be told from the other when it arrives."""
    filled = [row for row in rows if (text := row.cells.get(column)) and not text.isspace()]
    for group in _collisions(filled, [row.cells[column].strip() for row in filled]):
        for later in group[1:]:
            message = f"The {column} {quoted(later.cells[column])} stands in {_where(group[0], later)} too."
            finding = Finding("W-SIM-SHARED", message, "See which of the two stations holds the SIM card.")
            yield problem(later.place, finding, later.origin(column), later.cells[column])


def _collisions(rows: Sequence[Row], keys: Sequence[str]) -> Iterable[list[Row]]:
    """Rows that share a key, in their order; most lists have none, and that is quickly seen."""
    if len(set(keys)) == len(keys):
        return ()
    counts = Counter(keys)
    groups: dict[str, list[Row]] = {}
    for row, key in zip(rows, keys, strict=True):
        if counts[key] > 1:
            groups.setdefault(key, []).append(row)
    return groups.values()


def _pair(first: Row, later: Row, code: str, verb: str, hint: str) -> Problem:
    identity = later.cells["identity"]
    message = f"The identity {quoted(identity)} of row {later.place.row} {verb} {_where(first, later)}"
    message += f" as {quoted(first.cells['identity'])}" if first.cells["identity"] != identity else " already"
    odd = (*unusual(first.cells["identity"]), *unusual(identity)) or _differences(first.cells["identity"], identity)
    message += f" ({', '.join(dict.fromkeys(odd))})." if odd else "."
    waves = [row.cells.get("wave", "").strip() for row in (first, later)]
    message += (
        f" They are pinned to waves {quoted(waves[0])} and {quoted(waves[1])}."
        if all(waves) and waves[0] != waves[1]
        else ""
    )
    return problem(later.place, Finding(code, message, hint), later.origin("identity"), identity)


def _differences(one: str, other: str) -> tuple[str, ...]:
    """Where two plain identities of one length part: ``U+0043 … and U+0063 … at 1``."""
    if len(one) != len(other):
        return ()
    parted = ((a, b, place) for place, (a, b) in enumerate(zip(one, other, strict=True), start=1) if a != b)
    return tuple(f"{show(a)} and {show(b)} at {place}" for a, b, place in parted)


def _where(first: Row, later: Row) -> str:
    elsewhere = f" of {first.place.file}" if first.place.file != later.place.file else ""
    sheet = f", sheet {first.place.sheet}" if first.place.sheet != later.place.sheet else ""
    return f"row {first.place.row}{elsewhere}{sheet}"
