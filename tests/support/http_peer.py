"""What a fault server's script needs to speak HTTP, or nearly so."""

from __future__ import annotations

from tests.support.peer import Peer

OCSP_TYPE = "application/ocsp-response"
CRL_TYPE = "application/pkix-crl"


def read_request(peer: Peer) -> bytes:
    """Read one whole request, and return its content."""
    while b"\r\n\r\n" not in peer.raw:
        peer._receive()
    head, _, _ = peer.raw.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(peer.raw) < len(head) + 4 + length:
        peer._receive()
    return peer.raw[len(head) + 4 :]


def response(
    content: bytes,
    media_type: str | None = OCSP_TYPE,
    *,
    status: str = "200 OK",
    length: int | None = None,
    fields: tuple[str, ...] = (),
) -> bytes:
    """Make a response, by default a good one."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(content) if length is None else length}",
        *([] if media_type is None else [f"Content-Type: {media_type}"]),
        *fields,
    ]
    return "\r\n".join((*lines, "", "")).encode() + content
