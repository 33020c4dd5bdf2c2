"""rabbitmq.conf: `mqtt.listeners.ssl.*` are ports, and `ssl_options.*` the certificates of all of them."""

from __future__ import annotations

from pathlib import Path

from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, endpoint
from monitor.discover.sysctl import Setting, settings

CANDIDATES = (Path("/etc/rabbitmq/rabbitmq.conf"),)

_PORTS = ("mqtt.listeners.ssl.", "web_mqtt.ssl.")


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a rabbitmq.conf and the files of conf.d beside it say."""
    discovery = Discovery()
    found = settings(tree, [path, *tree.inside(path.parent / "conf.d", ".conf")], discovery)
    for key, setting in found.items():
        if key.startswith(_PORTS[0]):
            _listen(discovery, found, setting, "ssl_options.", is_websocket=False)
    if (port := found.get("web_mqtt.ssl.port")) is not None:
        _listen(discovery, found, port, "web_mqtt.ssl.", is_websocket=True)
    return discovery


def _listen(
    discovery: Discovery, found: dict[str, Setting], setting: Setting, options: str, *, is_websocket: bool
) -> None:
    if setting.value == "none":
        return
    try:
        address, port = endpoint(setting.value)
    except ValueError:
        discovery.note(setting.place, "not understood: on which port")
        return

    def file(name: str) -> Path | None:
        return Path(found[options + name].value) if options + name in found else None

    def is_set(name: str, value: str) -> bool:
        return options + name in found and found[options + name].value == value

    discovery.listeners.append(
        Listener(
            software="rabbitmq",
            place=setting.place,
            port=port,
            address=address,
            certificate=file("certfile"),
            key=file("keyfile"),
            ca_file=file("cacertfile"),
            demands_client_certificate=is_set("fail_if_no_peer_cert", "true") and is_set("verify", "verify_peer"),
            is_websocket=is_websocket,
        )
    )
