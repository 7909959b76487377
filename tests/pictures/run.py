"""``make pictures``: the terminal in the middle of a demonstration, drawn into docs/terminal.svg.

A demonstration runs; as soon as enough stations are under way, its standing
is read from the journal and drawn by the code that draws the terminal.
"""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from migrate.cli.tree import tree
from migrate.domain.attempt import State
from migrate.domain.errors import MigrateError
from migrate.domain.wave import Standing
from migrate.wiring import open_campaign

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "terminal.svg"
WIDTH, HEIGHT = 100, 26
LOOK_EVERY_S = 0.2
SETTLED_BY_THEN = 10
WORTH_A_PICTURE = {State.DEPARTED, State.CONFIRMED}
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Without the web font of the library's own form: a picture fetches nothing."""


def main() -> int:
    """Run the demonstration, draw it once, and let it end."""
    with tempfile.TemporaryDirectory(prefix="picture-") as folder:
        demo = Path(folder) / "demo"
        command = [sys.executable, "-m", "migrate", "demo", "--out", str(demo)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            try:
                PICTURE.write_text(drawn(asyncio.run(_midst(demo, running))), encoding="utf-8")
            finally:
                running.terminate()
    print(f"Wrote {PICTURE.relative_to(ROOT)}")
    return 0


def drawn(standing: Standing) -> str:
    """The tree as a picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(tree(standing, width=WIDTH, height=HEIGHT))
    return console.export_svg(title="migrate run", theme=MONOKAI, code_format=SVG, unique_id="terminal")


async def _midst(folder: Path, running: subprocess.Popen[bytes]) -> Standing:
    """The standing once some have settled, some have just arrived, and others are on their way."""
    while running.poll() is None:
        await asyncio.sleep(LOOK_EVERY_S)
        if not (folder / "campaign.db").exists():
            continue
        try:
            async with open_campaign(folder) as wired:
                standing = await wired.standing()
        except MigrateError:
            continue  # the demonstration has not made its plan yet
        states = {state for state, number in standing.totals.items() if number}
        if standing.totals.get(State.SETTLED, 0) >= SETTLED_BY_THEN and states >= WORTH_A_PICTURE:
            return standing
    raise SystemExit("The demonstration ended before there was anything to draw.")


if __name__ == "__main__":
    sys.exit(main())
