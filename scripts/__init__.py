"""What people and machines run from outside: the two README commands, the servers they need, data loading,
checks and benchmarks.
"""
