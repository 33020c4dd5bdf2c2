"""A monitor that loses its network, and gets it back: one page, however often and whenever its brokers are probed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alerts.test_labels import PLACE, promtool, written
from tests.support.alerts import RULES

BROKERS = 6
STEP_S = 15
LOST_S, FOUND_S, END_S = 1200, 2400, 4200
TIMEOUT_S = 10
FIRES = 'ALERTS{{alertname="{}",alertstate="firing"}}'
DOWN, ISOLATED = FIRES.format("MqttTlsBrokerDown"), FIRES.format("MqttTlsMonitorIsolated")


@dataclass(frozen=True)
class Probed:
    """The result of one probe."""

    at: float
    is_reached: bool


def probes(offset_s: float, interval_s: int) -> Iterator[Probed]:
    turn = offset_s
    while turn < END_S:
        is_lost = LOST_S <= turn < FOUND_S
        yield Probed(turn + TIMEOUT_S if is_lost else turn, not is_lost)
        turn += interval_s


def scraped(broker: str, offset_s: float, interval_s: int) -> Iterator[dict[str, str]]:
    """Yield what the monitor tells of a broker, as promtool reads it."""
    results = [*probes(offset_s, interval_s)]
    last, success, is_up, handshake = [], [], [], []
    for now in range(0, END_S, STEP_S):
        done = [each for each in results if each.at <= now]
        reached = [each for each in done if each.is_reached]
        last.append(f"{done[-1].at}" if done else "_")
        success.append(f"{reached[-1].at}" if reached else "_")
        is_up.append(f"{int(done[-1].is_reached)}" if done else "_")
        handshake.append("0.01" if done and done[-1].is_reached else "stale")
    labels = {**PLACE, "broker": broker}
    told = {
        "probe_interval_seconds": [str(interval_s)] * len(last),
        "last_probe_timestamp_seconds": last,
        "last_success_timestamp_seconds": success,
        "probe_success": is_up,
    }
    for name, values in told.items():
        yield {"series": written(f"mqtt_tls_{name}", labels), "values": " ".join(values)}
    phase = written("mqtt_tls_phase_duration_seconds", {**labels, "phase": "handshake"})
    yield {"series": phase, "values": " ".join(handshake)}


@pytest.mark.parametrize("interval_s", [10, 60, 120, 180, 300])
def test_brokers_of_an_isolated_monitor_are_told_at_no_moment(interval_s: int, tmp_path: Path) -> None:
    def expects(expression: str, *values: int) -> dict[str, object]:
        samples = [{"labels": "{}", "value": value} for value in values]
        return {"expr": expression, "eval_time": f"{END_S - STEP_S}s", "exp_samples": samples}

    promtool(
        tmp_path,
        RULES,
        {
            "interval": f"{STEP_S}s",
            "input_series": [
                {"series": written("mqtt_tls_monitor_brokers", PLACE), "values": f"{BROKERS}x{END_S // STEP_S}"},
                *(
                    series
                    for number in range(BROKERS)
                    for series in scraped(f"plant-{number}", number * interval_s / BROKERS, interval_s)
                ),
            ],
            "promql_expr_test": [
                expects(f"count(count_over_time({DOWN}[1h]))", BROKERS),
                expects(f"count(count_over_time({ISOLATED}[1h]))", 1),
                expects(f"count_over_time(({DOWN} unless on (instance) {ISOLATED})[1h:{STEP_S}s])"),
                # All is over at the end.
                expects(f"count({DOWN} or {ISOLATED})"),
            ],
        },
        evaluation_interval=f"{STEP_S}s",
    )
