"""Help as people write it: arguments without typer's braces and Python's names of types."""

from __future__ import annotations

from typing import Any

from typer import Context
from typer.core import TyperArgument, TyperCommand


class Command(TyperCommand):
    """A command whose help says `FILE...` where typer says `{FILE}...` and `FILE <list[Path]>`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                # typer makes them itself, and asks for no class to make them of.
                parameter.__class__ = _Argument


class _Argument(TyperArgument):
    def get_usage_pieces(self, ctx: Context) -> list[str]:  # type: ignore[override]  # what typer gives out as Context
        del ctx
        name = self.display_name_raw if self.required else f"[{self.display_name_raw}]"
        return [name if self.nargs == 1 else f"{name}..."]

    def display_type_rich(self, ctx: Context) -> None:  # type: ignore[override]
        """Say nothing: the name tells it."""
        del ctx
