"""Findings: from facts, a policy and a moment to sentences for people. No sockets, no clock."""
