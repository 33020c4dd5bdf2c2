"""The one narrow place where bytes move: TCP with kernel timestamps, TLS over memory BIOs, MQTT framing."""
