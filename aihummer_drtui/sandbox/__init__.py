"""A private stand-in for AiHummer on a real PostgreSQL, for drills and training. It is not AiHummer."""
