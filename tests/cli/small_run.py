# SPDX-License-Identifier: MIT
"""What the tests of runs share: the options of a small one, a run file as a database, and a kill."""
import contextlib
import shutil
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


def cut(source, target, n_events):
    """The file as a kill behind that event leaves it."""
    shutil.copy(source, target)
    with database(target) as db:
        step, = db.execute("SELECT max(step) FROM events WHERE id <= ?", [n_events]).fetchone()
        n_programs, = db.execute("SELECT count(*) FROM programs WHERE step <= ?", [step]).fetchone()
        duels, = db.execute("SELECT count(*) FROM events WHERE what IN ('again', 'elite', 'final') AND id <= ?",
                            [n_events]).fetchone()
        races, = db.execute("SELECT count(*) FROM duels WHERE kind = 'race' AND program <= ?", [n_programs]).fetchone()
        last = races + duels
        db.execute("DELETE FROM events WHERE id > ?", [n_events])
        db.execute("DELETE FROM samples WHERE duel > ?", [last])
        db.execute("DELETE FROM verdicts WHERE duel > ? OR program > ?", [last, n_programs])
        db.execute("DELETE FROM duels WHERE id > ?", [last])
        db.execute("DELETE FROM builds WHERE program > ?", [n_programs])
        db.execute("DELETE FROM objects WHERE sha256 NOT IN (SELECT object FROM builds WHERE object IS NOT NULL)")
        if not db.execute("SELECT 1 FROM events WHERE what = 'winner'").fetchone():
            db.execute("DELETE FROM winners")
        db.execute("DELETE FROM programs WHERE id > ?", [n_programs])
        db.execute("DELETE FROM proposals WHERE step > ?", [step])
        db.execute("UPDATE run SET ended = NULL, outcome = NULL")
