"""Campaigns and grants: what a page about them shows, and transactions for sponsors and people."""
