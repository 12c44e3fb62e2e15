"""What runs here needs an installed or started service."""

from importlib.util import find_spec

# Its tests run in an environment of their own, see scripts/test-services.
collect_ignore = [] if find_spec("feast") else ["test_feast.py"]
