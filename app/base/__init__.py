"""What every room stands on: database, queue, inbox, money, clock, numbers, secrets, errors. Imports nothing of ours."""
