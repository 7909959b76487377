"""``run --json``: one JSON document per line as things happen, the last being the summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from migrate.cli.options import print_json_line
from migrate.domain.record import EventKind
from migrate.domain.wave import Standing
from migrate.ports import Journal
from reports.redaction import redact_document
from reports.status import status_document
from reports.times import stamp

TOLD = frozenset({EventKind.MOVED, EventKind.WAVE, EventKind.CONTROL, EventKind.INCIDENT, EventKind.MODEL_STOPPED})


class JsonLines:
    """A ``Progress`` that writes what the journal tells to stdout, each line a document of ``migrate.event/1``."""

    def __init__(self, *, after: int, journal: Journal) -> None:
        self._after = after
        self._journal = journal
        self._is_read = True

    def update(self, standing: Standing) -> None:
        """Standings are not told; events are, by ``tell``."""

    def say(self, text: str) -> None:
        click.echo(text, err=True)

    def close(self) -> None:
        """Nothing is open."""

    async def tell(self) -> None:
        """Write what was journaled since the last look."""
        kinds = [kind.value for kind in TOLD]
        while events := await self._journal.events(after=self._after, kinds=kinds):
            for stored in events:
                event = stored.event
                self._write(
                    {
                        "schema": "migrate.event/1",
                        "seq": stored.seq,
                        "at": stamp(event.at),
                        "kind": event.kind.value,
                        "identity": event.identity,
                        **redact_document(dict(event.data)),
                    }
                )
            self._after = events[-1].seq

    async def finish(self, standing: Standing) -> None:
        """The rest of the events, then the summary."""
        await self.tell()
        self._write(status_document(standing))

    def _write(self, document: Mapping[str, Any]) -> None:
        """A reader that went away ends the lines, never the run."""
        try:
            if self._is_read:
                print_json_line(document)
        except BrokenPipeError:
            self._is_read = False
