//! Everything at once, and an end in the middle of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cutover_domain::{WriteClass, exchange::Dropped};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::rig::{JSON, Server, asked, bytes, live, parts, sum, until};

const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const WRONG: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
const BROKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{";
const TWICE: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"a\":1,\"a\":2}";

/// Does something else at each request.
async fn moody() -> Server {
    let count: Arc<AtomicUsize> = Arc::default();
    let connection = move |stream: TcpStream| {
        let count = Arc::clone(&count);
        async move {
            let mut open = Some(stream);
            while let Some(stream) = open {
                let mood = count.fetch_add(1, Ordering::Relaxed) % 11;
                open = match mood {
                    0 => return,
                    1 => asked(stream, WRONG).await,
                    2 => asked(stream, BROKEN).await,
                    3 => asked(stream, TWICE).await,
                    4 => {
                        let _stream = asked(stream, b"").await;
                        return std::future::pending().await;
                    }
                    5 => {
                        drop(asked(stream, &OK[..OK.len() - 1]).await);
                        return;
                    }
                    6 => match asked(stream, b"HTTP/1.1 200 OK\r\n\r\n").await {
                        Some(mut stream) => {
                            while stream.write_all(&[b'x'; 0x1_0000]).await.is_ok() {}
                            return;
                        }
                        None => return,
                    },
                    _ => asked(stream, OK).await,
                };
            }
        }
    };
    bytes(connection).await
}

#[tokio::test]
async fn every_copy_is_accounted_for_whatever_happens() {
    // The end comes at once, early, late, and after everything.
    for settled_before_end in [0, 1, 20, 200, 600] {
        let (legacy, new) = (moody().await, moody().await);
        let mut started = parts();
        started.writes = Some(WriteClass::Safe);
        started.config.concurrency_max = 8;
        started.config.comparisons_max = 4;
        started.spec.rps_max = Some(400);
        started.budget_bytes = 2_000_000;
        let rig = started.start(&legacy, &new);
        for at in 0..600 {
            match at % 50 {
                0 => rig.copies.give_up(Dropped::OverCap),
                1 => rig.take(rig.exchange("/api/x", None)),
                _ => rig.take(rig.exchange("/api/x", Some(live(JSON, "{}")))),
            }
        }
        until(|| 600 - rig.accounting().open() >= settled_before_end).await;
        let accounting = rig.shutdown(Duration::from_millis(50)).await;
        assert_eq!(accounting.eligible, 600);
        assert_eq!(rig.settled(600).await, accounting);
        assert!(accounting.dropped(Dropped::OverCap) == 12, "{accounting:?}");
        assert_eq!(sum(&rig.scrape(), "cutover_shadow_eligible_total"), 600);
    }
}

#[tokio::test]
async fn our_threads_stand_below_the_others() {
    let candidate = moody().await;
    let _rig = parts().start(&candidate, &candidate);
    let nice = |name: &str| -> Option<i32> {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let stats =
            tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
        let mut found = stats.filter_map(|stat| {
            let (_, rest) = stat.split_once(&format!("({name}) "))?;
            // The 19th field of all, the 17th after the name (proc(5)).
            rest.split(' ').nth(16)?.parse().ok()
        });
        found.next()
    };
    for name in ["shadow", "compare"] {
        until(|| nice(name) == Some(10)).await;
    }
}
