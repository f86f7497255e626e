"""Attribution: who brought a customer, who serves, and who earns on an order.

Codes, touches, acquisitions, service bindings, policies and the credit snapshot are this room's, and only
it writes them. Its statements join members, clerks and stores of the rooms below instead of asking for
each: a push and an order wait for every round trip. Sentences to fans are not here but in ``conversation``.
"""
