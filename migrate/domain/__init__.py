"""Values and decisions of a migration.  No clock, no file, no socket, no third party."""
