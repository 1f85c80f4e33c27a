"""The tables, version by version.

A migration that was released is never edited: a change is one more entry in MIGRATIONS. Times are
whole microseconds since 1970 in UTC.
"""

from collections.abc import Sequence

Migration = Sequence[str]  # statements, run in one transaction with all that are missing

# `number` is the order of coming. `lane` is NULL while a menu is open and after the end; `due_at`
# is when a claim may take the job. `details` is JSON of what no query asks for.
JOBS = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    is_group INTEGER NOT NULL,
    topic_id INTEGER,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    lane TEXT,
    is_quick INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    ended_at INTEGER,
    not_before INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    due_at INTEGER NOT NULL
        GENERATED ALWAYS AS (max(ifnull(lease_until, 0), ifnull(not_before, 0))) STORED,
    title TEXT,
    choice TEXT,
    status_message_id INTEGER,
    error TEXT,
    details TEXT NOT NULL DEFAULT '{}',
    UNIQUE (chat_id, message_id, url)
) STRICT
"""

# What was read of the page. `info_json` is 1-2 MB and stands last: nobody reads it by the way.
PAGES = """
CREATE TABLE pages (
    number INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
    extraction TEXT NOT NULL,
    info_json TEXT NOT NULL
) STRICT
"""

# Whose turn it is: the lowest goes next. Turns of people who were never served are negative.
# `jobs` counts what a person has in the lane, claimed or not; triggers keep it.
TURNS = """
CREATE TABLE turns (
    lane TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (lane, user_id)
) STRICT, WITHOUT ROWID
"""

NEWCOMERS = -(2**62)  # below every turn
ENTER = f"""
INSERT INTO turns (lane, user_id, turn, jobs) VALUES (
    new.lane,
    new.user_id,
    (SELECT ifnull(max(turn), {NEWCOMERS}) + 1 FROM turns WHERE lane = new.lane AND turn < 0),
    1
) ON CONFLICT (lane, user_id) DO UPDATE SET jobs = jobs + 1
"""
LEAVE = "UPDATE turns SET jobs = jobs - 1 WHERE lane = old.lane AND user_id = old.user_id"

FIRST: Migration = (
    JOBS,
    PAGES,
    TURNS,
    "CREATE INDEX jobs_line ON jobs (lane, user_id, number, due_at, chat_id)"
    " WHERE lane IS NOT NULL",
    "CREATE INDEX jobs_held ON jobs (lane, lease_until, user_id, chat_id)"
    " WHERE lease_until IS NOT NULL",
    "CREATE INDEX jobs_not_due ON jobs (lane, due_at, user_id)"
    " WHERE lane IS NOT NULL AND due_at > 0",
    "CREATE INDEX jobs_unfinished ON jobs (user_id, number) WHERE ended_at IS NULL",
    "CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE UNIQUE INDEX turns_order ON turns (lane, turn)",
    "CREATE UNIQUE INDEX turns_waiting ON turns (lane, turn) WHERE jobs > 0",
    f"CREATE TRIGGER job_came AFTER INSERT ON jobs WHEN new.lane IS NOT NULL BEGIN {ENTER}; END",
    f"CREATE TRIGGER job_went AFTER DELETE ON jobs WHEN old.lane IS NOT NULL BEGIN {LEAVE}; END",
    "CREATE TRIGGER job_left_lane AFTER UPDATE OF lane ON jobs"
    f" WHEN old.lane IS NOT new.lane AND old.lane IS NOT NULL BEGIN {LEAVE}; END",
    "CREATE TRIGGER job_entered_lane AFTER UPDATE OF lane ON jobs"
    f" WHEN old.lane IS NOT new.lane AND new.lane IS NOT NULL BEGIN {ENTER}; END",
)

# `owed`: the job has ended and its chat does not show it yet.
SECOND: Migration = (
    "ALTER TABLE jobs ADD COLUMN owed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN upload_note TEXT",
    "CREATE INDEX jobs_owed ON jobs (number) WHERE owed",
)

# People; `ban`, `quota` and `preferences` are JSON. The times are NULL until they write.
USERS = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL DEFAULT '',
    first_seen_at INTEGER,
    seen_at INTEGER,
    preferences TEXT,
    role TEXT,
    ban TEXT,
    quota TEXT
) STRICT
"""

# Jobs that have ended. `day` counts days since 1970 in UTC; `seconds` and `file_ids` are JSON.
HISTORY = """
CREATE TABLE history (
    job_id TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    url TEXT NOT NULL,
    result TEXT NOT NULL,
    ended_at INTEGER NOT NULL,
    day INTEGER NOT NULL,
    message_id INTEGER,
    site TEXT NOT NULL,
    media_id TEXT NOT NULL,
    title TEXT NOT NULL,
    variant TEXT NOT NULL,
    kind TEXT,
    height INTEGER,
    size_bytes INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    seconds TEXT NOT NULL,
    error TEXT NOT NULL,
    file_ids TEXT NOT NULL,
    bot_id INTEGER NOT NULL,
    is_shareable INTEGER NOT NULL
) STRICT
"""

ERRORS = """
CREATE TABLE errors (
    job_id TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    label TEXT NOT NULL,
    site TEXT NOT NULL,
    detail TEXT NOT NULL,
    UNIQUE (job_id, happened_at)
) STRICT
"""

# What a person took on a day.
USAGE = """
CREATE TABLE usage (
    user_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (user_id, day)
) STRICT, WITHOUT ROWID
"""

THIRD: Migration = (
    USERS,
    HISTORY,
    ERRORS,
    USAGE,
    "CREATE INDEX history_of_user ON history (user_id, ended_at, job_id)",
    "CREATE INDEX history_by_time ON history (ended_at)",
    "CREATE INDEX history_files ON history (site, media_id, variant, bot_id, ended_at)"
    " WHERE file_ids <> '[]'",
    "CREATE INDEX errors_by_time ON errors (happened_at)",
    "CREATE INDEX errors_of_user ON errors (user_id)",
    "CREATE INDEX usage_by_day ON usage (day)",
    # for forgetting what a person's jobs left
    "CREATE INDEX jobs_of_user ON jobs (user_id) WHERE ended_at IS NOT NULL",
)

# What each job took, on the day on which it was accepted. `count` is 1 but for what was counted in
# `usage` before.
CHARGES = """
CREATE TABLE charges (
    user_id INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    is_settled INTEGER NOT NULL,
    PRIMARY KEY (user_id, job_id)
) STRICT, WITHOUT ROWID
"""

FOURTH: Migration = (
    CHARGES,
    "INSERT INTO charges SELECT user_id, 'day ' || day, day, count, size_bytes, 1 FROM usage",
    "DROP TABLE usage",
    "CREATE INDEX charges_of_day ON charges (user_id, day, count, size_bytes)",
    "CREATE INDEX charges_by_day ON charges (day)",
)

# `is_unwanted`: the job was cancelled, and is about to end.
FIFTH: Migration = ("ALTER TABLE jobs ADD COLUMN is_unwanted INTEGER NOT NULL DEFAULT 0",)

MIGRATIONS: Sequence[Migration] = (FIRST, SECOND, THIRD, FOURTH, FIFTH)
