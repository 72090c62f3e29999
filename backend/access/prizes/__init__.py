"""Prizes: their lists, proofs, and transactions for sponsors and winners."""
