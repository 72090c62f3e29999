"""Payouts: many payments of one owner, authorised at once (docs/PROTOCOL.md, section 4)."""
