"""Placing, lifecycle, pick-up and reading of orders. Stands on stock, catalog, attribution and commission; not on WeChat."""
