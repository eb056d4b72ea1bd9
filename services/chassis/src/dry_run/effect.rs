//! The changes of one transaction, row by row, and their spelling.

use std::collections::{BTreeMap, HashMap};

use http::HeaderValue;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteOperation, SqliteRow, UpdateHookResult};
use sqlx::{AssertSqlSafe, Column, Row, SqliteConnection, TypeInfo, ValueRef};
use xxhash_rust::xxh3::xxh3_128;

/// Longest effect that is told in full: 4096 bytes, about ten rows of a few columns.
pub const EFFECT_BYTES_MAX: usize = 4096;

/// One row that a statement touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    table: String,
    rowid: i64,
    op: Op,
}

/// What a transaction does to its rows, from its beginning to its end.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Effect(Vec<RowEffect>);

/// Fields in the order of the alphabet: it is their order in the JSON.
#[derive(Debug, Serialize)]
struct RowEffect {
    id: i64,
    op: Op,
    /// `None` for a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<BTreeMap<String, Value>>,
    table: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Op {
    Insert,
    Update,
    Delete,
}

/// The first and the last that happened to a row.
struct Fate {
    first: Op,
    last: Op,
}

// === impl Change ===

impl Change {
    /// `None` for a temporary table, and for what SQLite may invent later.
    pub(super) fn of(reported: &UpdateHookResult<'_>) -> Option<Change> {
        let op = match reported.operation {
            SqliteOperation::Insert => Op::Insert,
            SqliteOperation::Update => Op::Update,
            SqliteOperation::Delete => Op::Delete,
            SqliteOperation::Unknown(_) => return None,
        };
        let change = Change { table: reported.table.to_owned(), rowid: reported.rowid, op };
        (reported.database == "main").then_some(change)
    }
}

// === impl Effect ===

impl Effect {
    /// Reads the rows as they are at the end of the transaction, which must still be open.
    pub(super) async fn read(
        connection: &mut SqliteConnection,
        changes: Vec<Change>,
    ) -> sqlx::Result<Effect> {
        let mut effect = Effect::default();
        for ((table, id), fate) in fates(changes) {
            let row = match fate.last {
                Op::Delete => None,
                Op::Insert | Op::Update => row(connection, &table, id).await?,
            };
            let op = match (fate.first, &row) {
                (Op::Insert, None) => continue,
                (_, None) => Op::Delete,
                (Op::Insert, Some(_)) => Op::Insert,
                (_, Some(_)) => Op::Update,
            };
            effect.0.push(RowEffect { id, op, row, table });
        }
        Ok(effect)
    }

    pub(super) fn to_header(&self) -> HeaderValue {
        let json = serde_json::to_string(self).expect("an effect has string keys and finite reals");
        let mut text = to_ascii(&json);
        if text.len() > EFFECT_BYTES_MAX {
            let (bytes, hash) = (text.len(), xxh3_128(text.as_bytes()));
            text = format!("{{\"bytes\":{bytes},\"xxh3\":\"{hash:032x}\"}}");
        }
        HeaderValue::try_from(text).expect("it is visible ASCII")
    }
}

/// Rows in the order in which they were first touched.
fn fates(changes: Vec<Change>) -> Vec<((String, i64), Fate)> {
    let mut places: HashMap<(String, i64), usize> = HashMap::new();
    let mut fates: Vec<((String, i64), Fate)> = Vec::new();
    for Change { table, rowid, op } in changes {
        let key = (table, rowid);
        if let Some(&place) = places.get(&key) {
            fates[place].1.last = op;
            continue;
        }
        places.insert(key.clone(), fates.len());
        fates.push((key, Fate { first: op, last: op }));
    }
    fates
}

async fn row(
    connection: &mut SqliteConnection,
    table: &str,
    rowid: i64,
) -> sqlx::Result<Option<BTreeMap<String, Value>>> {
    // The name is one that SQLite itself gave us, quoted as its grammar asks.
    let table = table.replace('"', "\"\"");
    let sql = AssertSqlSafe(format!("SELECT * FROM \"{table}\" WHERE rowid = ?"));
    let Some(row) = sqlx::query(sql).bind(rowid).fetch_optional(connection).await? else {
        return Ok(None);
    };
    let columns = row.columns().iter().enumerate();
    let columns = columns.map(|(at, column)| Ok((column.name().to_owned(), value(&row, at)?)));
    columns.collect::<sqlx::Result<_>>().map(Some)
}

/// By the type of the value itself, since SQLite's columns need not keep to theirs.
fn value(row: &SqliteRow, at: usize) -> sqlx::Result<Value> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(at)?.into(),
        "REAL" => row.try_get_unchecked::<f64, _>(at)?.into(),
        "TEXT" => row.try_get_unchecked::<String, _>(at)?.into(),
        _ => {
            let bytes: Vec<u8> = row.try_get_unchecked(at)?;
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "hex": hex })
        }
    })
}

/// JSON of the same meaning in visible ASCII. Only strings can hold other characters.
fn to_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for letter in json.chars() {
        if matches!(letter, ' '..='~') {
            ascii.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            ascii.push_str(&format!("\\u{unit:04x}"));
        }
    }
    ascii
}
