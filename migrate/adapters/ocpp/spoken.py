"""Which versions of OCPP-J the relay speaks itself, by their WebSocket subprotocols.

Any other is passed through untouched, and its stations are not commanded.
"""

from __future__ import annotations

from collections.abc import Iterable

OCPP16, OCPP201, OCPP21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
SPOKEN = (OCPP16, OCPP201, OCPP21)


def version_of(subprotocol: str) -> str:
    """What a session speaks; stations that name nothing speak 1.6."""
    return subprotocol or OCPP16


def chosen(offered: Iterable[str]) -> str:
    """What a CSMS of ours would agree on: the first that the station offers and we speak, or nothing.

    >>> chosen(["ocpp2.1", "ocpp1.6"]), chosen(["soap"])
    ('ocpp2.1', '')
    """
    return next((one for one in offered if one in SPOKEN), "")
