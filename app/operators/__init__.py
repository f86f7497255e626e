"""People of the back office: who they are, what they may see, how they prove it.

A room of its own beside members: an operator is no member, has no WeChat account here and no phone number;
what they hold is a password, an authenticator and a role.
"""
