"""A second socket under a station's name, that never says a word again."""

from __future__ import annotations

from contextlib import suppress

from websockets.asyncio.client import ClientConnection

from migrate.simulator.dialling import DialFailed, dial


class Shadow:
    """At most one, until the station restarts or ends."""

    def __init__(self) -> None:
        self._socket: ClientConnection | None = None

    async def cast(self, url: str, speaks: tuple[str, ...]) -> None:
        """Hold a socket of its own that never says a word, not even a pong."""
        if self._socket:
            return
        with suppress(DialFailed):
            self._socket = await dial(url, speaks)
            self._socket.transport.pause_reading()

    def keep(self, connection: ClientConnection) -> None:
        """A socket that is neither closed nor served any more."""
        connection.transport.pause_reading()
        self._socket = connection

    def drop(self) -> None:
        if self._socket:
            self._socket.transport.abort()
            self._socket = None
