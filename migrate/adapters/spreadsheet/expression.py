"""What may stand on the right of a column in a map: a header, or one of a closed set of forms.

There is no formula language and no code: a map is data that a colleague can
review.  ``docs/inventory.md`` lists every form with an example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol

from migrate.domain.cell import DateOrder
from migrate.domain.finding import Finding, nearest, quoted

Columns = Mapping[str, Sequence[str]]
"""A sheet by its published headers: one sequence of texts each, all of one length."""


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column: its texts, and what is wrong with single ones by their index."""

    texts: Sequence[str]
    found: Mapping[int, Finding] = field(default_factory=dict)


class Expression(Protocol):
    """How one canonical column comes out of published ones."""

    @property
    def headers(self) -> tuple[str, ...]:
        """The published headers that must exist."""

    def read(self, columns: Columns, height: int) -> Column: ...


@dataclass(frozen=True, slots=True)
class Header:
    """The cell under a published header, as it stands."""

    name: str
    order: DateOrder = DateOrder.UNKNOWN

    @property
    def headers(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, columns: Columns, height: int) -> Column:
        return Column(columns[self.name])


@dataclass(frozen=True, slots=True)
class Value:
    """The same text in every row."""

    text: str

    @property
    def headers(self) -> tuple[str, ...]:
        return ()

    def read(self, columns: Columns, height: int) -> Column:
        return Column((self.text,) * height)


@dataclass(frozen=True, slots=True)
class Join:
    """Several cells in one, blank ones passed over."""

    headers: tuple[str, ...]
    between: str

    def read(self, columns: Columns, height: int) -> Column:
        rows = zip(*(columns[name] for name in self.headers), strict=True)
        return Column([self.between.join(filter(None, map(str.strip, texts))) for texts in rows])


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first cell that is not blank."""

    headers: tuple[str, ...]

    def read(self, columns: Columns, height: int) -> Column:
        rows = zip(*(columns[name] for name in self.headers), strict=True)
        return Column([next((text for text in texts if text.strip()), "") for texts in rows])


@dataclass(frozen=True, slots=True)
class Translate:
    """A published word for a canonical one.  A word that the map does not list is an error, unless it has ``otherwise``."""

    name: str
    words: Mapping[str, str]
    otherwise: str | None

    @property
    def headers(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, columns: Columns, height: int) -> Column:
        published = columns[self.name]
        translated = {text: self._word(text.strip()) for text in dict.fromkeys(published)}
        found = {
            index: self._unlisted(text.strip()) for index, text in enumerate(published) if translated[text] is None
        }
        return Column([translated[text] or "" for text in published], found)

    def _word(self, word: str) -> str | None:
        return self.words.get(word, self.otherwise if word else "")

    def _unlisted(self, word: str) -> Finding:
        hint = nearest(word, self.words) + f"Add {quoted(word)} under to = {{ … }}, or mend the cell."
        return Finding("E-MAP-WORD", f"The map does not translate {quoted(word)}.", hint)


@dataclass(frozen=True, slots=True)
class CountFilled:
    """How many of the columns whose header matches a pattern are filled in this row."""

    pattern: str

    @property
    def headers(self) -> tuple[str, ...]:
        return ()

    def matches(self, headers: Iterable[str]) -> list[str]:
        return [name for name in dict.fromkeys(headers) if fnmatchcase(name, self.pattern)]

    def read(self, columns: Columns, height: int) -> Column:
        counts = [0] * height
        for name in self.matches(columns):
            counts = [count + bool(text.strip()) for count, text in zip(counts, columns[name], strict=True)]
        return Column([str(count) for count in counts])


@dataclass(frozen=True, slots=True)
class CountRows:
    """How many rows were folded into the station, or how many different values they have under a header."""

    name: str = ""

    @property
    def headers(self) -> tuple[str, ...]:
        return (self.name,) if self.name else ()

    def read(self, columns: Columns, height: int) -> Column:
        return Column([text.strip() for text in columns[self.name]] if self.name else ("",) * height)

    def count(self, texts: Sequence[str]) -> str:
        return str(len({text for text in texts if text})) if self.name else str(len(texts))


class Malformed(Exception):  # never leaves this package: the map's reader makes a finding of it
    """An expression that has no known form."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.finding = Finding("E-MAP-FORM", message, hint)


def parse_expression(raw: Any) -> Expression:
    """An expression from TOML.  Raises ``Malformed``."""
    if isinstance(raw, str) and raw:
        return Header(raw)
    if not isinstance(raw, dict):
        raise Malformed(f"{quoted(str(raw))} is neither a header nor a form.", _FORMS)
    name = next((key for key in raw if key in _PARSERS), None)
    if name is None:
        raise Malformed(
            f"No form is called {quoted(', '.join(raw))}.", "".join(nearest(k, _PARSERS) for k in raw) + _FORMS
        )
    parse, options = _PARSERS[name]
    if unknown := sorted(set(raw) - {name} - options):
        hint = (
            "".join(nearest(key, options) for key in unknown)
            or f"{name} takes {', '.join(sorted(options)) or 'no more'}."
        )
        raise Malformed(f"{name} takes no {quoted(', '.join(unknown))}.", hint)
    return parse(raw)


def _text(raw: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = raw.get(key, default)
    if not isinstance(value, str):
        raise Malformed(f"{key} wants a text.", _FORMS)
    return value


def _texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise Malformed(f"{key} wants a list of headers.", _FORMS)
    return tuple(value)


def _translate(raw: Mapping[str, Any]) -> Expression:
    words = raw.get("to")
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise Malformed("translate wants to = { published = canonical, … }.", _FORMS)
    return Translate(_text(raw, "translate"), words, _text(raw, "otherwise") if "otherwise" in raw else None)


def _date(raw: Mapping[str, Any]) -> Expression:
    order = _text(raw, "order", "unknown")
    if order not in tuple(DateOrder):
        raise Malformed(f"order knows no {quoted(order)}.", "Write day_first or month_first; ISO dates need no order.")
    return Header(_text(raw, "date"), DateOrder(order))


def _count_rows(raw: Mapping[str, Any]) -> Expression:
    if raw["count_rows"] is not True:
        raise Malformed("count_rows wants true.", _FORMS)
    return CountRows()


_Parser = tuple[Callable[[Mapping[str, Any]], Expression], frozenset[str]]
_PARSERS: dict[str, _Parser] = {
    "value": (lambda raw: Value(_text(raw, "value")), frozenset()),
    "join": (lambda raw: Join(_texts(raw, "join"), _text(raw, "with", " ")), frozenset({"with"})),
    "first_of": (lambda raw: FirstOf(_texts(raw, "first_of")), frozenset()),
    "translate": (_translate, frozenset({"to", "otherwise"})),
    "count_filled": (lambda raw: CountFilled(_text(raw, "count_filled")), frozenset()),
    "date": (_date, frozenset({"order"})),
    "count_rows": (_count_rows, frozenset()),
    "count_distinct": (lambda raw: CountRows(_text(raw, "count_distinct")), frozenset()),
}
_FORMS = f"Write a header in quotes, or one of {', '.join(_PARSERS)}; docs/inventory.md shows each."
