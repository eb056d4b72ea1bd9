use super::*;

#[test]
fn the_first_are_kept_and_the_rest_drawn_fairly() {
    assert_eq!(
        (1..=20).map(|count| place(count, 0)).collect::<Vec<_>>(),
        (0..20).map(Some).collect::<Vec<_>>()
    );
    // Whatever is drawn, the first five stay.
    let mut kept = [0_u32; SAMPLES_MAX];
    let mut last = [0_u64; SAMPLES_MAX];
    for count in 21..=10_000 {
        let draw = xxh3_64(&(count as u128).to_le_bytes());
        if let Some(place) = place(count, draw) {
            kept[place] += 1;
            last[place] = count;
        }
    }
    assert_eq!(kept[..FIRST], [0; FIRST]);
    // 15 places, each after its first draw replaced with chance 1/16, 1/17, … 1/9,995.
    let replaced: u32 = kept.iter().sum();
    assert!((70..=130).contains(&replaced), "{kept:?}");
    let late = last[FIRST..].iter().filter(|count| **count > 5_000).count();
    assert!((2..=14).contains(&late), "{last:?}");
}
