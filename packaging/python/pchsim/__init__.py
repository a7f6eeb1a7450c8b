"""pchsim: forecasts how a Python workload behaves under every concurrency strategy.

The package holds a program and no module to import: run ``pchsim``, or ``python -m pchsim``.
"""
