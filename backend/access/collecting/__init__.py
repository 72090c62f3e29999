"""Collecting money: requests to pay, refunds, and groups of payments that are made as one."""
