"""One is one of a kind: a number that stands before its noun in a sentence for people goes through ``counted``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from migrate.domain.counted import counted, who_does
from tests.architecture.house import modules

NOUNS = (
    "station", "site", "row", "file", "finding", "wave", "order", "visit", "problem", "kind", "group", "reason", "error",
    "warning", "profile", "host", "host key", "certificate", "connector", "sighting", "boot", "command", "session",
    "incident", "attempt", "variable", "disagreement", "break", "record", "secret", "release", "transcript",
)  # fmt: skip
"""What is counted in a campaign.  Characters, bytes and seconds are bounds, and never one."""

COUNTS = re.compile(
    rf"^ (?:(?:other|more|sound|simulated|further|new|changed|host) )?(?:{'|'.join(NOUNS)})(?:s|\(s\))\b"
)


def is_a_constant(value: ast.expr) -> bool:
    """A bound of ours, ``MOST_ROWS`` or ``{200}``: nobody's count."""
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return isinstance(value, ast.Constant) or (name != "" and name.isupper())


def bare_counts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Numbers in f-strings that stand before a plural, whatever they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for part, text in zip(node.values, node.values[1:], strict=False):
                if not isinstance(part, ast.FormattedValue) or is_a_constant(part.value):
                    continue
                if isinstance(text, ast.Constant) and COUNTS.match(str(text.value)):
                    yield node.lineno, str(text.value).strip()


def test_no_sentence_counts_by_hand() -> None:
    people = [m for m in modules() if not m.path.startswith("migrate/simulator/")]

    by_hand = [f"{m.path}:{line} {{…}} {text}" for m in people for line, text in bare_counts(m.tree)]

    assert not by_hand, "Use migrate.domain.counted"


def test_the_look_for_counts_finds_them() -> None:
    tree = ast.parse("f'{n} stations are {x}'; f'{len(a):,} host keys'; f'{MOST_ROWS:,} rows'; f'{n} of a kind'")

    assert [text for _, text in bare_counts(tree)] == ["stations are", "host keys"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(0, "0 stations wait", id="none"),
        pytest.param(1, "1 station waits", id="one"),
        pytest.param(2, "2 stations wait", id="two"),
        pytest.param(1200, "1,200 stations wait", id="very many"),
    ],
)
def test_a_number_agrees_with_its_noun_and_its_verb(number: int, said: str) -> None:
    assert who_does(number, "station", "wait") == said
    assert said.startswith(counted(number, "station"))
