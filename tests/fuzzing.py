"""How hard hypothesis tries: the same cases in every run, or random ones for as long as wanted."""

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, settings

# HYPOTHESIS_PROFILE=long: other cases in every run, and 100 times as many.
IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
MORE = 100


def tries(cases: int, suppressed: Sequence[HealthCheck] = ()) -> settings:
    """The settings of a test that looks at so many cases; a failure says how to repeat it."""
    return settings(
        max_examples=cases * MORE if IS_LONG else cases,
        derandomize=not IS_LONG,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=suppressed,
    )
