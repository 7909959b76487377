"""Frames in a stream: the same messages, however the network slices them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.ocpp.framing import FrameReader, Opcode, close_frame, encode, whole_text

masks = st.sampled_from([b"", b"\x00\x00\x00\x00", b"\x12\x34\x56\x78"])
payloads = st.one_of(st.binary(max_size=40), st.integers(100, 140).map(lambda n: b"p" * n), st.just(b"q" * 70_000))


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[tuple[Opcode, bytes]]]:
    """A stream of messages with control frames between and inside them, and what it says."""
    mask, stream = draw(masks), b""
    controls, messages = [], []
    for _ in range(draw(st.integers(1, 5))):
        parts = draw(st.lists(payloads, min_size=1, max_size=3))
        kind = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
        for at, part in enumerate(parts):
            frame = bytearray(encode(Opcode.CONTINUATION if at else kind, part, mask=mask))
            if at < len(parts) - 1:
                frame[0] &= 0x7F
            stream += bytes(frame)
            if draw(st.booleans()):
                control = (draw(st.sampled_from([Opcode.PING, Opcode.PONG])), draw(st.binary(max_size=125)))
                stream += encode(*control, mask=mask)
                controls.append(control)
        messages.append((kind, b"".join(parts)))
    return stream, [*controls, *messages]


def read(slices: list[bytes]) -> tuple[bytes, list[tuple[Opcode | None, bytes]]]:
    """What a reader makes of the slices: all bytes again, controls first, then messages."""
    reader, raw, kind, text = FrameReader(), b"", None, b""
    controls, messages = [], []
    for part in slices:
        for piece in reader.feed(part):
            raw += piece.raw
            if piece.is_control:
                controls.append((piece.opcode, piece.payload))
                continue
            kind, text = (piece.opcode, piece.payload) if piece.begins else (kind, text + piece.payload)
            if piece.ends:
                messages.append((kind, text))
    assert reader.is_idle
    return raw, [*controls, *messages]


@given(streams(), st.data())
def test_any_slicing_gives_the_same_messages_and_every_byte(
    stream: tuple[bytes, list[tuple[Opcode, bytes]]], data: st.DataObject
) -> None:
    wire, said = stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))

    raw, heard = read([wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)])

    assert heard == said
    assert raw == wire


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_whatever_comes_no_byte_is_lost_and_nothing_is_raised(slices: list[bytes]) -> None:
    reader, raw = FrameReader(), b""

    for part in slices:
        raw += b"".join(piece.raw for piece in reader.feed(part))

    kept = b"".join(slices)[len(raw) :]
    assert b"".join(slices).startswith(raw)
    assert len(kept) < 140  # at most a header or one control frame waits
    assert not (reader.is_blind and kept)


@given(st.binary(max_size=70_000), masks)
def test_the_shortcut_agrees_with_the_reader(text: bytes, mask: bytes) -> None:
    frame = encode(Opcode.TEXT, text, mask=mask)

    short = whole_text(frame)

    assert short == (text if len(text) < 1 << 16 else None)
    assert read([frame])[1] == [(Opcode.TEXT, text)]


@pytest.mark.parametrize(
    "slice_",
    [b"", b"\x81", b"\x01\x01a", b"\x81\x02a", b"\x81\x01ab", b"\x82\x01a", b"\xc1\x01a", b"\x81\x7f" + b"\0" * 8],
    ids=["nothing", "half a header", "a fragment", "too little", "too much", "binary", "compressed", "wide"],
)
def test_the_shortcut_leaves_everything_else_alone(slice_: bytes) -> None:
    assert whole_text(slice_) is None


@pytest.mark.parametrize(
    "noise",
    [b"\x89\x7e\x00\x80", b"\x09\x00", b"\x80\x00", b"\x8b\x00", b"\x81\x7f" + b"\xff" * 8],
    ids=["long ping", "ping in parts", "continues nothing", "unknown control", "endless"],
)
def test_what_is_no_frame_blinds_the_reader_and_passes(noise: bytes) -> None:
    reader = FrameReader()

    first = b"".join(piece.raw for piece in reader.feed(noise))
    second = b"".join(piece.raw for piece in reader.feed(b"\x81\x01a"))

    assert reader.is_blind
    assert first + second == noise + b"\x81\x01a"


def test_a_close_frame_fits_whatever_the_reason() -> None:
    frame = close_frame(1012, "r" * 500)

    assert len(frame) == 127
    assert frame[2:4] == (1012).to_bytes(2, "big")
