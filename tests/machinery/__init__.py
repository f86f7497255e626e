"""The machinery under scripts/: servers, supervision, migration, the two commands."""
