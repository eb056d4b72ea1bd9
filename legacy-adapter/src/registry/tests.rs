use chassis::canonical::{RowHash, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn row(id: i64, bytes_max: usize) -> LegacyRow {
    let hash = RowHash::of(&[Value::Integer(id)]);
    LegacyRow {
        digest: RowDigest { id, version: 0, hash },
        import: serde_json::json!({"id": id}),
        bytes_max,
    }
}

#[test]
fn large_rows_travel_in_several_calls() {
    let sizes = |rows: &[LegacyRow]| parts(rows).iter().map(|part| part.len()).collect::<Vec<_>>();
    let half = IMPORT_BYTES_MAX / 2;
    assert_eq!(sizes(&[]), Vec::<usize>::new());
    assert_eq!(sizes(&[row(1, 10), row(2, 10)]), [2]);
    assert_eq!(sizes(&[row(1, half), row(2, half), row(3, 1)]), [2, 1]);
    assert_eq!(sizes(&[row(1, 3 * half), row(2, 3 * half)]), [1, 1]);
}

#[test]
fn addresses_that_would_leak_the_token_are_refused() {
    for url in
        ["http://127.0.0.1:9102", "http://127.0.0.1:9102/", "http://localhost:1", "http://[::1]:1"]
    {
        assert!(check_address(url).is_ok(), "{url}");
    }
    for url in [
        "https://127.0.0.1:1",
        "http://10.0.0.1:1",
        "http://registry:1",
        "127.0.0.1:1",
        "http://127.0.0.1:1/x",
        "",
    ] {
        assert!(check_address(url).is_err(), "{url}");
    }
}

#[test]
fn waits_grow_and_end() {
    for attempt in 1..100 {
        assert!(backoff(attempt) <= BACKOFF_MAX);
    }
    assert!(backoff(1) < backoff(3));
}

/// Answers one connection per text, then is gone.
async fn script(answers: Vec<&'static str>) -> (Registry, tempfile::TempDir) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "0123456789abcdef\n").unwrap();
    (Registry::new(&url, &token, Progress::silent()).unwrap(), dir)
}

const EMPTY: &str = r#"{"count":0,"meaning":"00000000000000000000000000000001","spelling":"00000000000000000000000000000002"}"#;
const RANGE: Range = Range { from: 0, to: 9 };

#[tokio::test]
async fn passing_failures_are_tried_again() {
    let ok = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{EMPTY}",
        EMPTY.len()
    );
    let answers = vec![
        "HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nbroken off",
        "",
        ok.leak(),
    ];
    let (registry, _dir) = script(answers).await;
    let digest = registry.digest(Entity::Homes, RANGE).await.unwrap();
    assert_eq!((digest.count, digest.spelling.0), (0, 2));
}

#[tokio::test]
async fn a_refusal_is_final_and_says_why() {
    let denied = r#"{"status":401,"code":"unauthorized","detail":"send the token"}"#;
    let denied = format!(
        "HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{denied}",
        denied.len()
    );
    let public = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 4\r\n\r\nhtml";
    let (registry, _dir) = script(vec![denied.leak(), public]).await;
    let error = registry.digest(Entity::Homes, RANGE).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "registry refused GET /internal/v1/digest with 401 Unauthorized: unauthorized, send the token"
    );
    let error = registry.digest(Entity::Homes, RANGE).await.unwrap_err().to_string();
    assert!(error.contains("give registry's internal address, not its public one"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn nobody_there_ends_with_advice() {
    let (registry, _dir) = script(Vec::new()).await;
    let error = registry.digest(Entity::Homes, RANGE).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{text}");
    assert!(text.contains("in 8 attempts") && text.contains("run again"), "{text}");
}

#[tokio::test]
async fn another_kind_of_answer_is_noticed() {
    let (registry, _dir) =
        script(vec!["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"]).await;
    let error = registry.digest(Entity::Homes, RANGE).await.unwrap_err().to_string();
    assert!(error.contains("missing field") && error.contains("same version?"), "{error}");
}

#[test]
fn a_token_file_must_hold_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Registry::new("http://127.0.0.1:1", &dir.path().join("none"), Progress::silent());
    assert!(
        missing.unwrap_err().to_string().contains("give the file that registry was started with")
    );
    let path = dir.path().join("token");
    std::fs::write(&path, "a\nb").unwrap();
    let strange = Registry::new("http://127.0.0.1:1", &path, Progress::silent());
    assert!(strange.unwrap_err().to_string().contains("characters that no token has"));
    assert!(
        !format!(
            "{:?}",
            read_token(&{
                std::fs::write(&path, "secret-secret-secret").unwrap();
                path
            })
            .unwrap()
        )
        .contains("secret-secret")
    );
}
