"""A second implementation of docs/PROTOCOL.md, written from the page alone; imports no backend."""
