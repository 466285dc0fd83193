# SPDX-License-Identifier: Apache-2.0
"""The share of many cases that a run takes: another one each day, so that in some days all were tried.

The day is told in the output, and BFC_TEST_DAY=N comes back to it; BFC_TEST_EVERYTHING=1 (scripts/test --long) takes
all. With BFC_TEST_SAFETY_ONLY, which is for builds with sanitizers, what only says again that the result is right is
left to the build without them, and shares are smaller: there everything takes several times as long.
"""
import itertools
import os
import time

SAFETY_ONLY = 'BFC_TEST_SAFETY_ONLY' in os.environ
EVERYTHING = 'BFC_TEST_EVERYTHING' in os.environ
DAY = int(os.environ.get('BFC_TEST_DAY', int(time.time()) // 86400))


def todays(cases, shares):
    """Every `shares`th of the cases."""
    if EVERYTHING:
        return iter(cases)
    return itertools.islice(cases, DAY % shares, None, shares)
