"""HTTP: what is known, served. It never probes and never waits for a broker."""
