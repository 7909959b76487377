"""A number and what it counts, in words: one is one of a kind."""

from __future__ import annotations

_OF_ONE = {"are": "is", "have": "has"} | {
    verb: f"{verb}s" for verb in ["differ", "fit", "hold", "load", "need", "share", "show", "sign", "speak", "wait"]
}


def counted(number: int, noun: str) -> str:
    """How many of something, for nouns that take an ``s``.

    >>> counted(1, "host key"), counted(2000, "host key"), counted(0, "file")
    ('1 host key', '2,000 host keys', '0 files')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def who_does(number: int, noun: str, what: str) -> str:
    """A sentence about several, turned into one about a single one where there is no other.

    Its first word may be a verb that differs then; any other stays as it is.

    >>> who_does(1, "station", "are offline"), who_does(3, "station", "are offline")
    ('1 station is offline', '3 stations are offline')
    """
    verb, space, rest = what.partition(" ")
    return f"{counted(number, noun)} {_OF_ONE.get(verb, verb) if number == 1 else verb}{space}{rest}"
