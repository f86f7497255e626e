"""The invariants of the house, each as one query that finds nothing while the books are right."""
