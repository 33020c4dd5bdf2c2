"""What the shell asks for when Tab is pressed. The scripts that ask are installed by the package."""

from __future__ import annotations

from collections.abc import Mapping

VARIABLE = "_MQTT_TLS_MONITOR_COMPLETE"
"""Set by those scripts."""


def is_asked(environ: Mapping[str, str]) -> bool:
    """Tell whether a shell asks, and then get ready to answer."""
    if VARIABLE not in environ:
        return False
    # typer registers its shells only along with --install-completion, an option that a package has no use for.
    from typer._completion_classes import completion_init  # noqa: PLC0415

    completion_init()
    return True
