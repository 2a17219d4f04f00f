"""The routes: each handler parses, authenticates, has it done, answers."""
