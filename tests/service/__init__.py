"""The operator-service against its contract, over HTTP in this process."""
