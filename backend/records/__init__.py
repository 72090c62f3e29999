"""The databases. Law: registers are a source of truth, projections rebuilt; no key joins them."""
