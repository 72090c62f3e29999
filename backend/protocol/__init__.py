"""What all planes agree on: types, bytes, hashes, errors. Law: docs/PROTOCOL.md."""
