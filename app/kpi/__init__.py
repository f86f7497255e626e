"""Who is credited with a sale: the KPI book beside commission (KPI-1, KPI-2), clerks' figures and boards (KPI-3).

No money moves here and nothing is posted: this is what a store or a clerk is measured by. Paying and refunding
know nothing of it; a sweep takes in what they left (``sweeping``). Scores of influence never enter this book.
"""
