"""Who earns what on each order line: split, accrual, claw-back, release, and the statement that explains it.

Money moves only together with a ledger transfer: ``frozen:<party>`` while a refund may still come,
``payable:<party>`` once it is certain, ``expense:commission:<entity>`` on the side that bears it (ACC-1).
"""
