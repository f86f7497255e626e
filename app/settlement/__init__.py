"""Targets and tiers, the monthly settlement and what it leaves to pay: who gets how much, decided by two people.

Money: a share's amount lies in ``payable:<party>`` until its batch is approved, then in ``due:<party>``, the
balance between us and the party: payouts lower it, what is carried to the next month stays in it.
"""
