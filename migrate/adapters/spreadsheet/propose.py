"""A column map proposed for a file with foreign headers, with a score for every line.

Proposed only: a person reads it, corrects it, saves it and names it by
``--columns``.  Nothing here is ever applied to a row.  A score says how much a
header resembles what systems call that column; a column whose cells cannot
hold what its name promises is not proposed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from migrate.adapters.spreadsheet.columns import JOINT, plain
from migrate.adapters.spreadsheet.synonyms import HOUSE_NUMBERS, HOUSE_NUMBERS_FIRST, LIFECYCLE_WORDS, SYNONYMS
from migrate.adapters.spreadsheet.table import Record
from migrate.domain.cell import parse_number, read_lifecycle
from migrate.domain.inventory import COLUMNS

_CLOSE = 86
_CERTAIN = 90
_LONG_WORD = 8
"""From here on a word inside a longer header still tells what the column is: ``Seriennummer der Säule``."""

_MOST_WORDS = 12
_MOST_HEADERS = 400


@dataclass(frozen=True, slots=True, order=True)
class Likeness:
    """How much one header resembles one of our columns, of 100."""

    score: int
    index: int
    column: str


def propose(headers: Sequence[str], body: Sequence[Record]) -> str:
    """A map in TOML, each line with its score and a value from the file, and the columns that nothing was found for."""
    sample = body[:200]
    scored = _scored(headers, sample)
    chosen = _choose(scored)
    lines = [
        "# Proposed by likeness of names (of 100) and not applied: read every line, correct it, and pass the file by --columns.",
        "# docs/inventory.md lists what may stand on the right besides a header.",
        "[columns]",
    ]
    for name in COLUMNS:
        if name in chosen:
            lines.append(_line(chosen[name], headers, body, scored, chosen))
        elif name == "identity":
            lines.append(
                '# identity = "…"  # required, and nothing resembles it: which column holds what the station dials?'
            )
    if "identity" in chosen and _repeats(body, chosen["identity"].index):
        by = _toml(headers[chosen["identity"].index])
        lines += ["", "[fold]  # the identity repeats: one row per connector?", f"by = {by}"]
    used = {likeness.index for likeness in chosen.values()}
    if "address" in chosen and (number := _house_number(headers, chosen)) is not None:
        used.add(number)
    rest = [header for index, header in enumerate(headers) if header.strip() and index not in used]
    if rest:
        listed = ", ".join(_toml(header) for header in rest[:40])
        lines += ["", f"# Not used: {listed}{', …' if len(rest) > 40 else ''}"]
    return "\n".join(lines) + "\n"


def _line(
    likeness: Likeness,
    headers: Sequence[str],
    body: Sequence[Record],
    scored: Sequence[Likeness],
    chosen: Mapping[str, Likeness],
) -> str:
    """One column of the map, what speaks for it, and what else might be meant."""
    texts = _texts(body, likeness.index)
    said = [f"{likeness.score}" if likeness.score >= _CERTAIN else f"{likeness.score}, look twice"]
    said += [_printable(texts[0])] if texts else ["no cell of it is filled"]
    taken = {other.index for other in chosen.values()}
    others = [o for o in scored if o.column == likeness.column and o.index not in taken]
    said += [f"or {_toml(headers[others[0].index])} ({others[0].score})"] if others else []
    value = _toml(headers[likeness.index])
    if likeness.column == "lifecycle":
        value = _translation(value, texts)
    if likeness.column == "address" and (number := _house_number(headers, chosen)) is not None:
        value = _street(value, headers[number])
    return f"{likeness.column} = {value}  # {'; '.join(said)}"


def _translation(header: str, texts: Sequence[str]) -> str:
    """Their words for ours, as far as they are known; a word that is left out stops at its cell."""
    words = list(dict.fromkeys(text.strip() for text in texts))
    if len(words) > _MOST_WORDS or not any(read_lifecycle(word).findings for word in words):
        return header
    known = {word: life for word in words if (life := LIFECYCLE_WORDS.get(_folded(word).replace("_", " ")))}
    pairs = ", ".join(f"{_toml(word)} = {_toml(life)}" for word, life in known.items())
    return f"{{ translate = {header}, to = {{ {pairs} }} }}" if pairs else header


def _house_number(headers: Sequence[str], chosen: Mapping[str, Likeness]) -> int | None:
    """The column of house numbers that belongs to the street: crews need both."""
    taken = {likeness.index for likeness in chosen.values()}
    known = HOUSE_NUMBERS | HOUSE_NUMBERS_FIRST
    found = (index for index, name in enumerate(headers[:_MOST_HEADERS]) if _folded(plain(name)) in known)
    return next((index for index in found if index not in taken), None)


def _street(street: str, number: str) -> str:
    parts = [street, _toml(number)]
    if _folded(plain(number)) in HOUSE_NUMBERS_FIRST:
        parts.reverse()
    return f'{{ join = [{", ".join(parts)}], with = " " }}'


def resemblance(headers: Sequence[str]) -> int:
    """How many canonical columns a row of names could stand for."""
    return len(_choose(_scored(headers, ())))


def _scored(headers: Sequence[str], sample: Sequence[Record]) -> list[Likeness]:
    """Every likeness that is close enough to be said, the best first, of equals the one further left."""
    found = []
    for index, header in enumerate(headers[:_MOST_HEADERS]):
        if header.strip():
            fits = {name: score for name in COLUMNS if (score := _likeness(header, name)) >= _CLOSE}
            texts = _texts(sample, index) if fits else []
            found += [Likeness(score, index, name) for name, score in fits.items() if _may_hold(name, texts)]
    return sorted(found, key=lambda likeness: (-likeness.score, likeness.index, COLUMNS.index(likeness.column)))


def _choose(scored: Sequence[Likeness]) -> dict[str, Likeness]:
    """Each header for at most one column, each column from at most one header."""
    chosen: dict[str, Likeness] = {}
    used: set[int] = set()
    for likeness in scored:
        if likeness.column not in chosen and likeness.index not in used:
            chosen[likeness.column] = likeness
            used.add(likeness.index)
    return chosen


@lru_cache(maxsize=8192)
def _likeness(header: str, name: str) -> int:
    """Ours is 100, a known name 97, a misspelt one less; a long known word among others still counts."""
    lowest = _folded(plain(header))
    if lowest == name:
        return 100
    names = SYNONYMS[name]
    whole = _folded(plain(header.replace(JOINT, " ")))
    if lowest in names or whole in names:
        return 97
    if len(lowest) < 4:
        return 0  # two or three letters are like everything
    bare = lowest.replace("_", "")
    best = max((fuzz.ratio(bare, known.replace("_", "")) for known in (name, *names)), default=0.0)
    words = set(lowest.split("_"))
    if any(len(known) >= _LONG_WORD and known in words for known in (name, *names)):
        best = max(best, 90.0)
    return int(best * 0.98)


_UNDIVIDED = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d"})
"""Letters that Unicode does not take apart into one of ours and a mark."""


def _folded(text: str) -> str:
    """Without accents and case: ``Straße`` and ``strasse``, ``Ladesäule`` and ``ladesaule`` are one.

    >>> _folded("Größe"), _folded("N° de série"), _folded("Długość")
    ('grosse', 'n_de_serie', 'dlugosc')
    """
    spelt = unicodedata.normalize("NFKD", text.casefold().translate(_UNDIVIDED))
    bare = "".join(c for c in spelt if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def _number_within(limit: float) -> Callable[[str], bool]:
    return lambda text: (value := parse_number(text)) is not None and abs(value) <= limit


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


_HOLDS: Mapping[str, Callable[[str], bool]] = {
    "latitude": _number_within(90),
    "longitude": _number_within(180),
    "connectors": _number_within(100),
    "security_profile": _number_within(3),
    "wave": _number_within(1000),
    "iccid": lambda text: sum(c.isdigit() for c in text) >= 10,
    "imsi": lambda text: sum(c.isdigit() for c in text) >= 10,
    "ip_address": lambda text: "." in text or ":" in text,
    "last_seen_at": _has_digit,
    "postcode": _has_digit,
    "contact_phone": _has_digit,
    "contact_email": lambda text: "@" in text,
    "country": lambda text: not _has_digit(text),
}


def _may_hold(name: str, texts: Sequence[str]) -> bool:
    """Whether most of the cells could be what the header promises; blank columns promise nothing and break nothing."""
    holds = _HOLDS.get(name)
    return holds is None or not texts or sum(map(holds, texts)) * 2 >= len(texts)


def _texts(sample: Sequence[Record], index: int) -> list[str]:
    return list(_filled(sample, index))


def _filled(sample: Sequence[Record], index: int) -> Iterator[str]:
    for record in sample:
        if index < len(record.cells) and (text := record.cells[index]) and not text.isspace():
            yield text


def _toml(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    safe = text.encode("utf-8", "backslashreplace").decode()
    return json.dumps(safe, ensure_ascii=not safe.isprintable()).replace("\x7f", "\\u007f")


def _printable(text: str) -> str:
    """A cell as a comment may show it: on one line, nothing invisible in it."""
    return "".join(c if c.isprintable() else " " for c in text.strip())[:40]


def _repeats(body: Sequence[Record], index: int) -> bool:
    texts = list(_filled(body, index))
    return len(set(texts)) < 0.9 * len(texts)
