"""What the databases hold, table by table."""
