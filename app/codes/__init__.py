"""Codes of every kind: of clerks, stores, campaigns and printed things; their quota, their end, and what they brought.

A room of its own above orders, because "which code brought whom" counts what was bought. What a scan means is
decided far below, in ``attribution``.
"""
