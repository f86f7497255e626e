"""Members: who a person is. Identities (OA and MP openids, unionid, verified phone), logins, merging.

A person of the brand is one member (MRG-1). Rows elsewhere may name a member that has since become an
alias; identities and logins are re-pointed at the merge, append-only rows are not: whoever reads those
asks for the survivor and its aliases.

The room also holds which person acts for a clerk: ``clerk_link`` and ``clerk.member_id`` are written
here and nowhere else, because only a login can prove them. Nothing else of a clerk is.
"""
