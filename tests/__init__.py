"""A package, or the `tests` of an installed library would be found in its place."""
