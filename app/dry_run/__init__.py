"""Dry run: a past period replayed under a policy, to see who would gain and who would lose before deciding.

A room of its own above orders, because it reads what placing, paying and refunding have left and runs the rules
of policies, attribution and commission over it once more. It decides nothing and writes nothing but its own
report: the replay itself runs in a transaction that PostgreSQL lets write nothing.
"""
