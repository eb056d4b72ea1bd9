//! Who may ask what.

use super::*;
use crate::admin::{
    auth::Access,
    endpoints::{Endpoint, endpoints},
};

/// A request that gets past the gate, whatever comes of it then.
async fn knock(rig: &Rig, endpoint: &Endpoint, token: &str) -> Got {
    let path = endpoint.path.replace("{id}", "no-such").replace("{name}", "no-such");
    let body = endpoint.body.as_ref().map(|_| "{}".to_owned());
    rig.send(endpoint.method.as_str(), &path, token, body).await
}

#[tokio::test]
async fn every_endpoint_is_open_to_its_role_and_all_above() {
    let rig = Rig::new("read legacy").await;
    for endpoint in endpoints() {
        let what = format!("{} {}", endpoint.method, endpoint.path);
        let needed = match endpoint.access {
            Access::Role(role) => role,
            Access::Probe | Access::Metrics => {
                assert_eq!(knock(&rig, &endpoint, "").await.status, 200, "{what} is open here");
                continue;
            }
        };
        let nobody = knock(&rig, &endpoint, "").await;
        assert_eq!((nobody.status, nobody.code().as_str()), (401, "unauthenticated"), "{what}");
        assert!(nobody.header("www-authenticate").is_some());
        let stranger = knock(&rig, &endpoint, "wrong").await;
        assert_eq!((stranger.status, stranger.code().as_str()), (401, "token_unknown"), "{what}");
        for role in Role::ALL {
            let got = knock(&rig, &endpoint, role.as_str()).await;
            let refused = got.status == 403 && got.code() == "role_too_low";
            assert_eq!(refused, role < needed, "{what} as {role}: {}", got.body);
            assert_ne!(got.status, 401, "{what} as {role}");
        }
        // The address is remembered for its failures; it must not keep the others out.
        rig.house.now_ms.fetch_add(61_000, Ordering::Relaxed);
    }
    rig.end().await;
}

#[tokio::test]
async fn roles_are_those_of_the_specification() {
    let of = |id: &str| {
        let found = endpoints().into_iter().find(|endpoint| endpoint.id == id);
        found.unwrap_or_else(|| panic!("no {id}")).access
    };
    for (role, ids) in [
        (Role::Viewer, &["status", "history", "explain", "plan", "files"][..]),
        (Role::Operator, &["rollback", "rollbackAll", "hold", "reload"]),
        (Role::Migrator, &["promote", "release", "apply"]),
        (Role::Admin, &["tokens", "createToken", "removeToken"]),
    ] {
        for id in ids {
            assert_eq!(of(id), Access::Role(role), "{id}");
        }
    }
}

#[tokio::test]
async fn skipping_a_phase_takes_an_approver() {
    let rig = Rig::new("read legacy").await;
    let body = json!({ "reason": "now", "to": "live", "force": true });
    let path = "/api/v1/routes/read/promote";
    assert_eq!(rig.post(path, "migrator", body.clone()).await.code(), "needs_approver");
    assert_eq!(rig.post(path, "approver", body).await.status, 200);
    rig.end().await;
}

#[tokio::test]
async fn expired_and_removed_tokens_stop_at_once() {
    let rig = Rig::new("read legacy").await;
    let body = json!({ "name": "ci", "role": "migrator", "ttl_seconds": 60 });
    let made = rig.post("/api/v1/tokens", "admin", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let whoami = async |token: &str| rig.send("GET", "/api/v1/whoami", token, None).await;
    assert_eq!(whoami(&token).await.json()["name"], "ci");
    assert_eq!(whoami(&token).await.json()["role"], "migrator");
    rig.house.now_ms.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(whoami(&token).await.code(), "token_expired");

    let gone = rig.send("DELETE", "/api/v1/tokens/viewer", "admin", None).await;
    assert_eq!(gone.json()["removed"], "viewer");
    assert_eq!(whoami("viewer").await.code(), "token_unknown");
    let listed = rig.get("/api/v1/tokens").await;
    assert!(!listed.body.contains(&token), "texts are never shown again");
    assert!(listed.json()["tokens"].as_array().unwrap().iter().any(|row| row["expired"] == true));
    rig.end().await;
}

#[tokio::test]
async fn the_first_token_is_in_its_file() {
    let rig = Rig::new("read legacy").await;
    let token = fs::read_to_string(rig.house.path("admin-token")).unwrap();
    let got = rig.send("GET", "/api/v1/whoami", token.trim(), None).await;
    assert_eq!(
        (got.json()["name"].clone(), got.json()["role"].clone()),
        ("admin".into(), "admin".into())
    );
    rig.end().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_does_not_lock_others_out() {
    let rig = Rig::new("read legacy").await;
    let mut seen = Vec::new();
    for _ in 0..30 {
        seen.push(rig.send("GET", "/api/v1/status", "guess", None).await.status);
    }
    assert_eq!((seen[19], seen[20]), (401, 429));
    let refused = rig.send("GET", "/api/v1/status", "guess", None).await;
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(rig.get("/api/v1/status").await.status, 200, "a right token still passes");
    rig.house.now_ms.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(rig.send("GET", "/api/v1/status", "guess", None).await.status, 401);
    rig.end().await;
}

#[tokio::test]
async fn names_and_origins_are_checked_on_loopback_too() {
    let rig = Rig::new("read legacy").await;
    let host = rig.address;
    let token = "authorization: Bearer admin\r\n";
    for (path, headers, expected) in [
        ("/api/v1/status", format!("host: evil.example\r\n{token}"), "host_refused"),
        ("/livez", "host: evil.example\r\n".to_owned(), "host_refused"),
        ("/nowhere", "host: evil.example\r\n".to_owned(), "host_refused"),
        (
            "/api/v1/status",
            format!("host: {host}\r\norigin: http://evil.example\r\n{token}"),
            "origin_refused",
        ),
        ("/api/v1/status", format!("host: {host}\r\norigin: http://{host}\r\n{token}"), "ok"),
    ] {
        let got = rig.raw(&format!("GET {path} HTTP/1.1\r\n{headers}\r\n")).await;
        assert_eq!(got.code(), expected, "{path} {headers}");
    }
    rig.end().await;
}

#[tokio::test]
async fn metrics_need_a_token_where_they_are_not_open() {
    let closed =
        AdminConfig { metrics_open: false, ..AdminConfig::new("127.0.0.1:0".parse().unwrap()) };
    let rig = Rig::with("read legacy", closed).await;
    assert_eq!(rig.send("GET", "/metrics", "", None).await.status, 401);
    assert_eq!(rig.send("GET", "/metrics", "viewer", None).await.status, 200);
    rig.end().await;
}
