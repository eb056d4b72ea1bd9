//! Who gets in, and what keeps others out.

use super::*;

#[tokio::test]
async fn every_page_is_for_those_who_are_logged_in() {
    let rig = Rig::new(FILES).await;
    let mut nobody = Browser::new(&rig);
    for page in pages() {
        let path = filled(page.path);
        match page.method.as_str() {
            "GET" if page.path == "/events" => assert_eq!(nobody.get(&path).await.status, 401),
            "GET" => {
                let got = nobody.get(&path).await;
                assert_eq!(got.status, 303, "{path}");
                let next = got.header("location").unwrap();
                assert!(next.starts_with("/login?next=%2F"), "{path}: {next}");
            }
            _ => {
                let got = nobody.post_raw(&path, "reason=x").await;
                assert_eq!((got.status, told(&got)), (401, Some("unauthenticated")), "{path}");
            }
        }
    }
    rig.end().await;
}

#[tokio::test]
async fn a_token_is_traded_for_a_cookie_that_scripts_cannot_read() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::new(&rig);
    let got = browser.log_in("operator", "/audit").await;
    assert_eq!((got.status, got.header("location")), (303, Some("/audit")));
    let cookies: Vec<&str> =
        got.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
    let [session, login] = cookies[..] else { panic!("{cookies:?}") };
    let port = rig.address.port();
    assert!(session.starts_with(&format!("cutover_session_{port}=")), "{session}");
    for attribute in ["; Path=/", "; Max-Age=28800", "; HttpOnly", "; SameSite=Strict"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(login.contains("Max-Age=0"), "the one for logging in is done: {login}");
    assert!(!session.contains("operator"), "it is no token");
    let page = browser.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("operator") && page.body.contains("Log out"), "{}", page.body);
    rig.end().await;
}

#[tokio::test]
async fn a_wrong_token_gets_the_form_again_and_guessing_is_slowed_down() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::new(&rig);
    for _ in 0..20 {
        let got = browser.log_in("wrong", "/").await;
        assert_eq!(got.status, 401);
        assert!(got.body.contains("the token is not known"), "{}", got.body);
        assert!(browser.cookie("session").is_none());
    }
    let got = browser.log_in("wrong", "/").await;
    assert!(got.body.contains("wait 60 s"), "{}", got.body);
    assert_eq!(browser.log_in("viewer", "/").await.status, 303, "a right token still passes");
    rig.end().await;
}

#[tokio::test]
async fn nobody_is_logged_in_by_a_form_of_another_page() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::new(&rig);
    let got = browser.post_raw("/login", "token=viewer&next=/").await;
    assert_eq!((got.status, told(&got)), (403, Some("form_expired")));
    browser.get("/login").await;
    let got = browser.post_raw("/login", "token=viewer&next=/&csrf=guess").await;
    assert_eq!((got.status, told(&got)), (403, Some("form_expired")));
    assert!(browser.cookie("session").is_none());
    rig.end().await;
}

#[tokio::test]
async fn nobody_is_led_away() {
    let rig = Rig::new(FILES).await;
    for next in ["//evil.example", "https://evil.example", "/%5Cevil.example", "/%0Aevil", ""] {
        let got = Browser::new(&rig).log_in("viewer", next).await;
        assert_eq!((got.status, got.header("location")), (303, Some("/")), "{next}");
    }
    let got = Browser::new(&rig).log_in("viewer", "/audit%3Froute=read").await;
    assert_eq!(got.header("location"), Some("/audit?route=read"));
    rig.end().await;
}

#[tokio::test]
async fn every_answer_keeps_scripts_frames_and_caches_out() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "admin").await;
    let looks = pages().into_iter().filter(|page| page.method == "GET" && page.path != "/events");
    let mut paths: Vec<String> = looks.map(|page| filled(page.path)).collect();
    paths.extend(["/login", "/routes/nowhere", "/assets/other.css"].map(str::to_owned));
    for path in paths {
        let got = browser.get(&path).await;
        let policy = got.header("content-security-policy").unwrap_or_default().to_owned();
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(got.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(got.header("cache-control"), Some("no-store"), "{path}");
        for inline in [" style=", " onclick=", "<style", "javascript:", "http-equiv"] {
            assert!(!got.body.contains(inline), "{path} has {inline}");
        }
        assert!(got.body.starts_with("<!DOCTYPE html>"), "{path}: {}", got.body);
    }
    rig.end().await;
}

#[tokio::test]
async fn forms_of_other_sessions_do_nothing() {
    let rig = Rig::new(FILES).await;
    let mut other = Browser::of(&rig, "admin").await;
    let theirs = csrf(&other.get("/routes/read").await.body).to_owned();
    let mut browser = Browser::of(&rig, "admin").await;
    let acts = || pages().into_iter().filter(|page| page.method == "POST");
    assert!(acts().count() >= 5);
    for page in acts() {
        let path = filled(page.path);
        for csrf in ["", "csrf=&", "csrf=guess&", &format!("csrf={theirs}&")] {
            let got = browser.post_raw(&path, &format!("{csrf}reason=x")).await;
            assert_eq!((got.status, told(&got)), (403, Some("form_expired")), "{path} {csrf}");
        }
    }
    let got = browser.post_raw("/logout", "csrf=guess").await;
    assert_eq!(told(&got), Some("form_expired"), "nobody is logged out by another page either");
    assert_eq!(at(&rig).await, "shadow");
    rig.end().await;
}

