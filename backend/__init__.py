"""Causeway: distributed payment infrastructure on EVM chains."""
