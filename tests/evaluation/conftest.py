"""Makes the slow twins importable as `reference.<name>`, however pytest was started."""

import sys
from pathlib import Path

tests = str(Path(__file__).parents[1])
if tests not in sys.path:
    sys.path.append(tests)
