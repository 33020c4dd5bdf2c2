"""Reads the brokers' own configuration on this host, and writes the monitor's from it. Changes nothing."""
