"""Customers whose keys we keep, holds, and schedules: what the platform signs for others."""
