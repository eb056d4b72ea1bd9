use super::*;

#[test]
fn buckets_hold_what_lies_between_their_ends() {
    for bucket in 0..BUCKETS {
        let (start, end) = (bucket.checked_sub(1).map_or(0.0, end_micros), end_micros(bucket));
        assert_eq!(bucket_of(start.ceil() as u64), bucket, "start of {bucket}");
        if end.is_finite() {
            assert_eq!(bucket_of(end.ceil() as u64 - 1), bucket, "end of {bucket}");
            assert!(bucket == 0 || end / start <= 1.0625, "width of {bucket}");
        }
    }
    assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    assert_eq!(end_micros(0), 256.0);
}
