"""rabbitmq.conf: `mqtt.listeners.ssl.*` are ports, and `ssl_options.*` the certificates of all of them."""

from __future__ import annotations

from pathlib import Path

from monitor.config.files import Missing
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, Place, endpoint
from monitor.discover.options import Options, Setting
from monitor.discover.sysctl import settings

CANDIDATES = (Path("/etc/rabbitmq/rabbitmq.conf"),)

_PORTS = "mqtt.listeners.ssl"
_NOT_KNOWN = "mqtt.ssl_options."
# Erlang terms: these are for people to read.
_FURTHER = ("advanced.config", "rabbitmq.config")


def is_there(tree: Tree, path: Path) -> bool:
    """Tell whether RabbitMQ is configured there: the main file may be missing beside the others."""
    others = (*_parts(tree, path, Discovery()), *(path.parent / name for name in _FURTHER))
    return any(map(tree.exists, (path, *others)))


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a rabbitmq.conf and the files of conf.d beside it say."""
    discovery = Discovery()
    parts = _parts(tree, path, discovery)
    found = settings(tree, [each for each in (path, *parts) if tree.exists(each)], discovery)
    for name in _FURTHER:
        if tree.exists(path.parent / name):
            discovery.note(Place(file=path.parent / name, line=1), "not understood: Erlang terms; it may say more")
    if _PORTS not in found or found[_PORTS].value != "none":
        for key, setting in found.items():
            if key.startswith(f"{_PORTS}."):
                _listen(discovery, found, setting, "", "ssl_options.")
    for key, setting in found.items():
        if key.startswith(_NOT_KNOWN):
            discovery.note(setting.place, f"{key} is unknown to RabbitMQ: MQTT has the certificates of ssl_options")
    web = Options(found, "web_mqtt.ssl.", discovery)
    where = web.get("listener") or web.get("port")
    if where is not None and where.value != "none":
        address = web.get("ip")
        _listen(discovery, found, where, "" if address is None else address.value, "web_mqtt.ssl.")
    _enabled(tree, path.parent / "enabled_plugins", discovery)
    return discovery


def _parts(tree: Tree, path: Path, discovery: Discovery) -> list[Path]:
    directory = path.parent / "conf.d"
    try:
        return tree.inside(directory, "*.conf")
    except Missing:
        pass
    except ValueError as error:
        discovery.note(Place(file=directory, line=1), f"cannot use it: {error}")
    return []


def _listen(discovery: Discovery, found: dict[str, Setting], where: Setting, address: str, prefix: str) -> None:
    try:
        own_address, port = endpoint(where.value)
    except ValueError:
        discovery.note(where.place, "not understood: on which port")
        return
    tls = Options(found, prefix, discovery)
    verify = tls.get("verify")
    is_websocket = prefix.startswith("web_")
    discovery.listeners.append(
        Listener(
            software="rabbitmq",
            place=where.place,
            port=port,
            address=own_address or address,
            certificate=tls.file("certfile"),
            key=tls.file("keyfile"),
            ca_file=tls.file("cacertfile"),
            demands_client_certificate=tls.is_on("fail_if_no_peer_cert")
            and verify is not None
            and verify.value == "verify_peer",
            is_websocket=is_websocket,
            expects_proxy_protocol=Options(found, "web_mqtt." if is_websocket else "mqtt.", discovery).is_on(
                "proxy_protocol"
            ),
        )
    )


def _enabled(tree: Tree, path: Path, discovery: Discovery) -> None:
    if not tree.exists(path):
        return
    text = "\n".join(tree.lines(path, discovery))
    for listener in discovery.listeners:
        plugin = "rabbitmq_web_mqtt" if listener.is_websocket else "rabbitmq_mqtt"
        if plugin not in text:
            listener.remark = f"{plugin} is not in {path}: nothing listens there yet"
