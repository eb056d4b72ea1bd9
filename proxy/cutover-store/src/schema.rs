//! The tables, as a list of steps; `PRAGMA user_version` counts those taken.

use sqlx::{Connection, SqliteConnection};

/// `CTVR`: marks a file as ours (`PRAGMA application_id`).
pub(crate) const APPLICATION_ID: i64 = 0x4354_5652;

/// Each step runs once, in a transaction with the counter. Never edit one that was released.
pub(crate) const STEPS: &[&str] = &[
    // 1: revisions, states, tokens
    "
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO meta (key, value) VALUES ('store_id', lower(hex(randomblob(16))));

    CREATE TABLE revision (
        rev INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        reason TEXT NOT NULL,
        trigger TEXT NOT NULL
            CHECK (trigger IN ('file', 'operator', 'kill_switch', 'guard', 'recovery')),
        forced INTEGER NOT NULL CHECK (forced IN (0, 1)),
        config_hash TEXT
    ) STRICT;

    CREATE TABLE change (
        rev INTEGER NOT NULL REFERENCES revision (rev),
        route TEXT NOT NULL,
        from_phase TEXT NOT NULL,
        from_bp INTEGER NOT NULL,
        to_phase TEXT NOT NULL,
        to_bp INTEGER NOT NULL,
        latch TEXT CHECK (latch IN ('held', 'released')),
        PRIMARY KEY (rev, route)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX change_by_route ON change (route, rev);

    CREATE TABLE route_state (
        route TEXT PRIMARY KEY,
        phase TEXT NOT NULL
            CHECK (phase IN ('legacy', 'shadow', 'canary', 'live', 'retired')),
        percent_bp INTEGER NOT NULL CHECK (percent_bp BETWEEN 0 AND 10000),
        revision INTEGER NOT NULL REFERENCES revision (rev),
        changed_at_ms INTEGER NOT NULL,
        shadowed INTEGER NOT NULL CHECK (shadowed IN (0, 1)),
        held_cause TEXT,
        held_revision INTEGER,
        declared_phase TEXT,
        declared_bp INTEGER,
        CHECK ((held_cause IS NULL) = (held_revision IS NULL)),
        CHECK ((declared_phase IS NULL) = (declared_bp IS NULL))
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE token (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    ",
    // 2: routes that came into the files or went from them
    "
    CREATE TABLE listing (
        rev INTEGER NOT NULL REFERENCES revision (rev),
        route TEXT NOT NULL,
        what TEXT NOT NULL CHECK (what IN ('added', 'removed')),
        PRIMARY KEY (rev, route)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX listing_by_route ON listing (route, rev);
    ",
    // 3: what comparing sides found out; every name begins with `parity`
    "
    CREATE TABLE parity_writer (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        generation INTEGER NOT NULL,
        released INTEGER NOT NULL CHECK (released IN (0, 1))
    ) STRICT;
    INSERT INTO parity_writer (one, generation, released) VALUES (1, 0, 1);

    CREATE TABLE parity (
        route TEXT NOT NULL UNIQUE,
        document TEXT,
        other INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE parity_cluster (
        id INTEGER PRIMARY KEY,
        route TEXT NOT NULL,
        path TEXT NOT NULL,
        kind TEXT NOT NULL,
        looks TEXT NOT NULL,
        count INTEGER NOT NULL,
        first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        UNIQUE (route, path, kind, looks)
    ) STRICT;

    CREATE TABLE parity_sample (
        cluster INTEGER NOT NULL REFERENCES parity_cluster (id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        document TEXT NOT NULL,
        UNIQUE (cluster, id)
    ) STRICT;
    CREATE INDEX parity_sample_by_time ON parity_sample (at_ms);
    ",
    // 4: decisions of gates, each with the hash of the one before; which build was latched
    "
    CREATE TABLE decision (
        seq INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        route TEXT NOT NULL,
        kind TEXT NOT NULL,
        actor TEXT NOT NULL,
        document TEXT NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT;
    CREATE INDEX decision_by_route ON decision (route, seq);
    CREATE TRIGGER decision_stays BEFORE UPDATE ON decision
        BEGIN SELECT raise(ABORT, 'decisions are append-only'); END;
    CREATE TRIGGER decision_remains BEFORE DELETE ON decision
        BEGIN SELECT raise(ABORT, 'decisions are append-only'); END;

    ALTER TABLE route_state ADD COLUMN held_build TEXT;
    ",
    // 5: pages may move routes. A CHECK is only text to SQLite: it is rewritten in place, as
    // sqlite.org/lang_altertable.html has it in section 7, since three tables refer to this one.
    "
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, '''recovery'')', '''recovery'', ''alert'')')
        WHERE type = 'table' AND name = 'revision';
    PRAGMA writable_schema = RESET;
    ",
    // 6: decisions that are looked for by their kind: all but outcomes, of which there are many
    "
    CREATE INDEX decision_by_kind ON decision (route, kind, seq) WHERE kind <> 'outcome';
    ",
];

/// What the file is before any step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Empty or ours, with this many steps taken.
    Ours(i64),
    /// Someone else's.
    Foreign,
}

/// Looks at a file without changing it.
pub(crate) async fn inspect(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let application: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let version: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(connection).await?;
    let empty = application == 0 && version == 0 && tables == 0;
    Ok(if empty || application == APPLICATION_ID { Found::Ours(version) } else { Found::Foreign })
}

/// What is wrong with the tables that revisions rest on; `None`: nothing. Those of parity and of
/// decisions may be large, and are no reason to do without revisions.
pub(crate) async fn damage(
    connection: &mut SqliteConnection,
) -> Result<Option<String>, sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT GLOB 'parity*' AND name <> 'decision'",
    )
    .fetch_all(&mut *connection)
    .await?;
    for table in tables {
        let check = sqlx::AssertSqlSafe(format!("PRAGMA quick_check(\"{table}\")"));
        let found: String = sqlx::query_scalar(check).fetch_one(&mut *connection).await?;
        if found != "ok" {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Takes the steps that are missing, all or none. Another process may be doing the same: the
/// counter is read again under the write lock.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let taken: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let taken = usize::try_from(taken).unwrap_or(0);
    for step in STEPS.iter().copied().skip(taken) {
        sqlx::raw_sql(step).execute(&mut *transaction).await?;
    }
    if taken < STEPS.len() {
        let marks = format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}",
            STEPS.len()
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(marks)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
