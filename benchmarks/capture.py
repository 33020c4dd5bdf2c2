"""A packet capture of loopback TCP by AF_PACKET (Linux, root), and the phases of a probe as the wire saw them."""

from __future__ import annotations

import multiprocessing
import select
import socket
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from monitor.wire.clock import SO_TIMESTAMPNS

_ETH_P_IP = 0x0800
_ETHERNET_BYTES = 14
_SNAP_BYTES = 2048
_BUFFER_BYTES = 64 * 1024 * 1024
_SYN, _ACK = 0x02, 0x10
_APPLICATION_DATA = 23
_LARGE_RECORD = 100
"""Our own message's record is larger, every acknowledgement's smaller."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment with data, or a SYN."""

    at: float
    """Real time, seconds, as the kernel stamped it."""
    from_client: bool
    is_syn: bool
    sequence: int
    records: tuple[int, ...]
    """Lengths of the TLS records that begin in it."""


@contextmanager
def capture(port: int) -> Iterator[dict[int, list[Segment]]]:
    """Capture a server port's traffic; the yielded dict, by client port, is filled on leaving."""
    conversations: dict[int, list[Segment]] = defaultdict(list)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    process = multiprocessing.Process(target=_run, args=(port, sender, ready, stop))
    process.start()
    ready.wait()
    try:
        yield conversations
    finally:
        stop.set()
        for client_port, segment in receiver.recv():
            conversations[client_port].append(segment)
        process.join()


def _run(port: int, sender: Connection, ready: Event, stop: Event) -> None:
    found: list[tuple[int, Segment]] = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_IP)) as tap:
        tap.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE
        tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        tap.bind(("lo", _ETH_P_IP))
        tap.setblocking(False)
        ready.set()
        while True:
            if not select.select([tap], [], [], 0.2)[0]:
                if stop.is_set():
                    break
                continue
            data, ancillary, _, address = tap.recvmsg(_SNAP_BYTES, 64)
            if address[2] != socket.PACKET_HOST:
                continue  # loopback shows every packet twice: going out, and coming in
            segment = _parse(data, ancillary, port)
            if segment is not None:
                found.append(segment)
    sender.send(found)


def _parse(data: bytes, ancillary: list[tuple[int, int, bytes]], port: int) -> tuple[int, Segment] | None:
    ip = data[_ETHERNET_BYTES:]
    header = (ip[0] & 0x0F) * 4
    if ip[9] != socket.IPPROTO_TCP:
        return None
    tcp = ip[header : int.from_bytes(ip[2:4], "big")]
    source, destination = struct.unpack_from("!HH", tcp)
    if port not in {source, destination}:
        return None
    flags = tcp[13]
    payload = tcp[(tcp[12] >> 4) * 4 :]
    if not payload and not flags & _SYN:
        return None
    seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
    from_client = destination == port
    segment = Segment(
        seconds + nanoseconds / 1e9,
        from_client,
        bool(flags & _SYN),
        int.from_bytes(tcp[4:8], "big"),
        tuple(_records(payload)),
    )
    return (source if from_client else destination), segment


def _records(payload: bytes) -> Iterator[int]:
    at = 0
    while at + 5 <= len(payload):
        length = int.from_bytes(payload[at + 3 : at + 5], "big")
        if payload[at] == _APPLICATION_DATA:
            yield length
        at += 5 + length


def phases(conversation: list[Segment]) -> dict[str, float]:
    """Return the phases' durations in seconds: TLS 1.3, QoS 1, no client certificate.

    Our data segments are, in order: ClientHello, Finished, CONNECT, SUBSCRIBE, PUBLISH, (PUBACK, DISCONNECT, ...).
    """
    # Several processors capture at once: the order of arrival here is not the order on the wire.
    conversation = sorted(conversation, key=lambda segment: segment.at)
    syn = next(segment for segment in conversation if segment.is_syn and segment.from_client)
    syn_ack = next(segment for segment in conversation if segment.is_syn and not segment.from_client)
    # The kernel sends a segment again when its acknowledgement dawdles; the first one is what counts.
    first_sent = {(segment.from_client, segment.sequence): segment for segment in reversed(conversation)}
    data = [segment for segment in conversation if not segment.is_syn and segment in first_sent.values()]
    ours = [index for index, segment in enumerate(data) if segment.from_client]
    hello, finished, connect, subscribe, publish = ours[:5]

    def last_answer(first: int, after: int) -> float:
        return max(segment.at for segment in data[first:after] if not segment.from_client)

    answers = [segment for segment in data[publish:] if not segment.from_client]
    return {
        "connect": syn_ack.at - syn.at,
        "handshake": last_answer(hello, finished) - data[hello].at,
        "mqtt_connect": last_answer(connect, subscribe) - data[connect].at,
        "subscribe": last_answer(subscribe, publish) - data[subscribe].at,
        "publish": _first(answers, large=False) - data[publish].at,
        "roundtrip": _first(answers, large=True) - data[publish].at,
    }


def _first(answers: list[Segment], *, large: bool) -> float:
    return next(
        segment.at for segment in answers if any((length > _LARGE_RECORD) is large for length in segment.records)
    )
