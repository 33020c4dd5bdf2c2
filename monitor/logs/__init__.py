"""How the daemon's log lines are written, and how many."""

from monitor.logs.configure import catch_up, complain, configure

__all__ = ["catch_up", "complain", "configure"]
