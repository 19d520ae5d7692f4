# SPDX-License-Identifier: MIT
"""What the tests of runs share: the options of a small one, and a run file as a database."""
import contextlib
import sqlite3

# Ended by its programs, not by the minutes; five minutes and more would have longer finals. Nothing here looks at speeds.
SMALL = ["--no-self-test", "--rehearsal", "--heads", "4:2", "--head-dim", "64", "--context", "64", "--minutes", "4.9", "--threads", "1"]
TIMEOUT = 600  # seconds, far more than anything takes


@contextlib.contextmanager
def database(path):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        yield db


def query(path, sql):
    with database(path) as db:
        return db.execute(sql).fetchall()
