use cutover_domain::exchange::TraceIds;

use super::*;

#[test]
fn samples_of_all_routes_have_one_bound() {
    let dropped = Counter::default();
    let redactor = Redactor::new(&[1; 32]);
    let keeper = Keeper::new(redactor, Limits::default(), dropped.clone());
    let document: Arc<str> = "x".repeat(1 << 20).into();
    let store = |id| {
        let head = SampleHead {
            id: SampleId(id),
            at_ms: 1,
            live_trace: TraceIds::default(),
            copy_trace: TraceIds::default(),
            shape: Shape::from_text("GET / 2xx"),
        };
        keeper.store(head, Arc::clone(&document))
    };
    let mut kept: Vec<_> = (0..16).map_while(store).collect();
    assert_eq!((kept.len(), dropped.get()), (16, 0));
    assert!(store(17).is_none());
    assert_eq!((keeper.bytes_used(), dropped.get()), (SAMPLES_BYTES_MAX, 1));
    // One goes, another has room.
    kept.pop();
    assert!(store(18).is_some());
    drop(kept);
    assert_eq!(keeper.bytes_used(), 0);
}
