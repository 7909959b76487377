"""What both dialects of a channel have in common: a way to send, and four things to do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from migrate.adapters.ocpp.messages import Answer
from migrate.adapters.ocpp.replies import Command
from migrate.domain.profile import Restart

Send = Callable[[Command], Awaitable[Answer]]
"""One call to one station, and its own answer."""


class Dialogue(Protocol):
    """One station, spoken to in the version that its live session agreed on."""

    async def read(self, keys: Sequence[str], *, max_keys: int | None = None) -> Mapping[str, str | None]: ...
    async def write(self, key: str, value: str) -> str: ...
    async def restart(self, kind: Restart) -> None: ...
    async def trigger_boot(self) -> None: ...
