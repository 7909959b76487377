"""What a simulated CSMS answers in OCPP 2.0.1 and 2.1, and which version it agrees on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from websockets.typing import Subprotocol

SPOKEN = (Subprotocol("ocpp1.6"), Subprotocol("ocpp2.0.1"), Subprotocol("ocpp2.1"))


def agreed(offered: Sequence[Subprotocol], spoken: Sequence[str] = SPOKEN) -> Subprotocol | None:
    """The first that the station offers and this CSMS speaks; none when they have nothing in common."""
    return next((one for one in offered if one in spoken), None)


def answer(action: str, payload: Any, boot: Callable[[], dict[str, Any]], now: str) -> dict[str, Any] | None:
    """The payload of the answer to one CALL; None for an action that it does not know."""
    if action == "BootNotification":
        return boot()
    if action == "Heartbeat":
        return {"currentTime": now}
    has_card = isinstance(payload, Mapping) and "idToken" in payload
    if action == "Authorize" or (action == "TransactionEvent" and has_card):
        return {"idTokenInfo": {"status": "Accepted"}}
    if action == "DataTransfer":
        return {"status": "Accepted"}
    return {} if action in SILENT else None


SILENT = frozenset(
    {
        *("StatusNotification", "TransactionEvent", "MeterValues", "FirmwareStatusNotification"),
        *("SecurityEventNotification", "LogStatusNotification", "NotifyEvent", "NotifyReport"),
        *("NotifyMonitoringReport", "NotifyChargingLimit", "ReportChargingProfiles"),
    }
)
