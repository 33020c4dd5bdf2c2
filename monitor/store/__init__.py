"""What is known now: the latest of each broker, and what has been counted. Not how it is shown."""

from monitor.store.daemon import MonitorStats
from monitor.store.histogram import Histogram
from monitor.store.records import BrokerState, Change, FailureRun, MonitorSnapshot, Snapshot, Standing, worst
from monitor.store.store import Store

__all__ = [
    "BrokerState",
    "Change",
    "FailureRun",
    "Histogram",
    "MonitorSnapshot",
    "MonitorStats",
    "Snapshot",
    "Standing",
    "Store",
    "worst",
]
