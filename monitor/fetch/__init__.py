"""Fetching what certificates point at, over guarded HTTP: revocation answers of their issuers. Opens connections."""
