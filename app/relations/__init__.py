"""Relations: who serves a member, how that changes, and what a clerk does about it.

``attribution`` judges touches and writes bindings; what people decide about them is decided here: the member's
choice, hand-overs, transfers, moves and closings, bounties, where a member lands, the story of a member, and a
clerk's fans and follow-up tasks. Every decision is a step in one transaction with an audit entry; hand-overs of
many members go on in chunks as a job.
"""
