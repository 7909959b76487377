"""What the frames of one session say about its station, in OCPP 2.0.1 and 2.1.

The same sightings as from 1.6, under other words: a transaction is known by
TransactionEvent and never by *Occupied*, which a plugged cable is too.  It
sends nothing, and no card leaves it in clear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migrate.adapters.ocpp.messages import Call, clean
from migrate.adapters.ocpp.tap import Hearing, Tap, count, number
from migrate.domain.evidence import NOT_CHARGING, Kind, Sighting

MAX_TRANSACTION_ID = 36  # IdentifierString of 2.0.1


@dataclass(slots=True)
class Tap201(Tap):
    """One session, as far as it was heard.  What 1.6 calls a connector is an EVSE here: transactions belong to those."""

    def _keys_at_a_time(self, payload: Mapping[str, Any]) -> int:
        """How many variables it takes in one GetVariables, where that was asked for."""
        listed = payload.get("getVariableResult")
        for entry in listed if isinstance(listed, list) else ():
            variable = entry.get("variable") if isinstance(entry, dict) else None
            if isinstance(variable, dict) and (variable.get("name"), variable.get("instance")) == _ITEMS_PER_GET:
                return count(entry.get("attributeValue"))
        return 0

    def _boot(self, call: Call, at: datetime) -> None:
        """One with the reason *Triggered* was asked for, by whomever, and is no restart."""
        self.expects_boot = self.expects_boot or call.payload.get("reason") == "Triggered"
        Tap._boot(self, call, at)

    def _status(self, call: Call, at: datetime) -> Sighting:
        """How one connector stands.

        An EVSE may have several, so what one of them says ends no transaction
        that is known to run on it: then the status is the whole station's.
        """
        connector, status = number(call.payload.get("evseId")), clean(call.payload.get("connectorStatus"))
        may_end = status == "Available" and connector not in self._transactions.values()
        if connector in self._busy and status in NOT_CHARGING and not may_end:
            connector = 0
        if connector and may_end:
            self._busy.pop(connector, None)
        return self.place.sighting(Kind.STATUS, at, connector=connector, detail=status)

    def _transaction(self, call: Call, at: datetime) -> Sighting | None:
        """Began, ended, or goes on although nobody saw it begin."""
        event, payload = clean(call.payload.get("eventType"), 16), call.payload
        info = _mapping(payload.get("transactionInfo"))
        id_ = clean(info.get("transactionId"), MAX_TRANSACTION_ID)
        connector = number(_mapping(payload.get("evse")).get("id")) or self._transactions.get(id_, 0)
        card = self._hashed(_mapping(payload.get("idToken")).get("idToken"))
        if event == "Ended":
            self._transactions.pop(id_, None)
            self._busy.pop(connector, None)
            return self.place.sighting(Kind.TRANSACTION_STOPPED, at, connector=connector, detail=card)
        if id_ in self._transactions or (event != "Started" and not connector):
            return None
        self._remember(self._transactions, id_, connector)
        self._busy[connector] = None
        return self.place.sighting(Kind.TRANSACTION_STARTED, at, connector=connector, detail=card)


_ITEMS_PER_GET = ("ItemsPerMessage", "GetVariables")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


HEARD: Mapping[str, Callable[[Tap201, Call, datetime], Sighting | None]] = {
    "BootNotification": Tap201._boot,
    "Heartbeat": Tap201._heartbeat,
    "StatusNotification": Tap201._status,
    "TransactionEvent": Tap201._transaction,
    "FirmwareStatusNotification": Tap201._firmware,
    "SecurityEventNotification": Tap201._security,
}
Tap201.hearing = Hearing(HEARD)


def tap_for(protocol: str) -> type[Tap]:
    """How a session of this subprotocol is listened to; what is not known is heard as 1.6."""
    return Tap201 if protocol.startswith("ocpp2") else Tap
