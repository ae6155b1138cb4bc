"""Doing it: artifact cache, limits, worker processes, one step, one shard, a live session."""
