"""Scripts filter by code, so every code is in the manual, and the manual names none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[3]
SOURCES = [*(HOUSE / "migrate/domain").glob("*.py"), *(HOUSE / "migrate/adapters/spreadsheet").glob("*.py")]


def test_the_manual_lists_exactly_the_codes_that_can_occur() -> None:
    used = {code for file in SOURCES for code in re.findall(r'"([EW]-[A-Z-]+[A-Z])"', file.read_text("utf-8"))}
    told = set(re.findall(r"`([EW]-[A-Z-]+[A-Z])`", (HOUSE / "docs/inventory.md").read_text("utf-8")))

    assert told == used
