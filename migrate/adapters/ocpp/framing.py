"""WebSocket frames in a stream of bytes that is passed on untouched.

This module finds where frames begin and end and shows what is inside them, in
whatever slices the network delivers.  It opens no socket and judges nothing: a
stream that stops being WebSocket turns it *blind*, and from then on the bytes
are still handed over, as they are.  It never raises on what it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from websockets import utils

Mask = Callable[[bytes, bytes], bytes]

try:
    from websockets import speedups
except ImportError:  # a platform without the compiled part
    apply_mask = cast(Mask, utils.apply_mask)
else:
    apply_mask = cast(Mask, speedups.apply_mask)

MAX_CONTROL_BYTES = 125
MAX_FRAME_BYTES = 1 << 40  # beyond this a length is noise, not a length
NO_MASK = b""


class Opcode(IntEnum):
    """What a frame is (RFC 6455, 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the stream that belongs together: a whole control frame, or a slice of one data message.

    ``raw`` is what came over the wire, ``payload`` what it says unmasked.
    ``begins`` and ``ends`` mark the first and the last slice of a message.
    A piece of a blind stream has no opcode.
    """

    raw: bytes
    payload: bytes
    opcode: Opcode | None
    begins: bool = False
    ends: bool = False

    @property
    def is_control(self) -> bool:
        return self.opcode is not None and self.opcode >= Opcode.CLOSE


def whole_text(data: bytes) -> bytes | None:
    """The text of a slice that is exactly one unfragmented text frame; ``None`` for all else.

    Nearly every slice of an OCPP stream is one, which is why this shortcut exists.
    """
    size = len(data)
    if size < 2 or data[0] != 0x81:
        return None
    second = data[1]
    length, offset = second & 0x7F, 2
    if length == 126 and size >= 4:
        length, offset = data[2] << 8 | data[3], 4
    elif length >= 126:
        return None
    if second < 0x80:
        return data[offset:] if size == offset + length else None
    start = offset + 4
    return apply_mask(data[start:], data[offset:start]) if size == start + length else None


@dataclass(slots=True)
class _Frame:
    """The frame that is being read."""

    opcode: int
    is_final: bool
    left: int
    mask: bytes


class FrameReader:
    """Cuts one direction of a connection into pieces, whatever the slices it is fed.

    It keeps at most one frame header, or one control frame, in memory.
    """

    __slots__ = ("_buffer", "_frame", "_in_message", "is_blind", "is_idle")

    def __init__(self) -> None:
        self._buffer = b""
        self._frame: _Frame | None = None
        self._in_message = False
        self.is_blind = False
        self.is_idle = True  # between two messages, with nothing kept back: ``whole_text`` may be tried

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that this slice completes or continues."""
        pieces = list(self._pieces(data))
        self.is_idle = not self._buffer and self._frame is None and not self._in_message and not self.is_blind
        return pieces

    def _pieces(self, data: bytes) -> Iterator[Piece]:
        data, self._buffer = self._buffer + data, b""
        at = 0
        while at < len(data):
            if self.is_blind:
                yield Piece(data[at:], b"", None)
                return
            step = self._continue(data, at) if self._frame else self._begin(data, at)
            if step is not None:
                piece, at = step
                yield piece
            elif not self._has_lost_it():
                self._buffer = data[at:]
                return

    def _has_lost_it(self) -> bool:
        return self.is_blind

    def _begin(self, data: bytes, at: int) -> tuple[Piece, int] | None:
        """Read a header; ``None`` when it is not all there, or when it cannot be one."""
        header = _header(data, at)
        if header is None:
            return None
        frame, start = header
        if frame.opcode >= Opcode.CLOSE:
            return self._control(frame, data, at, start)
        if frame.left > MAX_FRAME_BYTES or (frame.opcode == Opcode.CONTINUATION) is not self._in_message:
            self.is_blind = True
            return None
        begins, self._in_message, self._frame = not self._in_message, True, frame
        return self._slice(data, at, start, begins=begins)

    def _control(self, frame: _Frame, data: bytes, at: int, start: int) -> tuple[Piece, int] | None:
        """A control frame is passed on whole, so that nothing of ours can ever come to lie inside it."""
        if frame.left > MAX_CONTROL_BYTES or not frame.is_final or frame.opcode not in _CONTROLS:
            self.is_blind = True
            return None
        end = start + frame.left
        if end > len(data):
            return None
        payload = _unmask(data[start:end], frame.mask)
        return Piece(data[at:end], payload, Opcode(frame.opcode), begins=True, ends=True), end

    def _continue(self, data: bytes, at: int) -> tuple[Piece, int]:
        return self._slice(data, at, at, begins=False)

    def _slice(self, data: bytes, at: int, start: int, *, begins: bool) -> tuple[Piece, int]:
        """As much of the frame's payload as is here; the mask is turned to where the next slice begins."""
        frame = cast(_Frame, self._frame)
        end = min(len(data), start + frame.left)
        payload = _unmask(data[start:end], frame.mask)
        turn = (end - start) % 4
        frame.left -= end - start
        frame.mask = frame.mask[turn:] + frame.mask[:turn]
        ends = not frame.left and frame.is_final
        if not frame.left:
            self._frame = None
            self._in_message = not frame.is_final
        opcode = Opcode(frame.opcode) if frame.opcode in _DATA else None
        return Piece(data[at:end], payload, opcode or Opcode.BINARY, begins=begins, ends=ends), end


_DATA = frozenset((Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY))
_CONTROLS = frozenset((Opcode.CLOSE, Opcode.PING, Opcode.PONG))


def _header(data: bytes, at: int) -> tuple[_Frame, int] | None:
    """The frame that begins here and where its payload starts; ``None`` when the header is not all there."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    length, start = second & 0x7F, at + 2
    wide = {126: 2, 127: 8}.get(length, 0)
    masked = 4 if second & 0x80 else 0
    if len(data) < start + wide + masked:
        return None
    if wide:
        length = int.from_bytes(data[start : start + wide], "big")
    start += wide
    frame = _Frame(first & 0x0F, bool(first & 0x80), length, data[start : start + masked])
    return frame, start + masked


def _unmask(payload: bytes, mask: bytes) -> bytes:
    return apply_mask(payload, mask) if mask and payload else payload


def encode(opcode: Opcode, payload: bytes, *, mask: bytes = NO_MASK) -> bytes:
    """One whole frame of our own; with ``mask`` as towards a server, without as towards a station.

    >>> encode(Opcode.PING, b"hi")
    b'\\x89\\x02hi'
    """
    size, flag = len(payload), 0x80 if mask else 0
    if size < 126:
        length = bytes((flag | size,))
    elif size < 1 << 16:
        length = bytes((flag | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((flag | 127,)) + size.to_bytes(8, "big")
    return bytes((0x80 | opcode,)) + length + mask + _unmask(payload, mask)


def close_frame(code: int, reason: str = "", *, mask: bytes = NO_MASK) -> bytes:
    """A close frame with its status code (RFC 6455, 7.4)."""
    return encode(Opcode.CLOSE, code.to_bytes(2, "big") + reason.encode()[: MAX_CONTROL_BYTES - 2], mask=mask)
