"""The vector kernel: fast twins of readable code, eight 64-bit lanes at once where the CPU can.

Each twin is held equal to what it stands beside by property tests, and has a narrow path that is
right on any host.
"""
