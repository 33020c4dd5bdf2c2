"""The topic template: its rules, its length when filled, and the filter that covers every topic made from it."""

from __future__ import annotations

import re

from monitor.config.text import quoted, scalar
from monitor.model.broker import CLIENT_ID_SUFFIX_BYTES

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_KNOWN = frozenset({"{id}", "{nonce}"})
_EXPECTED = "a topic template that contains {nonce}"
_LONGEST_NONCE_BYTES = 64
_LONGEST_TOPIC_BYTES = 65535  # MQTT 3.1.1, 1.5.3: a two-byte length


def topic_template(raw: object) -> str:
    """Return the template as written.

    Raises:
        ValueError: no `{nonce}`, another placeholder, a wildcard (MQTT-3.3.2-2), or a `$` at the front, which is the
            server's own (MQTT 4.7.2).
    """
    text = scalar(raw, _EXPECTED)
    placeholders = _PLACEHOLDER.findall(text)
    for placeholder in placeholders:
        if placeholder not in _KNOWN:
            raise ValueError(f"expected no placeholders but {{id}} and {{nonce}}, found {quoted(placeholder)}")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        raise ValueError(f"expected braces around id and nonce alone, found {quoted(text)}")
    if "{nonce}" not in placeholders:
        raise ValueError(f"expected {_EXPECTED}, found {quoted(text)}")
    if wildcard := re.search(r"[+#]", text):
        raise ValueError(f"expected a topic to publish to, without wildcards, found '{wildcard[0]}' in {quoted(text)}")
    if text.startswith("$"):
        raise ValueError(f"expected a topic that does not start with $, found {quoted(text)}")
    return text


def topic_name(raw: object) -> str:
    """Return a topic to publish to, as written.

    Raises:
        ValueError: it holds a wildcard (MQTT-3.3.2-2), or is too long.
    """
    text = _topic(raw, "a topic without wildcards")
    if wildcard := re.search(r"[+#]", text):
        raise ValueError(f"expected a topic without wildcards, found '{wildcard[0]}' in {quoted(text)}")
    return text


def topic_filter_text(raw: object) -> str:
    """Return a topic filter to subscribe to, as written.

    Raises:
        ValueError: a wildcard stands where it may not (MQTT-4.7.1-2, MQTT-4.7.1-3), or it is too long.
    """
    text = _topic(raw, "a topic filter")
    *upper, last = text.split("/")
    if any("#" in level for level in upper) or any(
        level not in {"+", "#"} and re.search(r"[+#]", level) for level in (*upper, last)
    ):
        raise ValueError(f"expected + and # to stand for whole levels, # at the end alone, found {quoted(text)}")
    return text


def _topic(raw: object, expected: str) -> str:
    text = scalar(raw, expected)
    if (length := len(text.encode("utf-8", "surrogatepass"))) > _LONGEST_TOPIC_BYTES:
        raise ValueError(f"expected {expected} of at most {_LONGEST_TOPIC_BYTES} bytes, found {length} bytes")
    return text


def fits(template: str, client_id_prefix: str) -> bool:
    """Say whether every topic made from the template is short enough for MQTT."""
    client_id_bytes = len(client_id_prefix) + CLIENT_ID_SUFFIX_BYTES
    longest = template.replace("{id}", "i" * client_id_bytes).replace("{nonce}", "n" * _LONGEST_NONCE_BYTES)
    return len(longest.encode()) <= _LONGEST_TOPIC_BYTES


def levels(template: str) -> list[str | None]:
    """Return the topic's levels; None stands for one that differs from probe to probe."""
    return [None if _PLACEHOLDER.search(level) else level for level in template.split("/")]


def parts(template: str) -> list[str]:
    """Return the template cut at its placeholders, which are kept: `["a/", "{id}", "/", "{nonce}"]`."""
    return [part for part in re.split(r"(\{[^{}]*\})", template) if part]


def topic_filter(template: str) -> str:
    """Return the narrowest MQTT filter that matches every topic of the template: `a/{id}/{nonce}` -> `a/+/+`."""
    return "/".join("+" if level is None else level for level in levels(template))
