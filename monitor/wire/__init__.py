"""The one narrow place where probes move bytes: TCP with kernel timestamps, TLS over memory BIOs, MQTT framing."""
