"""What a party is told of a month's settlement: page data, a PDF and a spreadsheet with one content (SET-5).

A room of its own, above settlement: the arithmetic of money should not know fonts and cells.
"""
