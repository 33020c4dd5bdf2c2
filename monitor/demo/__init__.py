"""A test PKI and brokers that are broken in instructive ways, all on loopback."""
