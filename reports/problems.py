"""What is wrong with a list, told to a person: many problems in few lines.

Problems of one kind stand together, errors first.  Nothing is left out of the
count; what is not shown singly is said to be there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from migrate.domain.problem import Problem
from reports.words import display

_MOST_RANGES = 30
_MOST_ERRORS = 50


def ranges(rows: Iterable[int]) -> str:
    """Row numbers as ``--exclude-rows`` takes them; empty when they are too many to be left out by hand.

    >>> ranges([970, 971, 973])
    '970-971,973'
    """
    begun: list[list[int]] = []
    for row in sorted(set(rows)):
        if begun and row == begun[-1][1] + 1:
            begun[-1][1] = row
        else:
            begun.append([row, row])
    if len(begun) > _MOST_RANGES:
        return ""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in begun)


def told(problems: Sequence[Problem], *, most: int) -> Iterator[str]:
    """Problems of one kind together, errors first: how many, where, the first ``most`` in full (of errors at least fifty), and the way out."""
    kinds: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.code, problem.column].append(problem)
    for (code, column), group in sorted(kinds.items(), key=lambda item: (not item[1][0].is_error, -len(item[1]))):
        of = f" in {display(column, limit=60)}" if column else ""
        yield f"{group[0].severity.value} {code}{of}: {len(group):,}"
        shown = group[: max(most, _MOST_ERRORS) if group[0].is_error else most]
        common = _common_end([problem.hint for problem in shown])
        for problem in shown:
            own = display(problem.hint.removesuffix(common).strip())
            yield f"  {_place(problem)}: {display(problem.message)}{' ' + own if own else ''}"
        if len(group) > len(shown):
            yield f"  … and {len(group) - len(shown):,} more; --json lists every one, -v shows up to 1,000."
        if common:
            yield f"  {display(common)}"


def _common_end(hints: Sequence[str]) -> str:
    """The sentences that all hints of a kind end with: ``Did you mean …?`` belongs to one place, the way out to all.

    >>> _common_end(["Did you mean a? Write b.", "Write b."]), _common_end(["Write a.", "Write b."])
    ('Write b.', '')
    """
    first, *others = dict.fromkeys(hints)
    ends = [first, *(first[match.end() :] for match in re.finditer(r"[.?!] ", first))]
    return next((end for end in ends if all(other.endswith(end) for other in others)), "")


def _place(problem: Problem) -> str:
    """``register.xlsx, sheet Stations, F17``, as short as it stays findable."""
    parts = [display(PurePath(problem.file).name, limit=60)]
    parts += [f"sheet {display(problem.sheet, limit=40)}"] if problem.sheet else []
    parts += [problem.cell or f"row {problem.row}"] if problem.row else []
    parts += [f"line {problem.line}"] if problem.line and problem.line != problem.row else []
    return ", ".join(parts)
