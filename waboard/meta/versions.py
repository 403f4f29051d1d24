"""When each version of the Graph API ends, as Meta prints it.

Source: developers.facebook.com/docs/graph-api/changelog/versions. A call that names a version that
has ended is not refused: the oldest living one serves it, and may behave differently. So the
version is a setting with a warning, and the table is kept, not computed.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

CURRENT = "v26.0"
"""The newest version that Meta has published (2026-07-29)."""

ENDS: Mapping[str, date | None] = MappingProxyType(
    {
        "v19.0": date(2026, 5, 21),
        "v20.0": date(2026, 9, 24),
        "v21.0": date(2027, 1, 21),
        "v22.0": date(2027, 5, 20),
        "v23.0": date(2027, 10, 8),
        "v24.0": date(2028, 2, 18),
        "v25.0": date(2028, 7, 29),
        "v26.0": None,  # Meta has announced no end yet
    }
)
