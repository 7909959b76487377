"""Rows of sums below a list, told from stations.

A person reads ``Summe: 312`` as what it is; imported it would be a station of
that name.  Known are the words that reports of eight languages end with.
Stations are called ``TOTAL01`` too, so a number counts as a sum only with a
gap before it, and no row that says much else is taken for one.
"""

from __future__ import annotations

import re

from migrate.domain.row import Row

_WORDS = (
    r"(?:grand |sub|sub-|zwischen|end)?"
    r"(?:totals?|sum|summe|gesamt|gesamtsumme|gesamtanzahl|insgesamt|anzahl|totaal|aantal|somme|total g[ée]n[ée]ral|"
    r"totale|totali|somma|suma|razem|[łl][ąa]cznie|celkem|sou[čc]et|po[čc]et|totalt|summa|i alt|antal|antall)"
)
_TOTAL = re.compile(_WORDS + r"\s*:?(?:(?:\s+|(?<=:))[\d.,]+(?:\s+[^\W\d]{1,20})?)?", re.IGNORECASE)
_FIRST_LETTERS = frozenset("tTsSgGiIaArRlLłŁcCpPzZeE ")
_MOST_FILLED = 4


def is_total(row: Row) -> bool:
    """A row of sums: it says so where the identity belongs, or beside a blank or a bare number there."""
    identity = row.cells.get("identity", "")
    if identity and not identity.isdigit() and not identity.isspace():
        if identity[0] not in _FIRST_LETTERS or _TOTAL.fullmatch(identity.strip()) is None:
            return False
        return len(_filled(row)) <= _MOST_FILLED
    filled = _filled(row)
    if identity and len(filled) > _MOST_FILLED:
        return False
    return any(_TOTAL.fullmatch(text) for text in filled)


def _filled(row: Row) -> list[str]:
    return [text.strip() for text in row.cells.values() if text and not text.isspace()]
