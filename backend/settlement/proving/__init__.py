"""Proves to L1 what it can't see: fraud, who authorised an operation, who owns what.

Pure: from a batch's data and the state before it to the arguments of a contract's function.
"""
