"""Restores archives of photos with many processes or machines, and records every outcome in a manifest."""
