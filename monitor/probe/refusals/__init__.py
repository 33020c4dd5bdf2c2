"""Attempts at what a broker must refuse: each one connection, judged by what came of it."""

from monitor.probe.refusals.round import refusal_round, round_limit_s

__all__ = ["refusal_round", "round_limit_s"]
