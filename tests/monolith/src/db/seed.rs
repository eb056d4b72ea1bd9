//! The demo rows. Timestamps and contents depend on nothing but the row's number.

use std::num::NonZeroU32;

use ring::{digest, pbkdf2};
use sqlx::{Sqlite, Transaction};

use crate::clock::naive;
use crate::db::Db;
use crate::session::{hex, unhex};

/// 2024-03-01 12:34:56 UTC, when the first row was written.
const EPOCH: i64 = 1_709_296_496;
/// Devices made before the extra ones; two of them are deleted again, to leave gaps.
const DEVICES: i64 = 42;
const DELETED: [i64; 2] = [13, 29];
const EVENTS_PER_DEVICE: i64 = 3;
/// Few rounds, as it was then; and every start of a test pays for them.
const HASH_ROUNDS: NonZeroU32 = NonZeroU32::new(1000).expect("1000 is not 0");

/// `kind`, name, first state of device `id` is row `id % 6`.
const KINDS: [(&str, &str, &str); 6] = [
    ("plug", "Plug", r#"{"on":false,"watts":0.0}"#),
    ("lamp", "Küche Lamp", r##"{"on":true,"brightness":80,"color":"#ffcc00"}"##),
    ("thermostat", "Thermostat", r#"{"target":21.50,"measured":20.9,"mode":"heat"}"#),
    ("lock", "Front Door \"A\"", r#"{"locked":true,"battery":97}"#),
    ("sensor", "Motion", r#"{"motion":false,"lux":1.20e2}"#),
    ("camera", "Garden Cam", r#"{ "recording": false, "resolution": [1920, 1080] }"#),
];

pub(super) async fn plant(db: &Db, extra_devices: u32) -> anyhow::Result<()> {
    let mut tx = db.write().await?;
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&mut *tx).await?;
    if users == 0 {
        plant_people(&mut tx).await?;
        plant_devices(&mut tx, DEVICES + i64::from(extra_devices)).await?;
        plant_history(&mut tx).await?;
        plant_files(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Stored form of a password: hex PBKDF2-HMAC-SHA256, salted with the log-in name.
fn password_hash(login: &str, password: &str) -> String {
    let mut hash = [0; digest::SHA256_OUTPUT_LEN];
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, HASH_ROUNDS, login.as_bytes(), password.as_bytes(), &mut hash);
    hex(&hash)
}

/// Compares in constant time.
pub(crate) fn is_password(login: &str, password: &str, stored: &str) -> bool {
    let Some(hash) = unhex(stored) else { return false };
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::verify(algorithm, HASH_ROUNDS, login.as_bytes(), password.as_bytes(), &hash).is_ok()
}

async fn plant_people(tx: &mut Transaction<'_, Sqlite>) -> sqlx::Result<()> {
    let users = [
        ("alice", "sesame", "Alice Ångström", "alice@home.example"),
        ("bob", "hunter2", "Bob <Builder>", "bob@home.example"),
        ("carol", "letmein", "Carol", "carol@home.example"),
    ];
    for (login, password, full_name, email) in users {
        sqlx::query("INSERT INTO users (login, password_hash, full_name, email, created_at) VALUES (?, ?, ?, ?, ?)")
            .bind(login)
            .bind(password_hash(login, password))
            .bind(full_name)
            .bind(email)
            .bind(naive(EPOCH))
            .execute(&mut **tx)
            .await?;
    }
    for (owner, name, city) in
        [(1, "Sea House", "Malmö"), (1, "City Flat", "Berlin"), (2, "Workshop", "Leeds")]
    {
        sqlx::query("INSERT INTO homes (owner_id, name, city, created_at) VALUES (?, ?, ?, ?)")
            .bind(owner)
            .bind(name)
            .bind(city)
            .bind(naive(EPOCH))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn plant_devices(tx: &mut Transaction<'_, Sqlite>, count: i64) -> sqlx::Result<()> {
    for id in 1..=count {
        let (kind, name, state) = KINDS[usize::try_from(id % 6).unwrap_or(0)];
        sqlx::query("INSERT INTO devices (home_id, name, kind, firmware, state, created_at, updated_at, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(home_of(id))
            .bind(format!("{name} {id}"))
            .bind(kind)
            .bind(format!("{}.{}.{}", 1 + id % 3, id % 10, id))
            .bind(state)
            .bind(naive(EPOCH + 61 * id))
            .bind(naive(EPOCH + 86_400 + 3601 * id))
            .bind(1 + id % 4)
            .execute(&mut **tx)
            .await?;
    }
    for id in DELETED {
        sqlx::query("INSERT INTO device_tombstones (id, version, deleted_at) SELECT id, version + 1, ? FROM devices WHERE id = ?")
            .bind(naive(EPOCH + 200_000))
            .bind(id)
            .execute(&mut **tx)
            .await?;
        sqlx::query("DELETE FROM devices WHERE id = ?").bind(id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Home 1 has more devices than a page of the list.
fn home_of(device: i64) -> i64 {
    match device % 8 {
        0 => 2,
        1 | 2 => 3,
        _ => 1,
    }
}

async fn plant_history(tx: &mut Transaction<'_, Sqlite>) -> sqlx::Result<()> {
    for number in 0..EVENTS_PER_DEVICE * DEVICES {
        let (device, round) = (1 + number % DEVICES, number / DEVICES);
        let kind =
            ["online", "state", "offline"][usize::try_from((device + round) % 3).unwrap_or(0)];
        sqlx::query(
            "INSERT INTO events (home_id, device_id, kind, payload, at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(home_of(device))
        .bind(device)
        .bind(kind)
        .bind(format!(r#"{{"seq":{round},"rssi":-{}}}"#, 40 + device))
        .bind(naive(EPOCH + 90_000 + 7 * number))
        .execute(&mut **tx)
        .await?;
    }
    for device in [3, 4, 9, 5] {
        sqlx::query("INSERT INTO commands (device_id, name, args, status, issued_at) VALUES (?, 'reboot', '{}', 'done', ?)")
            .bind(device)
            .bind(naive(EPOCH + 95_000 + device))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn plant_files(tx: &mut Transaction<'_, Sqlite>) -> sqlx::Result<()> {
    let alphabet: Vec<u8> = (b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').collect();
    let noise: Vec<u8> =
        (0..300_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let files: [(&str, &str, &[u8]); 4] = [
        ("alphabet.txt", "text/plain", &alphabet),
        ("rooms/attic plan.txt", "text/plain; charset=utf-8", "Ättic\nBox 1\n".as_bytes()),
        ("noise.bin", "application/octet-stream", &noise),
        ("empty.dat", "application/octet-stream", b""),
    ];
    for (name, content_type, content) in files {
        let sha256 = hex(digest::digest(&digest::SHA256, content).as_ref());
        sqlx::query("INSERT INTO files (owner_id, name, content_type, content, sha256, uploaded_at) VALUES (1, ?, ?, ?, ?, ?)")
            .bind(name)
            .bind(content_type)
            .bind(content)
            .bind(sha256)
            .bind(EPOCH)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
