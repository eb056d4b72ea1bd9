use sqlx::Row;

use super::*;

fn decision(at_ms: u64, route: &str, document: &str) -> NewDecision {
    NewDecision {
        at_ms,
        route: route.into(),
        kind: "outcome".into(),
        actor: "guard".into(),
        document: document.into(),
    }
}

/// A chain of `count` records, in several transactions.
async fn chain(store: &Store, count: u64) -> Anchor {
    let mut end = Anchor::BEGIN;
    for at in 0..count {
        let route = if at % 2 == 0 { "a" } else { "b" };
        end = store
            .append(&[decision(at, route, &format!("{{\"at\":{at}}}"))], None)
            .await
            .unwrap()
            .end;
    }
    end
}

/// What somebody with an editor does to the file: the guards against slips are taken off first.
async fn tamper(store: &Store, sql: &'static str) {
    for sql in ["DROP TRIGGER decision_stays", "DROP TRIGGER decision_remains", sql] {
        sqlx::query(sql).execute(&store.pool).await.unwrap();
    }
}

async fn broken(store: &Store, known: Option<Anchor>) -> Option<(u64, &'static str)> {
    let verified = store.verify(known).await.unwrap();
    let broken = verified.broken?;
    assert_eq!(verified.sound + 1, broken.seq);
    Some((broken.seq, broken.why))
}

#[tokio::test]
async fn a_chain_holds_and_is_read_by_page() {
    let dir = dir();
    let store = open(&dir).await;
    assert_eq!(store.verify(None).await.unwrap().sound, 0);
    let end = chain(&store, 7).await;
    let verified = store.verify(Some(end)).await.unwrap();
    assert_eq!(verified, Verified { sound: 7, head: end, broken: None });
    let numbers = async |route, limit, before| -> Vec<u64> {
        let page = store.decisions(route, limit, before).await.unwrap();
        page.iter().map(|decision| decision.seq).collect()
    };
    assert_eq!(numbers(None, 3, None).await, [7, 6, 5]);
    assert_eq!(numbers(None, 3, Some(3)).await, [2, 1]);
    assert_eq!(numbers(Some("b"), 9, Some(6)).await, [4, 2]);
    let newest = store.decisions(None, 1, None).await.unwrap().remove(0);
    assert_eq!((newest.what.document.as_str(), newest.hash), ("{\"at\":6}", end.hash));
}

/// Computed once with Python's hashlib from the encoding that the module documents.
#[tokio::test]
async fn the_encoding_is_the_documented_one() {
    let dir = dir();
    let store = open(&dir).await;
    let end =
        store.append(&[decision(5, "a", "{}"), decision(6, "b", "{}")], None).await.unwrap().end;
    let hex: String = end.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "2392ff35abec06e7a925c371a18415779aac0528114eb93d7c0867076cb57ab9");
}

#[tokio::test]
async fn a_chain_goes_on_after_reopening() {
    let dir = dir();
    let store = open(&dir).await;
    let end = chain(&store, 3).await;
    store.close().await;
    let store = open(&dir).await;
    assert_eq!(chain(&store, 2).await.seq, 5);
    assert_eq!(broken(&store, Some(end)).await, None);
}

#[tokio::test]
async fn every_way_to_tamper_is_found_at_its_first_record() {
    let changed = "was changed, or a record before it was: its hash does not follow";
    for (sql, seq, why) in [
        ("UPDATE decision SET document = '{}' WHERE seq = 3", 3, changed),
        ("UPDATE decision SET actor = 'nobody' WHERE seq = 5", 5, changed),
        ("UPDATE decision SET at_ms = 99 WHERE seq = 1", 1, changed),
        ("UPDATE decision SET route = 'b', kind = 'aoutcome' WHERE seq = 1", 1, changed),
        ("UPDATE decision SET hash = zeroblob(32) WHERE seq = 2", 2, changed),
        ("DELETE FROM decision WHERE seq = 4", 4, "is missing"),
        ("DELETE FROM decision WHERE seq = 1", 1, "is missing"),
        ("DELETE FROM decision WHERE seq > 4", 5, "is missing: the chain ends before it"),
        ("DELETE FROM decision", 1, "is missing: the chain ends before it"),
    ] {
        let dir = dir();
        let store = open(&dir).await;
        let end = chain(&store, 6).await;
        tamper(&store, sql).await;
        assert_eq!(broken(&store, Some(end)).await, Some((seq, why)), "{sql}");
    }
}

