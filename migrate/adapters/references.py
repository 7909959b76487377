"""What an inventory is held against: telephone plans, time zone rules, the names that the catalogue knows.

Libraries that follow the world do the work (phonenumbers, the zone database,
rapidfuzz).  Nothing here changes a value: a number that no plan knows and a
name that is close to another are told to a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from migrate.domain.references import LocalTime, NearKind, References

NEAR = 90
"""Of 100: below it two names are rather two vendors than one misspelt."""

_LETTERS_A_SLIP = 5
"""One slip in so many letters; a common beginning alone makes no name another: Chargemaster is not ChargeLab."""

_SHORTEST_NAME = 4
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class KnownKinds:
    """Vendors with their models as one profile of the catalogue names them; ``*`` and ``?`` stand for any text."""

    vendors: tuple[str, ...]
    models: tuple[str, ...]


def references(kinds: Iterable[KnownKinds] = ()) -> References:
    """All of them; without ``kinds`` no name is near another."""
    return References(local_time=local_time, phone=phone_complaint, near=_nearness(tuple(kinds)))


def local_time(at: datetime, zone: str) -> LocalTime:
    """How often a clock in a zone shows this time.  ``zoneinfo`` itself takes any time without a word (PEP 495)."""
    known = ZoneInfo(zone)
    first = at.replace(tzinfo=known, fold=0).utcoffset()
    second = at.replace(tzinfo=known, fold=1).utcoffset()
    if first is None or second is None or first == second:
        return LocalTime.ONCE
    return LocalTime.TWICE if first > second else LocalTime.MISSING


def phone_complaint(text: str, country: str) -> str:
    """What is wrong with a number that is dialled from a country, or nothing."""
    import phonenumbers  # noqa: PLC0415 - telephone plans take their time to load, and many lists hold no phone

    region = country.upper() if country.upper() in phonenumbers.SUPPORTED_REGIONS else None
    if region is None and not text.lstrip(" (").startswith("+"):
        return "it has no country code, and the row names no country"
    try:
        number = phonenumbers.parse(text[:200], region)
    except phonenumbers.NumberParseException:
        return "no country has such numbers"
    if not phonenumbers.is_possible_number(number):
        return f"its length fits no number of +{number.country_code}"
    if not phonenumbers.is_valid_number(number):
        return f"+{number.country_code} has given out no such number"
    return ""


def _nearness(kinds: Sequence[KnownKinds]) -> Callable[[str, str], NearKind | None]:
    vendors = tuple(dict.fromkeys(vendor for kind in kinds for vendor in kind.vendors))

    @lru_cache(maxsize=4096)
    def near(vendor: str, model: str) -> NearKind | None:
        if not vendor or max(len(vendor), len(model)) > _LONGEST_NAME:
            return None
        if not any(_holds(glob, vendor) for glob in vendors):
            return _nearest("vendor", vendor, vendors)
        models = [
            model for kind in kinds if any(_holds(glob, vendor) for glob in kind.vendors) for model in kind.models
        ]
        if not model or any(_holds(glob, model) for glob in models):
            return None
        return _nearest("model", model, models)

    return near


def _holds(glob: str, text: str) -> bool:
    return _pattern(glob).fullmatch(text.strip().casefold()) is not None


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c) or re.escape(c) for c in glob.casefold()), re.DOTALL)


def _nearest(column: str, text: str, globs: Iterable[str]) -> NearKind | None:
    """The name that is closest, if it is close enough; the first of two that are equally close."""
    best: NearKind | None = None
    for glob in globs:
        name = glob.strip("*? ")
        score = _likeness(text, glob)
        if score >= NEAR and (best is None or score > best.score):
            best = NearKind(column=column, name=name, score=score)
    return best


def _likeness(text: str, glob: str) -> int:
    """How close a text, or the part of it that a pattern names, is to the pattern's name."""
    from rapidfuzz import fuzz, utils  # noqa: PLC0415 - only lists with unknown kinds pay for it
    from rapidfuzz.distance import JaroWinkler  # noqa: PLC0415

    name = utils.default_process(glob.strip("*?")).strip()
    if len(name) < _SHORTEST_NAME:
        return 0
    parts = {utils.default_process(part).strip() for part in _parts(text, glob)}
    scores = [
        max(fuzz.ratio(part, name), 100 * JaroWinkler.similarity(part, name)) for part in parts if _slips(part, name)
    ]
    return int(max(scores, default=0))


def _slips(part: str, name: str) -> bool:
    """Whether a few letters left out, added, changed or exchanged make one of the other."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - as above

    return OSA.distance(part, name) <= max(1, len(name) // _LETTERS_A_SLIP)


def _parts(text: str, glob: str) -> Iterator[str]:
    """The whole text and, where the pattern leaves an end open, what could stand for its name."""
    yield text
    name = glob.strip("*? ")
    if glob.endswith("*"):
        yield from (text[: len(name) + more] for more in (-1, 0, 1))
        yield " ".join(text.split()[: len(name.split())])
    if glob.startswith("*"):
        yield from text.split()
