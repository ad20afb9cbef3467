"""Measures the running product next to the budgets of its design: `python -m bench`, or `make bench`.

Everything runs on the loopback, against a fresh installation in a temporary directory that is removed at the end.
"""
