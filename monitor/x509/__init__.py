"""Certificates: read field by field, matched against a name, judged at a moment. No sockets, no files, no clock."""
