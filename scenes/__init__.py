"""Procedural rooms rendered by ray casting with exact truth, written as a crawl."""
