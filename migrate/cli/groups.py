"""A group of verbs that answers a wrong word with the right one, and a later release's verb with today's way.

It runs nothing: click does, as with any group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

import click

from migrate.cli.signposts import signed

LATER: Mapping[str, Mapping[str, str]] = {
    "migrate": {
        "web": "Until then: `migrate status --watch`.",
        "simulate": "Until then `migrate demo` runs a whole campaign against simulated stations.",
        "unlock": "The lease of a dead run is taken over by the next `migrate run`.",
        "drill": "Until then rehearse with `migrate demo --faults NAME`.",
        "backup": "Until then copy the folder while nothing runs; docs/runbook.md says how.",
        "restore": "Until then put the copied folder back; docs/runbook.md says how.",
        "audit": "`migrate doctor` checks every chain of the journal.",
    },
    "plan": {
        "export": "Until then: `migrate plan show --stations --json`.",
        "import": "Until then pin stations by `wave` and `hold` in the inventory, and make the plan anew.",
    },
    "report": {"evidence": "Until then: `migrate report stations`, and `migrate station IDENTITY` for each timeline."},
}
"""Verbs that are promised and not yet there, by their group, with what to do meanwhile."""


class Group(click.Group):
    """A group whose unknown verb is told with the nearest one."""

    later: ClassVar[Mapping[str, Mapping[str, str]]] = LATER

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return signed(super().get_command(ctx, cmd_name), f"{self.name} {cmd_name}")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(self._instead(ctx, args[0]))
        return super().resolve_command(ctx, args)

    def _instead(self, ctx: click.Context, word: str) -> str:
        if meanwhile := self.later.get(ctx.info_name or "", {}).get(word):
            return f"'{word}' comes with a later release. {meanwhile}"
        near: Sequence[Any] = get_close_matches(word.lower()[:40], self.list_commands(ctx), n=1)
        return f"No such command {word!r}.{f' Did you mean {near[0]}?' if near else ''}"
