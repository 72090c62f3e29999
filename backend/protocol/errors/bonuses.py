"""Refusals about campaigns, grants and prizes: numbers 230 to 249."""
