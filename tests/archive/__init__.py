"""The archive on a real PostgreSQL, which is killed, frozen and late."""
