"""Refusals about custodial customers, holds and schedules: numbers 160 to 179."""
