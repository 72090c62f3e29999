"""Reads and writes the registers: API keys, applicants, idempotency keys."""
