"""What one relay bears, and how long a command may wait in it.

Numbers alone: whoever is concerned reads them, nothing here enforces them.
"""

from __future__ import annotations

from dataclasses import dataclass

SEND_WITHIN_S = 2.0
"""A command that could not be written this soon is never written."""

REPORT_QUIET_S, REPORT_WITHIN_S = 20.0, 300.0
"""A report of the device model counts as ended when nothing of it came for so long, and in any case after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one relay bears, in real seconds, bytes and connections."""

    max_connections: int = 20_000
    max_opening: int = 1_000  # handshakes at once; the others wait to be accepted
    crowded_s: float = 10.0  # of a full house the oldest gives way, once it has stood so long
    mute_s: float = 2.0  # and has said nothing
    max_dials: int = 256  # towards the CSMS at once
    per_address: int | None = None
    handshake_s: float = 10.0
    dial_s: float = 10.0
    idle_s: float = 60.0  # silence after which a station is pinged
    pong_s: float = 20.0
    max_missed: int = 3  # pings, before a socket counts as half-open and is closed
    sweep_s: float = 5.0
    csms_patience_s: float = 30.0
    max_held_bytes: int = 1 << 18
    max_waiting: int = 8
    trigger_s: float = 120.0  # a boot within it was asked for; one maker takes 60 s