#[tokio::test]
async fn roles_decide_what_is_taken_and_what_is_shown() {
    let rig = Rig::new(FILES).await;
    for role in Role::ALL {
        let mut browser = Browser::of(&rig, role.as_str()).await;
        let page = browser.get("/routes/list").await.body;
        let (csrf, map) = (csrf(&page).to_owned(), browser.get("/").await.body);
        for act in pages().into_iter().filter(|page| page.method == "POST") {
            // Without what it needs, so that nothing moves.
            let path = filled(act.path);
            let got = browser.post_raw(&path, &format!("csrf={csrf}&reason=")).await;
            let is_refused = told(&got) == Some("role_too_low");
            assert_eq!(is_refused, role < act.role, "{path} as {role}: {}", got.body);
            let shown = format!("action=\"{}\"", act.path.replace("{id}", "list"));
            if !act.path.ends_with("release") {
                let is_shown = page.contains(&shown) || map.contains(&shown);
                assert_eq!(is_shown, role >= act.role, "{shown} to {role}");
            }
        }
    }
    rig.end().await;
}

#[tokio::test]
async fn names_and_origins_are_checked() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "admin").await;
    let csrf = csrf(&browser.get("/routes/read").await.body).to_owned();
    let form = format!("csrf={csrf}&reason=x");
    for (headers, expected) in [
        ("origin: http://evil.example\r\n", "origin_refused"),
        ("origin: null\r\n", "origin_refused"),
        ("sec-fetch-site: cross-site\r\n", "origin_refused"),
    ] {
        let got = browser.post_with("/routes/read/hold", &form, headers).await;
        assert_eq!((got.status, told(&got)), (403, Some(expected)), "{headers}");
    }
    for (path, cookie) in [("/", browser.cookie_field()), ("/login", String::new())] {
        let text = format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\n{cookie}\r\n");
        let got = rig.raw(&text).await;
        assert_eq!((got.status, told(&got)), (403, Some("host_refused")), "{path}");
    }
    let own = format!("origin: http://{}\r\n", rig.address);
    assert_eq!(browser.post_with("/routes/read/hold", &form, &own).await.status, 303);
    rig.end().await;
}

#[tokio::test]
async fn links_from_elsewhere_lead_here_and_show_nothing_yet() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "admin").await;
    let link =
        "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n";
    let got = browser.get_with("/routes/read?done=1", link).await;
    assert_eq!(got.status, 200);
    assert!(got.body.contains("href=\"/routes/read?done=1\""), "{}", got.body);
    assert!(!got.body.contains("devices-team"), "nothing of the page: {}", got.body);
    let fetched = "sec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\n";
    assert_eq!(browser.get_with("/routes/read", fetched).await.status, 403);
    rig.end().await;
}

#[tokio::test]
async fn a_session_ends_with_its_token_with_time_and_on_request() {
    let rig = Rig::new(FILES).await;
    let mut viewer = Browser::of(&rig, "viewer").await;
    assert_eq!(viewer.get("/").await.status, 200);
    rig.send("DELETE", "/api/v1/tokens/viewer", "admin", None).await;
    assert_eq!(viewer.get("/").await.status, 303, "its token is gone");

    let mut operator = Browser::of(&rig, "operator").await;
    let cookies = operator.cookies.clone();
    assert_eq!(operator.post("/", "/logout", "").await.status, 303);
    assert!(operator.cookie("session").is_none());
    operator.cookies = cookies;
    assert_eq!(operator.get("/").await.status, 303, "the cookie is worth nothing any more");

    let mut admin = Browser::of(&rig, "admin").await;
    rig.house.now_ms.fetch_add(8 * 3_600_000 - 1, Ordering::Relaxed);
    assert_eq!(admin.get("/").await.status, 200);
    rig.house.now_ms.fetch_add(1, Ordering::Relaxed);
    assert_eq!(admin.get("/").await.status, 303, "eight hours are over");
    rig.end().await;
}

#[tokio::test]
async fn what_comes_in_is_bounded() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "admin").await;
    let csrf = csrf(&browser.get("/routes/read").await.body).to_owned();
    let path = "/routes/read/hold";
    let large = format!("csrf={csrf}&reason={}", "x".repeat(17_000));
    let got = browser.post_raw(path, &large).await;
    assert_eq!((got.status, told(&got)), (413, Some("body_too_large")));
    for (fields, code) in [
        (format!("reason={}", "x".repeat(501)), "bad_reason"),
        ("reason=".to_owned(), "bad_reason"),
        ("reason=a%00b".to_owned(), "bad_reason"),
        ("reason=a&other=b".to_owned(), "bad_request"),
    ] {
        let got = browser.post_raw(path, &format!("csrf={csrf}&{fields}")).await;
        assert_eq!(told(&got), Some(code), "{fields}");
    }
    let json = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\n{}content-type: application/json\r\n\
         content-length: 2\r\n\r\n{{}}",
        rig.address,
        browser.cookie_field()
    );
    assert_eq!(told(&rig.raw(&json).await), Some("unsupported_media_type"));
    rig.end().await;
}

#[tokio::test]
async fn the_wrong_method_names_the_right_one() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "admin").await;
    for (path, method) in methods() {
        let path = filled(path).replace("{name}", "x");
        let got = match method.as_str() {
            "GET" => {
                rig.raw(&format!("PUT {path} HTTP/1.1\r\nhost: {}\r\n\r\n", rig.address)).await
            }
            _ => browser.get(&path).await,
        };
        if path != "/login" {
            assert_eq!(got.status, 405, "{path}");
            assert!(got.header("allow").unwrap().contains(method.as_str()), "{path}");
        }
    }
    rig.end().await;
}
