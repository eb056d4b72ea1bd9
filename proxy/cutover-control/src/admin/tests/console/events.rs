//! `/events`: what pages that are open are told.

use super::*;

/// One page that listens.
struct Ear(TcpStream, String);

impl Ear {
    async fn at(browser: &Browser<'_>, path: &str) -> Ear {
        let mut stream = TcpStream::connect(browser.rig.address).await.unwrap();
        let (host, cookies) = (browser.rig.address, browser.cookie_field());
        let text = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{cookies}\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        Ear(stream, String::new())
    }

    /// Reads until `what` has come, or to the end.
    async fn hears(&mut self, what: &str) -> bool {
        let mut bytes = [0; 4_096];
        while !self.1.contains(what) {
            match self.0.read(&mut bytes).await {
                Ok(0) | Err(_) => return false,
                Ok(some) => self.1.push_str(std::str::from_utf8(&bytes[..some]).unwrap()),
            }
        }
        true
    }
}

#[tokio::test]
async fn an_open_page_is_told_what_changes_and_nothing_twice() {
    let rig = Rig::new("read shadow").await;
    let browser = Browser::of(&rig, "viewer").await;
    let mut ear = Ear::at(&browser, "/events").await;
    assert!(ear.hears("\"revision\":1").await, "{}", ear.1);
    assert!(ear.1.contains("content-type: text/event-stream"), "{}", ear.1);
    assert!(ear.hears("\"read:rps\":").await, "{}", ear.1);
    let reason = json!({ "reason": "x" });
    rig.post("/api/v1/routes/read/promote", "migrator", reason).await;
    rig.house.now_ms.fetch_add(1_000, Ordering::Relaxed);
    assert!(ear.hears("\"revision\":2").await, "{}", ear.1);
    assert_eq!(ear.1.matches("\"read:p95.0\"").count(), 1, "it did not change: {}", ear.1);
    rig.end().await;
}

#[tokio::test]
async fn a_page_about_one_route_hears_of_that_route() {
    let rig = Rig::new(FILES).await;
    let browser = Browser::of(&rig, "viewer").await;
    let mut ear = Ear::at(&browser, "/events?route=list").await;
    assert!(ear.hears("\"list:rate.1\"").await, "its lines too: {}", ear.1);
    assert!(!ear.1.contains("\"read:"), "{}", ear.1);
    rig.end().await;
}

#[tokio::test]
async fn who_logs_out_hears_no_more() {
    let rig = Rig::new("read shadow").await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let mut ear = Ear::at(&browser, "/events").await;
    assert!(ear.hears("\"revision\":1").await);
    browser.post("/", "/logout", "").await;
    assert!(!ear.hears("never said").await, "the stream ends: {}", ear.1);
    rig.end().await;
}

#[tokio::test]
async fn so_many_pages_and_no_more() {
    let rig = Rig::new("read shadow").await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let mut ears = Vec::new();
    for _ in 0..64 {
        let mut ear = Ear::at(&browser, "/events").await;
        assert!(ear.hears("\"revision\":1").await);
        ears.push(ear);
    }
    let got = browser.get("/events").await;
    assert_eq!((got.status, told(&got)), (503, Some("too_many_pages")));
    assert_eq!(browser.get("/").await.status, 200, "pages themselves still come");
    rig.end().await;
}

#[tokio::test]
async fn an_open_page_does_not_delay_the_end() {
    let mut rig = Rig::new("read shadow").await;
    let browser = Browser::of(&rig, "viewer").await;
    let mut ear = Ear::at(&browser, "/events").await;
    assert!(ear.hears("\"revision\":1").await);
    let began = Instant::now();
    rig.stop.take().unwrap().send(()).unwrap();
    assert!(!ear.hears("never said").await);
    // Those who do not let go get 5 s.
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
    rig.end().await;
}
