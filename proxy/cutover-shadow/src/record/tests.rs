use super::*;

#[test]
fn what_nobody_reads_is_neither_made_nor_missed() {
    let dropped = Counter::default();
    let records = Records::new(dropped.clone());
    for _ in 0..2 * RECORDS_MAX {
        records.offer(|| unreachable!("there is no reader"));
    }
    assert_eq!(dropped.get(), 0);
    drop(records.reader());
    records.offer(|| unreachable!("it left"));
    assert_eq!(dropped.get(), 0);
}
