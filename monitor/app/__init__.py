"""The daemon put together: what owns the tasks, the signals and the reload."""

from monitor.app.serve import run, serve

__all__ = ["run", "serve"]
