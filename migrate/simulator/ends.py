"""In which version a station speaks once somebody has answered: what was agreed on in the handshake."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection

from migrate.simulator.body import Talk
from migrate.simulator.dialect import StationEnd
from migrate.simulator.dialect201 import StationEnd21, StationEnd201
from migrate.simulator.obedience import Obedience
from migrate.simulator.obedience201 import Obedience201


def end_of(session: Talk, connection: ClientConnection) -> StationEnd | StationEnd201:
    """The station's end of a session; a CSMS that names no subprotocol is spoken to in the station's favourite."""
    spec, ways = session.station.spec, session.station.ways
    agreed = connection.subprotocol or ways.speaks[0]
    if agreed == "ocpp1.6":
        return StationEnd(spec.identity, connection, Obedience(session), counts_ids=ways.counts_ids)
    end = StationEnd21 if agreed == "ocpp2.1" else StationEnd201
    return end(spec.identity, connection, Obedience201(session), counts_ids=ways.counts_ids)
