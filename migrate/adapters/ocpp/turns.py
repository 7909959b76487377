"""Whose turn it is to call a station.

A station may have one call open at a time, the CSMS's own calls included.
This module decides, for one session, when a call of ours may go out and which
of the CSMS's calls must wait meanwhile; it sends nothing and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_TRACKED = 64


@dataclass(slots=True)
class Turns:
    """The calls towards one station: ours waiting, ours open, the CSMS's open, the CSMS's held back.

    The CSMS's calls wait from the moment ours is waiting, so that a busy CSMS
    cannot starve it; how long that may last is the caller's limit on sending.
    """

    patience_s: float  # a CSMS's call unanswered for so long no longer counts as open
    max_held_bytes: int
    waiting: list[str] = field(default_factory=list)
    open: str = ""
    _csms: dict[str, float] = field(default_factory=dict)
    _held: list[bytes] = field(default_factory=list)
    _held_ids: list[str] = field(default_factory=list)
    _held_bytes: int = 0

    @property
    def is_holding(self) -> bool:
        """Whether a call of the CSMS that begins now must wait."""
        return bool(self.open or self.waiting)

    @property
    def has_csms_calls(self) -> bool:
        return bool(self._csms)

    def next(self, now: float) -> str:
        """The call of ours that may go out now; empty when none waits or the station is busy answering."""
        if self.open or not self.waiting or self.busy_until(now):
            return ""
        self.open = self.waiting.pop(0)
        return self.open

    def busy_until(self, now: float) -> float:
        """When the last of the CSMS's open calls stops counting; 0 when none is open."""
        self._csms = {id_: at for id_, at in self._csms.items() if now - at < self.patience_s}
        return max(self._csms.values()) + self.patience_s if self._csms else 0.0

    def drop(self, id_: str) -> None:
        """A call of ours is over: answered, timed out, or given up before it was sent."""
        if self.open == id_:
            self.open = ""
        elif id_ in self.waiting:
            self.waiting.remove(id_)

    def csms_called(self, id_: str, now: float) -> None:
        if len(self._csms) >= MAX_TRACKED:
            del self._csms[next(iter(self._csms))]
        self._csms[id_] = now

    def csms_answered(self, id_: str) -> None:
        self._csms.pop(id_, None)

    def hold(self, raw: bytes) -> bool:
        """Keep back a part of a CSMS's call; false when there is no more room, and all must be released."""
        self._held.append(raw)
        self._held_bytes += len(raw)
        return self._held_bytes <= self.max_held_bytes and len(self._held) <= MAX_TRACKED

    def held_call(self, id_: str) -> None:
        self._held_ids.append(id_)

    def release(self, now: float) -> bytes:
        """All that was held back, in the order it came; from now on these calls are open."""
        raw = b"".join(self._held)
        for id_ in self._held_ids:
            self.csms_called(id_, now)
        self._held, self._held_ids, self._held_bytes = [], [], 0
        return raw
