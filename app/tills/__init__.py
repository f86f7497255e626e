"""Tills and ERPs that talk to us: the keys with which they sign, and the receipts that they have told.

A room of its own: a till is no person, it acts for one store only, and it must work while Redis is dead.
"""
