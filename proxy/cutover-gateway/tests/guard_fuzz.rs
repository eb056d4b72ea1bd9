//! Whatever passes the guard is split by hyper into the requests that the
//! guard saw: same methods, targets, numbers of fields and bodies. The slow
//! tier asks HAProxy and nginx as well.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "guard/differential.rs"]
mod differential;
#[path = "guard/mutate.rs"]
mod mutate;
#[path = "guard/peers.rs"]
mod peers;
#[path = "guard/requests.rs"]
mod requests;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use mutate::{Case, corpus};
use requests::{Seen, by_guarded, by_hyper, passed, split};
use tokio::runtime::{Builder, Runtime};

/// Cases in the usual run.
const CASES: usize = 10_000;
/// Cases in the slow tier.
const CASES_SLOW: usize = 1_000_000;

#[test]
fn the_corpus_is_split_alike() {
    let runtime = runtime();
    for input in corpus() {
        check(&runtime, &input, input.len() / 2);
    }
}

#[test]
fn mutations_are_split_alike() {
    fuzz(CASES);
}

#[test]
#[ignore = "slow tier: a million cases take minutes in release"]
fn a_million_mutations_are_split_alike() {
    fuzz(CASES_SLOW);
}

fn fuzz(cases: usize) {
    let (corpus, runtime) = (corpus(), runtime());
    let (passing, requests) = (AtomicUsize::new(0), AtomicUsize::new(0));
    bolero::check!().with_iterations(cases).with_max_len(64).with_type::<Case>().for_each(|case| {
        let seen = check(&runtime, &case.bytes(&corpus), case.cut());
        passing.fetch_add(usize::from(seen > 0), Relaxed);
        requests.fetch_add(seen, Relaxed);
    });
    let (passing, requests) = (passing.into_inner(), requests.into_inner());
    println!("{cases} cases, {passing} with requests that passed, {requests} requests");
    // A mutator that breaks everything would test nothing.
    assert!(passing * 5 > cases, "only {passing} of {cases} cases passed a request");
}

/// Returns how many requests passed.
fn check(runtime: &Runtime, input: &[u8], cut: usize) -> usize {
    let passed = passed(input);
    let ours = split(passed);
    let theirs = runtime.block_on(by_hyper(passed));
    assert!(
        alike(&ours, &theirs),
        "{}\nguard: {ours:#?}\nhyper: {theirs:#?}",
        input.escape_ascii()
    );
    // And with the guard at work, where the rest comes as well.
    let guarded = runtime.block_on(by_guarded(input, cut));
    assert_eq!(theirs, guarded, "{} in two pieces at {cut}", input.escape_ascii());
    theirs.len()
}

/// hyper may stop early only where the connection ends.
fn alike(ours: &[Seen], theirs: &[Seen]) -> bool {
    let same = ours.iter().zip(theirs).all(|(a, b)| same(a, b));
    let stopped = theirs.last().is_some_and(|seen| seen.last);
    same && (ours.len() == theirs.len() || (theirs.len() < ours.len() && stopped))
}

fn same(ours: &Seen, theirs: &Seen) -> bool {
    // hyper's Uri puts the scheme in lower case and adds a path.
    let target = ours.target == theirs.target
        || http::Uri::try_from(&ours.target).is_ok_and(|uri| uri.to_string() == theirs.target);
    target
        && (&ours.method, ours.fields, &ours.body, ours.last)
            == (&theirs.method, theirs.fields, &theirs.body, theirs.last)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}
