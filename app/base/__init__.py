"""What every room stands on: database, queue, inbox, money, clock, numbers, vault, errors. Imports nothing of ours."""
