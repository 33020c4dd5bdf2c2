"""Whether a certificate was revoked, by OCSP responses (RFC 6960) and lists (RFC 5280 5). No sockets, files, clock."""
