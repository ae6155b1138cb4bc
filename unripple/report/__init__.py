"""What came out: the report's page, the figures behind it, and the strip of all stages."""
