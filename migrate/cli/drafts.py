"""A file that somebody will open is there whole, or as it was before.

It is drawn beside its place, under a name of its own, and then moved into it.
A kill, a full disk or a renderer that gives up leaves what was there.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from migrate.domain.errors import SettingsProblem


@contextmanager
def drafted(out: Path) -> Iterator[Path]:
    """Where to write; what stands there when the block ends takes the place of ``out``, and nothing does if it raises."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(b"")  # what cannot be written says so before anything is drawn
        yield draft
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def require_form(out: Path, forms: Collection[str]) -> None:
    """Refuse a file whose name asks for a form that this release does not write, before anything is read."""
    suffix = out.suffix.lower()
    if suffix in forms:
        return
    *most, last = forms
    written = f"{', '.join(most)} and {last}"
    if suffix == ".pdf":
        raise SettingsProblem(
            f"{out.name}: PDF comes with a later release; this one writes {written}.",
            hint=f"Write {out.stem}.html and print it from any browser: it is laid out for A4.",
        )
    raise SettingsProblem(
        f"{out.name}: this release writes {written}.", hint=f"Name the file accordingly, for example {out.stem}{last}."
    )
