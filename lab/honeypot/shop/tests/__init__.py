"""Tests of the honeypot: that every weakness is really there, and that nothing behind it is.

`python lab/honeypot/manage.py test shop` runs them; `make lab-test` does that and more.
"""
