"""The book of money: double entry between named accounts. Rows are only added; a correction is one more."""
