"""The machines of lab/README.md, played by network namespaces of one machine: see lab/check_machines.py."""
