"""Refusals about groups, refunds and payment requests: numbers 180 to 199."""
