"""Exits that L1 forces, and withdrawals that a provider pays at once."""
