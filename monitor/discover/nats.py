"""nats-server.conf: the blocks `mqtt` and `websocket` each have their port, and the TLS of it."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.discover import blocks
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, endpoint
from monitor.discover.options import Options, Setting

CANDIDATES = (Path("/etc/nats-server.conf"), Path("/etc/nats/nats-server.conf"), Path("/etc/nats.conf"))

_BLOCKS = re.compile(r"(mqtt|websocket)(\.tls)?")


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a nats-server.conf and the files that it includes say."""
    discovery = Discovery()
    values = blocks.settings(tree, path, discovery, tokens=blocks.NATS)
    # Its keys know no case, but its variables do.
    found = {key.lower(): _resolved(values, setting) for key, setting in values.items()}
    blocks.note_values(found, _BLOCKS, discovery)
    if _listen(discovery, found, "mqtt."):
        # The port for browsers speaks MQTT as well where the other does.
        _listen(discovery, found, "websocket.")
    return discovery


def _resolved(values: dict[str, Setting], setting: Setting) -> Setting:
    if not setting.value.startswith("$"):
        return setting
    value = values.get(setting.value.removeprefix("$"))
    return setting if value is None else Setting(value.value, setting.place)


def _listen(discovery: Discovery, found: dict[str, Setting], prefix: str) -> bool:
    """Take down one block's listener, and return whether it has a port."""
    own = Options(found, prefix, discovery)
    where = own.get("listen") or own.get("port")
    if where is None:
        return False
    try:
        address, port = endpoint(where.value)
    except ValueError:
        discovery.note(where.place, "not understood: on which port")
        return True
    if not any(key.startswith(f"{prefix}tls.") for key in found):
        discovery.note(where.place, f"{prefix[:-1]} has no tls block of its own: this port is plain")
        return True
    host = own.get("host") or own.get("net")
    tls = Options(found, f"{prefix}tls.", discovery)
    if (several := tls.get("certs")) is not None:
        discovery.note(several.place, "not understood: tls.certs; name the files yourself")
    discovery.listeners.append(
        Listener(
            software="nats-server",
            place=where.place,
            port=port,
            address=address or (None if host is None else host.value),
            certificate=tls.file("cert_file"),
            key=tls.file("key_file"),
            ca_file=tls.file("ca_file"),
            demands_client_certificate=any([tls.is_on("verify"), tls.is_on("verify_and_map")]),
            is_websocket=prefix == "websocket.",
        )
    )
    return True
