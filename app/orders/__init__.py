"""Placing, lifecycle, pick-up and reading of orders. Stands on stock, catalog and commission; knows no WeChat."""
