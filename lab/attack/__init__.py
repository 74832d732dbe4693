"""The attack side of the lab: real tools with bounds, a hand-written attacker and ordinary visitors, against the honeypot alone."""
