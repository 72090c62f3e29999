"""Proposals: what the treasury shall do, and who has approved it (contracts/treasury/)."""
