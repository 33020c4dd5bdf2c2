"""MQTT framing: whole, in pieces, several at once, and streams that are no MQTT."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.mqtt import MAX_PACKET_BYTES, Framer, MalformedPacketError, Packet, PacketType
from tests.support.mqtt_bytes import variable_length

CONNACK = bytes.fromhex("20020000")
SUBACK = bytes.fromhex("9003000100")
PUBLISH = b"\x30\x82\x01\x00\x04test" + b"x" * 124


_PACKETS = st.builds(
    lambda first, body: bytes((first,)) + variable_length(len(body)) + body,
    st.integers(0x10, 0xFF),
    st.binary(max_size=200),
)


def test_a_whole_packet_is_taken_apart() -> None:
    assert Framer().feed(CONNACK) == [Packet(PacketType.CONNACK, 0, b"\0\0", CONNACK)]


def test_flags_are_the_low_four_bits() -> None:
    (packet,) = Framer().feed(b"\x3d\x00")
    assert (packet.type, packet.flags) == (PacketType.PUBLISH, 0b1101)


def test_byte_by_byte_a_packet_comes_with_its_last_byte() -> None:
    framer = Framer()
    for number, byte in enumerate(PUBLISH[:-1], start=1):
        assert framer.feed(bytes((byte,))) == []
        assert framer.partial_bytes == number
    (packet,) = framer.feed(PUBLISH[-1:])
    assert packet.raw == PUBLISH
    assert framer.partial_bytes == 0


def test_several_packets_in_one_piece_come_in_order() -> None:
    packets = Framer().feed(CONNACK + SUBACK + PUBLISH)
    assert [packet.raw for packet in packets] == [CONNACK, SUBACK, PUBLISH]


def test_trailing_bytes_wait_for_the_rest_of_their_packet() -> None:
    framer = Framer()
    assert [packet.raw for packet in framer.feed(CONNACK + SUBACK[:3])] == [CONNACK]
    assert framer.partial_bytes == 3
    assert [packet.raw for packet in framer.feed(SUBACK[3:])] == [SUBACK]


def test_packets_before_garbage_come_first_and_the_next_call_raises() -> None:
    framer = Framer()
    assert [packet.raw for packet in framer.feed(CONNACK + b"\x00garbage")] == [CONNACK]
    with pytest.raises(MalformedPacketError):
        framer.feed(b"")


def test_nothing_gives_nothing() -> None:
    assert Framer().feed(b"") == []


@pytest.mark.parametrize("first", [0x00, 0x0F])
def test_the_reserved_type_is_no_packet(first: int) -> None:
    with pytest.raises(MalformedPacketError, match="type 0 does not exist"):
        Framer().feed(bytes((first,)))


def test_a_length_of_five_bytes_is_no_packet() -> None:
    with pytest.raises(MalformedPacketError, match="does not end"):
        Framer().feed(b"\x30\x80\x80\x80\x80")


def test_four_length_bytes_without_the_last_are_waited_for() -> None:
    framer = Framer()
    assert framer.feed(b"\x20\x82\x80\x80") == []
    (packet,) = framer.feed(b"\x00\x00\x00")  # not the shortest form of 2, and read all the same
    assert packet.body == b"\0\0"


def test_the_largest_packet_is_taken() -> None:
    raw = b"\x30" + variable_length(MAX_PACKET_BYTES) + bytes(MAX_PACKET_BYTES)
    (packet,) = Framer().feed(raw)
    assert packet.raw == raw


def test_one_byte_more_is_refused_before_it_is_waited_for() -> None:
    with pytest.raises(MalformedPacketError, match="PUBLISH of 65537 bytes or more was announced"):
        Framer().feed(b"\x30" + variable_length(MAX_PACKET_BYTES + 1))


def test_the_largest_length_that_can_be_announced_is_refused() -> None:
    with pytest.raises(MalformedPacketError):
        Framer().feed(b"\x30\xff\xff\xff\x7f")


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_any_stream_gives_packets_or_an_error_and_loses_no_byte(pieces: list[bytes]) -> None:
    framer = Framer()
    raws = fed = b""
    for piece in pieces:
        try:
            packets = framer.feed(piece)
        except MalformedPacketError:
            return
        fed += piece
        raws += b"".join(packet.raw for packet in packets)
        assert framer.partial_bytes == len(fed) - len(raws)
        assert framer.partial_bytes <= MAX_PACKET_BYTES + 5
        assert all(packet.raw.endswith(packet.body) for packet in packets)
    assert fed.startswith(raws)


@given(st.lists(_PACKETS, max_size=8), st.lists(st.integers(0, 1700), max_size=10))
def test_cut_anywhere_the_packets_are_the_same(raws: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(raws)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    framer = Framer()
    packets = [packet for start, end in pairwise(edges) for packet in framer.feed(stream[start:end])]
    assert [packet.raw for packet in packets] == raws


def test_a_flood_of_the_smallest_packets_costs_in_proportion_to_itsvariable_length() -> None:
    def cost(count: int) -> float:
        began = time.process_time()
        assert len(Framer().feed(b"\xd0\x00" * count)) == count
        return time.process_time() - began

    cost(1000)
    small, large = (min(cost(count) for _ in range(3)) for count in (4_000, 64_000))
    # Sixteen times as many: a copy of the rest per packet would cost 256 times as much.
    assert large < 100 * small
