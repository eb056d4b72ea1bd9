use std::sync::atomic::AtomicUsize;

use prometheus_client::registry::Registry;

use super::*;
use crate::gates::GateMetrics;

fn decision() -> NewDecision {
    NewDecision {
        at_ms: 1,
        route: "read".into(),
        kind: "step".into(),
        actor: "guard".into(),
        document: "{}".into(),
    }
}

/// A disk may be frozen for a while, and then take everything that it was asked for.
#[tokio::test(start_paused = true)]
async fn a_store_that_takes_its_time_is_asked_once() {
    let gates = Gates::new(GateMetrics::register(&mut Registry::default()), false);
    let inbox = crate::admin::locked(&gates.0.inbox).take().unwrap();
    let asked = AtomicUsize::new(0);
    let append = |decisions: Vec<NewDecision>, _| -> Option<Appending> {
        let seq = (asked.fetch_add(1, Ordering::Relaxed) + decisions.len()) as u64;
        Some(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(Appended { end: Anchor { seq, hash: [0; 32] }, holds: true })
        }))
    };
    gates.record(decision());
    let written = async {
        while gates.0.unwritten.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = write_on(&gates, append, inbox) => panic!("there is a sender"),
        () = written => {}
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(gates.anchor().map(|anchor| anchor.seq), Some(1));
}
