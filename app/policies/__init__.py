"""Policies: the rules of earning as versions, each with its scope, its mode and its time of effect.

A room of its own below attribution, because two rooms read it (who earns now, who would have earned) and
because changing the rules is a story of its own: one person drafts, another approves, and what was decided
under a version is never touched again (POL-1, POL-2).
"""
