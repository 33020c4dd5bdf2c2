"""Watches MQTT brokers over TLS and says what is wrong, before and after it breaks."""
