"""nats-server.conf: the block `mqtt` has its port, and its TLS or that of the whole server."""

from __future__ import annotations

from pathlib import Path

from monitor.discover import blocks
from monitor.discover.files import Tree
from monitor.discover.listener import ALL_ADDRESSES, Discovery, Listener, endpoint

CANDIDATES = (Path("/etc/nats-server.conf"), Path("/etc/nats/nats-server.conf"), Path("/etc/nats.conf"))


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a nats-server.conf and the files that it includes say."""
    discovery = Discovery()
    found = blocks.settings(tree, path, discovery)
    where = found.get("mqtt.listen") or found.get("mqtt.port")
    if where is None:
        return discovery
    try:
        address, port = endpoint(where.value)
    except ValueError:
        discovery.note(where.place, "not understood: on which port")
        return discovery
    tls = "mqtt.tls." if any(key.startswith("mqtt.tls.") for key in found) else ""
    if not tls:
        discovery.note(where.place, "mqtt has no tls block of its own: this port is plain MQTT")
        return discovery
    host = found.get("mqtt.host")
    if address is None and host is not None and host.value not in ALL_ADDRESSES:
        address = host.value

    def file(key: str) -> Path | None:
        return path.parent / found[tls + key].value if tls + key in found else None

    verify = [found[tls + key].value for key in ("verify", "verify_and_map") if tls + key in found]
    discovery.listeners.append(
        Listener(
            software="nats-server",
            place=where.place,
            port=port,
            address=address,
            certificate=file("cert_file"),
            key=file("key_file"),
            ca_file=file("ca_file"),
            demands_client_certificate=any(value in {"true", "yes", "on"} for value in verify),
        )
    )
    return discovery
