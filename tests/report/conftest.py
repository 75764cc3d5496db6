"""Makes `fake_runs` importable, however pytest was started."""

import sys
from pathlib import Path

here = str(Path(__file__).parent)
if here not in sys.path:
    sys.path.append(here)
