"""Parts of the documents that are made from the code.

``python -m tests.architecture.generated`` writes them anew; a test compares.
"""

from __future__ import annotations

import re

from migrate.domain.attempt import INTENTS, TABLE, Fact, State
from tests.architecture.house import ROOT

HEAD = "<!-- {name}: made from {source} -->\n"
END = "<!-- end -->"
EVERYWHERE = (Fact.CONFIRMED_ON_TARGET, Fact.SEEN_ON_TARGET)


def attempt_table() -> str:
    """The attempt table, a row per state; the two rules that hold in every row are told beside it."""
    rows = [f"| {_named(state)} | {_ways(state)} |" for state in State]
    return "\n".join(["", "| state | leaves by |", "|---|---|", *rows, "", ""])


def _named(state: State) -> str:
    return f"*{state.value}*" if state in INTENTS else state.value


def _ways(state: State) -> str:
    ways = [
        f"{fact.value.replace('_', ' ')} → {to.value}" for fact, to in TABLE[state].items() if fact not in EVERYWHERE
    ]
    return " · ".join(ways) or "an end"


PARTS = {("docs/architecture.md", "attempt table", "migrate.domain.attempt.TABLE"): attempt_table}


def renewed(path: str, name: str, source: str, body: str) -> tuple[str, str]:
    """The document as it is, and as it should be."""
    now = (ROOT / path).read_text(encoding="utf-8")
    head = HEAD.format(name=name, source=source)
    pattern = re.compile(re.escape(head) + r".*?" + re.escape(END), re.DOTALL)
    assert pattern.search(now), f"{path} has no place for the {name}"
    return now, pattern.sub(lambda _: head + body + END, now)


if __name__ == "__main__":
    for (path, name, source), make in PARTS.items():
        (ROOT / path).write_text(renewed(path, name, source, make())[1], encoding="utf-8")
