"""What a move asks of one station in OCPP 1.6.

It repeats no command; a read that a station answers in part is asked again key
by key, because reading changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrate.adapters.channels.dialogue import Send
from migrate.adapters.ocpp import dialect16
from migrate.adapters.ocpp.dialect16 import Configuration
from migrate.adapters.ocpp.replies import agreed
from migrate.domain.errors import Refused
from migrate.domain.profile import Restart

CAREFUL_PAGE = 10  # for a station that does not say how many keys it takes


class Dialogue16:
    """One station, as long as it is spoken to in 1.6."""

    def __init__(self, identity: str, send: Send) -> None:
        self._identity, self._send = identity, send

    async def read(self, keys: Sequence[str], *, max_keys: int | None = None) -> Mapping[str, str | None]:
        """GetConfiguration, in pages the station can take; every key it has when none is named."""
        if not keys:
            return (await self._page(())).values
        asked = tuple(dict.fromkeys(keys))
        size = max_keys or await self._page_size(asked)
        values: dict[str, str | None] = {}
        for at in range(0, len(asked), size):
            values |= await self._whole_page(asked[at : at + size])
        return {key: values[key] for key in asked if key in values}

    async def _page_size(self, asked: Sequence[str]) -> int:
        """What the station says of itself; one key needs no question."""
        if len(asked) == 1:
            return 1
        try:
            found = await self._page((dialect16.MAX_KEYS,))
        except Refused:
            return CAREFUL_PAGE
        return dialect16.page_size(found.values, CAREFUL_PAGE)

    async def _whole_page(self, keys: Sequence[str]) -> Mapping[str, str | None]:
        """One page; keys passed over in silence, or all of a page refused, are asked for one by one."""
        try:
            page = await self._page(keys)
        except Refused:
            if len(keys) == 1:
                raise
            page = Configuration({}, tuple(keys))
        values = dict(page.values)
        if len(keys) > 1:
            for key in page.unanswered:
                values |= (await self._page((key,))).values
        return values

    async def _page(self, keys: Sequence[str]) -> Configuration:
        answer = await self._send(dialect16.get_configuration(keys))
        return dialect16.configuration(self._identity, keys, answer)

    async def write(self, key: str, value: str) -> str:
        """ChangeConfiguration: ``Accepted`` or ``RebootRequired``."""
        answer = await self._send(dialect16.change_configuration(key, value))
        return dialect16.changed(self._identity, key, answer)

    async def restart(self, kind: Restart) -> None:
        """Reset."""
        agreed(self._identity, "Reset", await self._send(dialect16.reset(kind)))

    async def trigger_boot(self) -> None:
        """TriggerMessage(BootNotification); the relay marks the boot that follows as solicited."""
        agreed(self._identity, "TriggerMessage", await self._send(dialect16.trigger_boot()))
