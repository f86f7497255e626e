"""What head office, store managers and franchisees call. Every route but the login needs an operator's token.

Who sees what: ``guard.operator().scope`` (``app/base/scope.py``); who may do what: ``guard.roles_only`` for a
blueprint, ``guard.need`` within a route. What lies outside the own scope is answered as if it were not there.
"""
