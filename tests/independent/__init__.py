"""A second implementation of docs/PROTOCOL.md from the page; only its tests know backend."""
