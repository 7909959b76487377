"""Where the pieces of a shell's command line end, and what ``printf`` makes of its words.

Pure text: quotes, substitutions and escapes as POSIX has them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(slots=True)
class Word:
    """One word while it is read; ``is_quoted`` keeps an empty one that stood in quotes."""

    text: str = ""
    is_quoted: bool = False
    parts: list[str] = field(default_factory=list)


def past_word_part(line: str, at: int) -> int:
    """Where the next piece of a raw word ends: a quoted stretch, a substitution or one character."""
    if line[at] in "'`":
        return closing(line, at + 1, line[at]) + 1
    if line[at] == '"':
        return past_double(line, at)
    if line.startswith("$(", at):
        return past_parenthesis(line, at + 1)
    return at + (2 if line[at] == "\\" else 1)


def closing(text: str, at: int, mark: str) -> int:
    end = text.find(mark, at)
    return len(text) if end < 0 else end


def past_double(text: str, at: int) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at = past_parenthesis(text, at + 1) if text.startswith("$(", at) else at + (2 if text[at] == "\\" else 1)
    return at + 1


def past_parenthesis(text: str, at: int) -> int:
    """Behind the parenthesis that closes the one at ``at``."""
    deep = 0
    while at < len(text):
        deep += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
        if deep == 0:
            break
    return at


def printed(words: list[str]) -> str:
    """``printf`` with %s, %% and the usual escapes; the format is used again for what is left over."""
    pattern, given = words[0], list(words[1:])
    out = ""
    while True:
        before = len(given)
        out += re.sub(r"%s|%%|\\n|\\t|\\\\", lambda found: _piece(found[0], given), pattern)
        if not given or len(given) == before:
            return out


def _piece(mark: str, given: list[str]) -> str:
    if mark == "%s":
        return given.pop(0) if given else ""
    return {"%%": "%", "\\n": "\n", "\\t": "\t", "\\\\": "\\"}[mark]
