# SPDX-License-Identifier: Apache-2.0
"""The share of many cases that a run takes: another one each day, so that in some days all were tried.

What depends on the day is told in the output, and BFC_TEST_EVERYTHING=1 (scripts/test --long) takes all; a failure
is found again with BFC_TEST_DAY=N.
"""
import itertools
import os
import time

EVERYTHING = 'BFC_TEST_EVERYTHING' in os.environ
DAY = int(os.environ.get('BFC_TEST_DAY', int(time.time()) // 86400))


def todays(cases, shares, shift=0):
    """Every `shares`th of the cases; `shift` days ahead."""
    if EVERYTHING:
        return iter(cases)
    return itertools.islice(cases, (DAY + shift) % shares, None, shares)
