"""The soak: a long drill with floods, resizes and reconnects, watched for leaks and slowness.

`python -m tests.soak --minutes 60` is the real one; a short one runs among the tests.
"""
