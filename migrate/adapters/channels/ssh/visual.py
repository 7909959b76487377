"""A host key as a picture: what a person compares faster than letters.

The drunken bishop of OpenSSH (Loss, Limmer, von Gernler: *The drunken bishop*,
2009), so that the picture is the one that ``ssh-keygen -lv`` draws.
"""

from __future__ import annotations

import base64

WIDTH, HEIGHT = 17, 9
_MARKS = " .o+=*BOX@%&#/^"
_LONGEST = len(_MARKS) - 1


def picture(kind: str, fingerprint: str) -> str:
    """The picture of a key by its fingerprint, ``SHA256:`` and base64."""
    digest = base64.b64decode(fingerprint.removeprefix("SHA256:") + "=")
    visits = [[0] * WIDTH for _ in range(HEIGHT)]
    x, y = WIDTH // 2, HEIGHT // 2
    for byte in digest:
        for step in range(4):
            move = byte >> (2 * step)
            x = min(WIDTH - 1, x + 1) if move & 1 else max(0, x - 1)
            y = min(HEIGHT - 1, y + 1) if move & 2 else max(0, y - 1)
            visits[y][x] += 1
    rows = ["".join(_MARKS[min(count, _LONGEST)] for count in row) for row in visits]
    rows[HEIGHT // 2] = _with_mark(rows[HEIGHT // 2], WIDTH // 2, "S")
    rows[y] = _with_mark(rows[y], x, "E")
    framed = "\n".join(f"|{row}|" for row in rows)
    return f"+{_rule(kind.removeprefix('ssh-').upper()[:12])}+\n{framed}\n+{_rule('SHA256')}+"


def _rule(label: str) -> str:
    left = (WIDTH - len(label) - 2) // 2
    return f"{'-' * left}[{label}]".ljust(WIDTH, "-")


def _with_mark(row: str, at: int, mark: str) -> str:
    return row[:at] + mark + row[at + 1 :]
