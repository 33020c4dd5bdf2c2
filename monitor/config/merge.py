"""A broker's settings on top of the shared ones."""

from __future__ import annotations

from typing import Any, TypeVar

from monitor.config.schema import DefaultOptions, Section

S = TypeVar("S", bound=Section)

PASSWORD_KEYS = ("password_file", "password_env", "password_credential")
"""One setting in three spellings: a broker that uses one of them drops whichever `defaults` uses."""


def merged(own: S, shared: DefaultOptions) -> S:
    """Return `own` with what it does not set taken from `shared`, key by key; labels are joined, lists replaced."""
    return _over(own, shared)


def _over(own: S, shared: Section) -> S:
    taken: dict[str, Any] = {}
    for name in shared.model_fields_set:
        value = getattr(shared, name)
        if name not in own.model_fields_set:
            if name not in PASSWORD_KEYS or own.model_fields_set.isdisjoint(PASSWORD_KEYS):
                taken[name] = value
        elif isinstance(value, Section):
            taken[name] = _over(getattr(own, name), value)
        elif isinstance(value, dict):
            taken[name] = value | getattr(own, name)
    return own.model_copy(update=taken) if taken else own