#[tokio::test]
async fn a_chain_written_anew_is_found_by_who_remembers() {
    let dir = dir();
    let store = open(&dir).await;
    let end = chain(&store, 3).await;
    tamper(&store, "DELETE FROM decision").await;
    store.append(&[decision(9, "a", "{}")], None).await.unwrap();
    store.append(&[decision(9, "a", "{}"), decision(9, "a", "{}")], None).await.unwrap();
    assert_eq!(broken(&store, None).await, None, "the chain alone cannot tell");
    let why = "is not the one that was recorded: the chain was written anew";
    assert_eq!(broken(&store, Some(end)).await, Some((3, why)));
}

#[tokio::test]
async fn who_appends_learns_that_what_it_remembers_is_gone() {
    let dir = dir();
    let store = open(&dir).await;
    let more = async |known| {
        let appended = store.append(&[decision(9, "a", "{}")], Some(known)).await.unwrap();
        (appended.end.seq, appended.holds)
    };
    assert_eq!(more(Anchor::BEGIN).await, (1, true));
    let known = chain(&store, 3).await;
    assert_eq!(more(known).await, (5, true));
    tamper(&store, "DELETE FROM decision WHERE seq > 2").await;
    assert_eq!(more(known).await, (3, false), "it is missing");
    assert_eq!(more(known).await, (4, false), "another one has its number");
    assert_eq!(more(known).await, (5, false), "and it stays so");
    assert_eq!(broken(&store, None).await, None, "the chain alone cannot tell");
}

#[tokio::test]
async fn slips_are_refused_by_the_file_itself() {
    let dir = dir();
    let store = open(&dir).await;
    chain(&store, 1).await;
    for sql in ["UPDATE decision SET actor = 'x'", "DELETE FROM decision"] {
        let refused = sqlx::query(sql).execute(&store.pool).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_nothing_is_written() {
    let dir = dir();
    let store = open(&dir).await;
    let long = "x".repeat(DECISION_BYTES_MAX + 1);
    let refused = store.append(&[decision(1, "a", "{}"), decision(2, "b", &long)], None).await;
    let refused = refused.unwrap_err().to_string();
    assert_eq!(refused, "a decision of 16385 bytes on route `b` is too long to be recorded");
    assert_eq!(store.verify(None).await.unwrap().sound, 0);
}

#[tokio::test]
async fn long_chains_are_followed_page_by_page() {
    let dir = dir();
    let store = open(&dir).await;
    let many: Vec<_> = (0..1_203).map(|at| decision(at, "a", "{}")).collect();
    let end = store.append(&many, None).await.unwrap().end;
    assert_eq!(store.verify(Some(end)).await.unwrap().sound, 1_203);
    tamper(&store, "UPDATE decision SET actor = 'x' WHERE seq = 1001").await;
    assert_eq!(broken(&store, None).await.map(|(seq, _)| seq), Some(1_001));
}

/// Each outcome that changed is a record: those that are looked for must not be found by reading
/// all.
#[tokio::test]
async fn decisions_of_a_kind_are_found_by_an_index() {
    let dir = dir();
    let store = open(&dir).await;
    for sql in [crate::decisions::LAST, crate::latches::ASKED] {
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::query(explained).fetch_all(&store.pool).await.unwrap();
        let plan: Vec<&str> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(plan[0].contains("USING INDEX decision_by_kind (route=? AND kind=?"), "{plan:?}");
    }
}

#[tokio::test]
async fn the_last_decision_of_a_kind_is_found_behind_all_others() {
    let dir = dir();
    let store = open(&dir).await;
    let of = |at_ms, route, kind: &str| NewDecision {
        kind: kind.into(),
        ..decision(at_ms, route, "{}")
    };
    assert_eq!(store.last_decision("a", "rehearsal").await.unwrap(), None);
    let mut all = vec![of(1, "a", "rehearsal"), of(2, "a", "rehearsal"), of(3, "b", "rehearsal")];
    all.extend((4..1_204).map(|at| decision(at, "a", "{}")));
    store.append(&all, None).await.unwrap();
    let found = store.last_decision("a", "rehearsal").await.unwrap().unwrap();
    assert_eq!((found.seq, found.what), (2, of(2, "a", "rehearsal")));
    assert_eq!(store.last_decision("a", "release").await.unwrap(), None);
}
