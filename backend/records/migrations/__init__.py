"""The steps that make and change the databases' tables, in order."""
