"""Commands through the relay: the station's own answers, in the dialect that its live session agreed on.

It turns the channel port into calls and answers into values or station errors.
Which version a station speaks it asks the relay for each command: a station
that comes back may speak another one.  It repeats no command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrate.adapters.channels.dialogue import Dialogue
from migrate.adapters.channels.dialogue16 import Dialogue16
from migrate.adapters.channels.dialogue201 import Dialogue201, Limits
from migrate.adapters.ocpp.client import ListenClient
from migrate.adapters.ocpp.messages import Answer
from migrate.adapters.ocpp.replies import Command
from migrate.domain.evidence import Side
from migrate.domain.profile import Restart

VERSIONS_2 = ("ocpp2.0.1", "ocpp2.1")


class RelayChannel:
    """One side's stations, through the listening process.  Time-outs are real seconds."""

    def __init__(self, client: ListenClient, side: Side, *, timeout_s: float = 30.0) -> None:
        self._client, self._side, self._timeout_s = client, side, timeout_s
        self._limits: dict[str, Limits] = {}  # of stations of 2.x, by identity

    async def read(
        self, identity: str, keys: Sequence[str], *, max_keys: int | None = None
    ) -> Mapping[str, str | None]:
        """GetConfiguration or GetVariables, in pages the station can take."""
        return await (await self._dialogue(identity)).read(keys, max_keys=max_keys)

    async def write(self, identity: str, key: str, value: str) -> str:
        """ChangeConfiguration, SetVariables or SetNetworkProfile: ``Accepted`` or ``RebootRequired``."""
        return await (await self._dialogue(identity)).write(key, value)

    async def restart(self, identity: str, kind: Restart) -> None:
        """Reset."""
        await (await self._dialogue(identity)).restart(kind)

    async def trigger_boot(self, identity: str) -> None:
        """TriggerMessage(BootNotification); the relay marks the boot that follows as solicited."""
        await (await self._dialogue(identity)).trigger_boot()

    async def _dialogue(self, identity: str) -> Dialogue:
        """Without a session the call itself will say that nobody is there."""
        session = (await self._client.presence(identity)).on(self._side)
        protocol = session.protocol if session is not None else ""

        async def send(command: Command) -> Answer:
            return await self._client.inject(
                self._side, identity, command.action, command.payload, timeout_s=self._timeout_s, protocol=protocol
            )

        if protocol in VERSIONS_2:
            return Dialogue201(identity, send, protocol, self._limits)
        return Dialogue16(identity, send)
