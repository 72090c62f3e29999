"""The door for clients: who may ask, and in which language."""
