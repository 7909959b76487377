"""One direction of a relayed connection.

Forwards bytes as they come and shows each whole message to a listener.  Where
a message may have to be kept from the other side, it waits for just enough of
it to know; everything else passes at once and unaltered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from migrate.adapters.ocpp.framing import FrameReader, Opcode, Piece, whole_text
from migrate.adapters.ocpp.messages import MAX_TEXT_BYTES

MAX_UNDECIDED_BYTES = 1024
_PASSING_CONTROLS = frozenset((Opcode.PING, Opcode.PONG))
MAX_UNDECIDED_PIECES = 1024


class Fate(Enum):
    """What becomes of a message."""

    PASS = "pass"  # noqa: S105 - no password
    HOLD = "hold"  # passes later
    SWALLOW = "swallow"  # meant for us alone
    UNDECIDED = "undecided"  # not enough of it has been seen


class Lane:
    """The bytes from one leg to the other.

    ``judge`` decides a message by its first bytes (``None``: all pass),
    ``heard`` is given every whole text message with its fate, ``control`` says
    whether a control frame passes.  A blind lane passes everything and hears
    nothing.
    """

    __slots__ = (
        *("_backlog", "_fate", "_is_text", "_text"),
        *("control", "heard", "hold", "judge", "max_undecided_bytes", "reader", "write"),
    )

    def __init__(
        self,
        *,
        write: Callable[[bytes], None],
        heard: Callable[[bytes, Fate], None],
        control: Callable[[Piece], bool],
        hold: Callable[[bytes], None],
    ) -> None:
        self.write, self.heard, self.control, self.hold = write, heard, control, hold
        self.judge: Callable[[bytes], Fate] | None = None
        self.max_undecided_bytes = MAX_UNDECIDED_BYTES
        self.reader = FrameReader()
        self._fate: Fate | None = None  # None between messages
        self._text: bytearray | None = None
        self._backlog: list[bytes] = []
        self._is_text = False

    @property
    def is_at_boundary(self) -> bool:
        """Whether something of ours may be written here without falling into a message half sent."""
        return not self.reader.is_blind and self._fate is not Fate.PASS

    @property
    def is_blind(self) -> bool:
        return self.reader.is_blind

    def feed(self, data: bytes) -> None:
        if self.reader.is_idle and (text := whole_text(data)) is not None:
            if self.judge is None:
                self.write(data)
                self.heard(text, Fate.PASS)
            else:
                self._whole(data, text, self.judge(text))
            return
        self._pieces(self.reader.feed(data))

    def _pieces(self, pieces: Sequence[Piece]) -> None:
        """One after the other; what merely passes is written together, or a flood of pings would cost a write each."""
        passing: list[bytes] = []
        for piece in pieces:
            if piece.opcode in _PASSING_CONTROLS:
                if self.control(piece):
                    passing.append(piece.raw)
            elif self._fate is Fate.PASS and not piece.begins and not piece.ends and piece.opcode is not None:
                self._keep(piece)
                passing.append(piece.raw)
            else:
                self._write_all(passing)
                self._other(piece)
        self._write_all(passing)

    def _write_all(self, passing: list[bytes]) -> None:
        if passing:
            self.write(b"".join(passing))
            passing.clear()

    def _other(self, piece: Piece) -> None:
        if piece.opcode is None or (piece.is_control and self.control(piece)):
            self._flush_blind(piece)
        elif not piece.is_control:
            self._take(piece)

    def _whole(self, data: bytes, text: bytes, fate: Fate) -> None:
        """The shortcut: the slice is one message."""
        if fate is Fate.PASS or fate is Fate.UNDECIDED:
            self.write(data)
            fate = Fate.PASS
        elif fate is Fate.HOLD:
            self.hold(data)
        self.heard(text, fate)

    def _flush_blind(self, piece: Piece) -> None:
        """Pass a control frame, or a part of a stream that is no longer understood together with what waited."""
        if piece.opcode is None and self._backlog:
            self._settle(Fate.PASS)
        self.write(piece.raw)

    def _take(self, piece: Piece) -> None:
        if piece.begins:
            self._fate, self._text, self._is_text = Fate.UNDECIDED, bytearray(), piece.opcode is Opcode.TEXT
        self._keep(piece)
        self._forward(piece)
        if piece.ends:
            self._end()

    def _keep(self, piece: Piece) -> None:
        if self._text is not None and len(self._text) <= MAX_TEXT_BYTES:
            self._text += piece.payload

    def _forward(self, piece: Piece) -> None:
        if self._fate is Fate.UNDECIDED:
            self._backlog.append(piece.raw)
            fate = self._decide(piece.ends)
            if fate is not Fate.UNDECIDED:
                self._settle(fate)
        elif self._fate is Fate.PASS:
            self.write(piece.raw)
        elif self._fate is Fate.HOLD:
            self.hold(piece.raw)

    def _decide(self, is_whole: bool) -> Fate:
        text = bytes(self._text or b"")
        fate = self.judge(text) if self._is_text and self.judge else Fate.PASS
        too_much = is_whole or len(text) > self.max_undecided_bytes or len(self._backlog) > MAX_UNDECIDED_PIECES
        return Fate.PASS if fate is Fate.UNDECIDED and too_much else fate

    def _settle(self, fate: Fate) -> None:
        self._fate = fate
        raw, self._backlog = b"".join(self._backlog), []
        if fate is Fate.PASS:
            self.write(raw)
        elif fate is Fate.HOLD:
            self.hold(raw)

    def _end(self) -> None:
        text, fate = bytes(self._text or b""), self._fate or Fate.PASS
        self._fate, self._text = None, None
        if self._is_text:
            self.heard(text, fate)

    def release(self) -> None:
        """What was held has been sent: the rest of a message still coming follows it."""
        if self._fate is Fate.HOLD:
            self._fate = Fate.PASS
