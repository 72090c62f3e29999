"""Orders payments, makes them final, keeps the ledger. Law: docs/PROTOCOL.md, sections 5 and 6."""
