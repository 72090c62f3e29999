"""What people do with the platform: shared by the command line and the console of ape."""
