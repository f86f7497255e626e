"""Places and the people who serve there: legal entities, stores, opening hours, clerks; who is near and open.

A shopper's position is used in memory for one answer and is neither stored nor logged (CNS-3).
"""
