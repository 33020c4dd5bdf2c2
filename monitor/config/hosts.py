"""Host names and addresses: to A-labels and canonical literals, with what to write instead of a URL or host:port."""

from __future__ import annotations

import ipaddress
import re

from monitor.config.text import quoted, scalar, whole_number

_HOST = "a host name or an IP address"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
# Underscores are no host name characters (RFC 952), but resolvers and container networks use them.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# A name that ends so would be read as an IPv4 address by some resolvers: 127.1, 0x7f000001.
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_WITH_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*):([0-9]*)", re.ASCII)
_MQTT_SCHEMES = frozenset({"mqtts", "ssl", "tls"})

_port = whole_number(1, 65535, "a port")
_listening_port = whole_number(0, 65535, "a port")


def host(raw: object) -> str:
    """Return a name's A-label form (RFC 5890), lower-cased and without trailing dot, or a canonical IP literal.

    IPv6 may be written with or without brackets and keeps its scope id.

    Raises:
        ValueError: anything else; a URL or host:port is answered with what to write.
    """
    text = scalar(raw, _HOST)
    if match := _SCHEME.fullmatch(text):
        # User information of a URL may hold a password: never repeat it.
        rest = re.split(r"[/?#]", match[2], maxsplit=1)[0].rpartition("@")[2]
        raise ValueError(f"expected {_HOST} alone, found a URL ({match[1].lower()}://){_instead(rest)}")
    if (address := _address(text)) is not None:
        return address
    if "@" in text:
        raise ValueError(f"expected {_HOST} alone, found one with a user name before an @")
    if _WITH_PORT.fullmatch(text):
        raise ValueError(f"expected {_HOST} alone, found {quoted(text)}{_instead(text)}")
    return _name(text)


def without_scope(literal: str) -> str:
    """Return the host without a scope id: what a certificate can name."""
    return literal.partition("%")[0]


def endpoint(name: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def server_name(raw: object) -> str:
    """Return a reference identity (RFC 9525): as `host`, but a scope id is dropped."""
    return without_scope(host(raw))


def listen_address(raw: object) -> tuple[str, int]:
    """Return host and port of `host:port` or `:port`; the empty host is every interface, port 0 any free one.

    Raises:
        ValueError: anything else.
    """
    expected = "host:port or :port to listen on"
    text = scalar(raw, expected)
    if (match := _WITH_PORT.fullmatch(text)) is None or not match[2]:
        hint = f"; write :{text}" if text.isascii() and text.isdecimal() else ""
        raise ValueError(f"expected {expected}, found {quoted(text)}{hint}")
    return (host(match[1]) if match[1] else "", _listening_port(match[2]))


def host_and_port(raw: object) -> tuple[str, int]:
    """Return host and port of `host:port`, the host as `host` does.

    Raises:
        ValueError: anything else; a URL is answered with what to write.
    """
    expected = "a host and its port, such as ocsp.example:8080"
    text = scalar(raw, expected)
    if match := _SCHEME.fullmatch(text):
        raise ValueError(f"expected {expected}, found a URL ({match[1].lower()}://)")
    if (match := _WITH_PORT.fullmatch(text)) is None or not match[1] or not match[2]:
        raise ValueError(f"expected {expected}, found {quoted(text)}")
    return host(match[1]), _port(match[2])


def split_target(target: str) -> dict[str, str]:
    """Return the options `host` and, if it is there, `port` of `host[:port]` or `mqtts://host[:port]`.

    Raises:
        ValueError: another scheme, or a path; the host itself is judged by `host`.
    """
    text = target
    if match := _SCHEME.fullmatch(text):
        if match[1].lower() not in _MQTT_SCHEMES:
            raise ValueError(f"expected a target such as mqtts://broker:8883, found the scheme {quoted(match[1])}")
        text = match[2].removesuffix("/")
    if "/" in text or "@" in text:
        raise ValueError("expected a target such as broker:8883, found one with a path or a user name")
    if text.isdecimal():
        raise ValueError(
            f"expected a target such as broker:8883, found a number; a port goes behind its host: host:{text}"
        )
    # An IPv6 address has more than one colon.
    name, colon, port = text.rpartition(":")
    if colon and _address(text) is None and (":" not in name or name.startswith("[")):
        return {"host": name, "port": port}
    return {"host": text}


def _instead(rest: str) -> str:
    """Return what to write for `rest`, a host with or without port; nothing when that would be refused too."""
    match = None if _address(rest) is not None else _WITH_PORT.fullmatch(rest)
    try:
        name = host(match[1] if match else rest)
        port = _port(match[2]) if match and match[2] else None
    except ValueError:
        return ""
    return f"; write host: {name}" if port is None else f"; write host: {name} and port: {port}"


def _address(text: str) -> str | None:
    """Return the canonical literal, or None when `text` is no IP address."""
    bracketed = text.startswith("[") and text.endswith("]")
    try:
        address = ipaddress.ip_address(text[1:-1] if bracketed else text)
    except ValueError:
        return None
    return None if bracketed and address.version == 4 else str(address)


def _name(text: str) -> str:
    name = text
    if not text.isascii():
        import idna  # noqa: PLC0415  its tables are large, and nearly every host is ASCII

        try:
            name = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise ValueError(f"expected {_HOST}, found {quoted(text)}, which IDNA does not allow") from None
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or _NUMERIC.fullmatch(labels[-1]):
        raise ValueError(f"expected {_HOST}, found {quoted(text)}")
    return name
