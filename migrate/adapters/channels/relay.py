"""Commands through the relay: the station's own answers, one OCPP 1.6 call each.

It turns the channel port into calls and answers into values or station errors.
It repeats no command; a read that a station answers in part is asked again
key by key, because reading changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrate.adapters.ocpp import dialect16
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.dialect16 import Command, Configuration
from migrate.adapters.ocpp.messages import Answer
from migrate.domain.errors import Refused
from migrate.domain.evidence import Side
from migrate.domain.profile import Restart

CAREFUL_PAGE = 10  # for a station that does not say how many keys it takes


class RelayChannel:
    """One side's stations, through the listening process.  Time-outs are real seconds."""

    def __init__(self, client: ListenClient, side: Side, *, timeout_s: float = 30.0) -> None:
        self._client, self._side, self._timeout_s = client, side, timeout_s

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        """GetConfiguration, in pages the station can take; every key it has when none is named."""
        if not keys:
            return (await self._page(identity, ())).values
        asked = tuple(dict.fromkeys(keys))
        size = max_keys or await self._page_size(identity, asked)
        values: dict[str, str | None] = {}
        for at in range(0, len(asked), size):
            values |= await self._whole_page(identity, asked[at : at + size])
        return {key: values[key] for key in asked if key in values}

    async def _page_size(self, identity: str, asked: Sequence[str]) -> int:
        """What the station says of itself; one key needs no question."""
        if len(asked) == 1:
            return 1
        try:
            found = await self._page(identity, (dialect16.MAX_KEYS,))
        except Refused:
            return CAREFUL_PAGE
        return dialect16.page_size(found.values, CAREFUL_PAGE)

    async def _whole_page(self, identity: str, keys: Sequence[str]) -> Mapping[str, str | None]:
        """One page; keys passed over in silence, or all of a page refused, are asked for one by one."""
        try:
            page = await self._page(identity, keys)
        except Refused:
            if len(keys) == 1:
                raise
            page = Configuration({}, tuple(keys))
        values = dict(page.values)
        if len(keys) > 1:
            for key in page.unanswered:
                values |= (await self._page(identity, (key,))).values
        return values

    async def _page(self, identity: str, keys: Sequence[str]) -> Configuration:
        answer = await self._call(identity, dialect16.get_configuration(keys))
        return dialect16.configuration(identity, keys, answer)

    async def write(self, identity: str, key: str, value: str) -> str:
        """ChangeConfiguration: ``Accepted`` or ``RebootRequired``."""
        answer = await self._call(identity, dialect16.change_configuration(key, value))
        return dialect16.changed(identity, key, answer)

    async def restart(self, identity: str, kind: Restart) -> None:
        """Reset."""
        dialect16.agreed(identity, "Reset", await self._call(identity, dialect16.reset(kind)))

    async def trigger_boot(self, identity: str) -> None:
        """TriggerMessage(BootNotification); the relay marks the boot that follows as solicited."""
        dialect16.agreed(identity, "TriggerMessage", await self._call(identity, dialect16.trigger_boot()))

    async def _call(self, identity: str, command: Command) -> Answer:
        return await self._client.inject(
            self._side, identity, command.action, command.payload, timeout_s=self._timeout_s
        )
