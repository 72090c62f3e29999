"""Refusals about proposals, approvals and payouts: numbers 200 to 229."""
