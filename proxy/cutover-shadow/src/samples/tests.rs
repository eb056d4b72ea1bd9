use cutover_domain::exchange::Budget;
use xxhash_rust::xxh3::xxh3_64;

use super::*;

fn key(path: &str) -> ClusterKey {
    ClusterKey { path: path.parse().unwrap(), kind: Kind::Value, values: "text→text".into() }
}

fn stored(id: u64, at_ms: u64) -> Arc<Stored> {
    let budget = Budget::new(1_000);
    Arc::new(Stored {
        head: SampleHead {
            id: SampleId(id),
            at_ms,
            live_trace: TraceIds::default(),
            copy_trace: TraceIds::default(),
            shape: Shape::from_text("GET / 2xx"),
        },
        document: format!("document {id}").into(),
        _reserved: budget.reserve(10).unwrap(),
    })
}

fn take(samples: &mut Samples, path: &str, id: u64, at_ms: u64) {
    let draw = xxh3_64(&id.to_le_bytes());
    samples.take(key(path), at_ms, draw, || Some(stored(id, at_ms)));
}

/// A store that writes what it is told.
#[derive(Default)]
struct Store {
    mark: Mark,
    clusters: BTreeMap<ClusterKey, StoredCluster>,
    other: u64,
}

impl Store {
    fn write(&mut self, changes: Changes) {
        if changes.whole {
            self.clusters.clear();
        }
        for key in &changes.clusters_gone {
            self.clusters.remove(key);
        }
        for change in changes.clusters {
            let before = self.clusters.remove(&change.key);
            let mut samples = before.map(|before| before.samples).unwrap_or_default();
            samples.retain(|sample| {
                let came_again = change.samples.iter().any(|new| new.id == sample.id);
                !change.samples_gone.contains(&sample.id) && !came_again
            });
            samples.extend(change.samples);
            samples.sort_by_key(|sample| sample.id);
            let ClusterChange { key, count, first_ms, last_ms, .. } = change;
            let cluster = StoredCluster { key: key.clone(), count, first_ms, last_ms, samples };
            self.clusters.insert(key, cluster);
        }
        (self.mark, self.other) = (changes.mark, changes.other);
    }

    fn follow(&mut self, samples: &Samples) {
        self.write(samples.changes(self.mark));
    }

    /// What a store that comes late is told.
    fn of(samples: &Samples) -> Store {
        let mut store = Store::default();
        store.follow(samples);
        store
    }
}

#[test]
fn the_first_are_kept_and_the_rest_drawn_fairly() {
    for count in 1..=20 {
        assert_eq!(place(count, count as usize - 1, 0), Some(count as usize - 1));
    }
    // Whatever is drawn, the first five stay.
    let mut kept = [0_u32; SAMPLES_MAX];
    let mut last = [0_u64; SAMPLES_MAX];
    for count in 21..=10_000 {
        let draw = xxh3_64(&(count as u128).to_le_bytes());
        if let Some(place) = place(count, SAMPLES_MAX, draw) {
            kept[place] += 1;
            last[place] = count;
        }
    }
    assert_eq!(kept[..place::FIRST], [0; place::FIRST]);
    // 15 places, each after its first draw replaced with chance 1/16, 1/17, … 1/9,995.
    let replaced: u32 = kept.iter().sum();
    assert!((70..=130).contains(&replaced), "{kept:?}");
    let late = last[place::FIRST..].iter().filter(|count| **count > 5_000).count();
    assert!((2..=14).contains(&late), "{last:?}");
}

#[test]
fn clusters_count_all_and_show_some() {
    let mut samples = Samples::default();
    (1..=500).for_each(|id| take(&mut samples, "body.a", id, 1_000 + id));
    take(&mut samples, "body.b", 1, 5_000);
    let Clusters { clusters, other } = samples.clusters();
    assert_eq!((clusters.len(), other), (2, 0));
    let first = &clusters[0];
    assert_eq!((first.count, first.first_ms, first.last_ms), (500, 1_001, 1_500));
    assert_eq!(first.samples.len(), SAMPLES_MAX);
    assert!(first.samples.is_sorted_by_key(|sample| Reverse(sample.head.at_ms)), "newest first");
    assert!((1..=5).all(|id| first.samples.iter().any(|sample| sample.head.id == SampleId(id))));
    assert!(samples.sample(SampleId(3)).is_some() && samples.sample(SampleId(501)).is_none());
}

#[test]
fn further_clusters_are_counted_together_until_there_is_room() {
    let mut samples = Samples::default();
    let path = |i: usize| format!("body.f{}.g{}", i / 100, i % 100);
    (0..CLUSTERS_MAX + 50).for_each(|i| take(&mut samples, &path(i), i as u64 + 1, i as u64 + 1));
    assert_eq!((samples.clusters().clusters.len(), samples.clusters().other), (CLUSTERS_MAX, 50));
    let mut store = Store::of(&samples);
    assert_eq!((store.clusters.len(), store.other), (CLUSTERS_MAX, 50));
    // By other rules these are no mismatches any more; the oldest makes room.
    samples.begin_anew();
    take(&mut samples, "body.new", 999, 999);
    let Clusters { clusters, other } = samples.clusters();
    assert_eq!((clusters.len(), other), (CLUSTERS_MAX, 0));
    assert!(clusters.iter().all(|cluster| cluster.key.path.as_str() != path(0)));
    store.follow(&samples);
    assert_eq!(store.clusters, Store::of(&samples).clusters);
}

#[test]
fn counters_begin_anew_and_samples_stay() {
    let mut samples = Samples::default();
    take(&mut samples, "body.a", 1, 1_000);
    samples.see_noise(key("body.n"));
    samples.begin_anew();
    let cluster = &samples.clusters().clusters[0];
    assert_eq!((cluster.count, cluster.samples.len()), (0, 1));
    assert_eq!(samples.noise().count(), 1);
    samples.forget_noise();
    assert_eq!(samples.noise().count(), 0);
    take(&mut samples, "body.a", 2, 2_000);
    let cluster = &samples.clusters().clusters[0];
    assert_eq!((cluster.count, cluster.first_ms, cluster.samples.len()), (1, 1_000, 2));
}

/// Ids of the samples of `body.a` as they are listed: of the present counters, and older.
fn listed(samples: &Samples) -> (Vec<u64>, Vec<u64>) {
    let clusters = samples.clusters().clusters;
    let cluster = clusters.iter().find(|cluster| cluster.key == key("body.a")).unwrap();
    let ids = |is_older: bool| {
        let of = cluster.samples.iter().filter(move |sample| sample.is_older == is_older);
        of.map(|sample| sample.head.id.0).collect::<Vec<_>>()
    };
    let (recent, older) = (ids(false), ids(true));
    let all: Vec<u64> = cluster.samples.iter().map(|sample| sample.head.id.0).collect();
    assert_eq!(all, [&recent[..], &older].concat(), "older ones come last");
    (recent, older)
}

#[test]
fn samples_of_the_present_counters_come_first_and_take_the_room_of_older_ones() {
    let mut samples = Samples::default();
    (1..=20).for_each(|id| take(&mut samples, "body.a", id, id));
    samples.begin_anew();
    let mut store = Store::of(&samples);
    assert_eq!(listed(&samples), (vec![], (1..=20).rev().collect()));
    (21..=23).for_each(|id| take(&mut samples, "body.a", id, id));
    assert_eq!(listed(&samples), (vec![23, 22, 21], (4..=20).rev().collect()));
    store.follow(&samples);
    assert_eq!(store.clusters, Store::of(&samples).clusters);
    // Then the choice is one among the present ones alone.
    (24..=500).for_each(|id| take(&mut samples, "body.a", id, id));
    let (recent, older) = listed(&samples);
    assert_eq!((recent.len(), older.len()), (SAMPLES_MAX, 0));
    assert!((21..=25).all(|id| recent.contains(&id)), "the first five stay: {recent:?}");
    store.follow(&samples);
    assert_eq!(store.clusters, Store::of(&samples).clusters);
}

#[test]
fn what_a_store_kept_from_before_the_counters_began_is_older() {
    let mut before = Samples::default();
    (1..=4).for_each(|id| take(&mut before, "body.a", id, id * 1_000));
    let cluster = Store::of(&before).clusters.remove(&key("body.a")).unwrap();
    let restored = |cluster: StoredCluster, since_ms| {
        let samples: Vec<_> =
            cluster.samples.iter().map(|sample| stored(sample.id.0, sample.at_ms)).collect();
        let mut after = Samples::default();
        after.restore(cluster, samples, since_ms);
        listed(&after)
    };
    assert_eq!(restored(cluster.clone(), 3_000), (vec![4, 3], vec![2, 1]));
    let uncounted = StoredCluster { count: 0, ..cluster };
    assert_eq!(restored(uncounted, 0), (vec![], vec![4, 3, 2, 1]), "parity did not go on");
}

#[test]
fn a_store_that_follows_knows_what_one_that_comes_late_is_told() {
    let mut samples = Samples::default();
    let mut store = Store::of(&samples);
    for id in 1..=2_000_u64 {
        let path = format!("body.p{}", xxh3_64(&id.to_le_bytes()) % 7);
        take(&mut samples, &path, id, id * 3_600_000);
        if id % 97 == 0 {
            samples.prune(id * 3_600_000);
        }
        if id % 500 == 0 {
            samples.begin_anew();
        }
        // Not after each, so that much is new and gone again in between.
        if id % 41 == 0 {
            store.follow(&samples);
        }
    }
    store.follow(&samples);
    let late = Store::of(&samples);
    assert_eq!(store.clusters, late.clusters);
    assert!(late.clusters.values().all(|cluster| !cluster.samples.is_empty()));
    // Nothing new, nothing told.
    let nothing = samples.changes(store.mark);
    assert_eq!((nothing.whole, nothing.clusters.len()), (false, 0));
}

#[test]
fn what_failed_to_be_written_is_told_again() {
    let mut samples = Samples::default();
    take(&mut samples, "body.a", 1, 1_000);
    let mark = samples.changes(Mark::default()).mark;
    take(&mut samples, "body.a", 2, 2_000);
    let lost = samples.changes(mark);
    take(&mut samples, "body.b", 3, 3_000);
    let again = samples.changes(mark);
    assert_eq!(again.clusters.len(), 2);
    assert_eq!(again.clusters[0].samples, lost.clusters[0].samples);
    assert_eq!(again.clusters[0].samples.len(), 1);
}

#[test]
fn what_is_old_goes() {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    let mut samples = Samples::default();
    take(&mut samples, "body.old", 1, DAY);
    take(&mut samples, "body.both", 2, DAY);
    take(&mut samples, "body.both", 3, 8 * DAY);
    let mut store = Store::of(&samples);
    samples.prune(8 * DAY);
    assert_eq!(samples.clusters().clusters.len(), 2);
    samples.prune(8 * DAY + 1);
    let clusters = samples.clusters().clusters;
    assert_eq!(clusters.len(), 1);
    assert_eq!((clusters[0].count, clusters[0].samples.len()), (2, 1));
    assert_eq!(clusters[0].samples[0].head.id, SampleId(3));
    store.follow(&samples);
    assert_eq!(store.clusters, Store::of(&samples).clusters);
    samples.prune(u64::MAX);
    assert_eq!(samples.clusters(), Clusters::default());
}

#[test]
fn a_process_goes_on_where_another_ended() {
    let mut before = Samples::default();
    (1..=30).for_each(|id| take(&mut before, "body.a", id, id));
    take(&mut before, "body.b", 31, 31);
    let store = Store::of(&before);

    let mut after = Samples::default();
    for cluster in store.clusters.values().cloned() {
        let samples = cluster.samples.iter().map(|sample| stored(sample.id.0, sample.at_ms));
        let samples: Vec<_> = samples.collect();
        assert_eq!(after.restore(cluster, samples.clone(), 0), samples.len());
    }
    let mark = after.restore_other(7);
    assert_eq!(after.clusters().clusters, before.clusters().clusters);
    assert_eq!(after.clusters().other, 7);
    // Nothing of that is new to the store.
    let changes = after.changes(mark);
    assert!(!changes.whole && changes.clusters.is_empty());
    // The choice goes on as a fair one, of all that there were.
    assert_eq!(after.clusters[&key("body.a")].drawn, 30);
    take(&mut after, "body.b", 32, 32);
    assert_eq!(after.changes(mark).clusters.len(), 1);
}

#[test]
fn who_asks_too_seldom_is_told_everything() {
    let mut samples = Samples::default();
    take(&mut samples, "body.a", 1, 1);
    let mark = samples.changes(Mark::default()).mark;
    // More goes than is remembered.
    for id in 2..=12_000_u64 {
        take(&mut samples, "body.b", id, id);
        samples.prune(SAMPLES_MILLIS + id + 1);
    }
    let changes = samples.changes(mark);
    assert!(changes.whole && changes.clusters_gone.is_empty());
}

#[test]
fn a_sample_without_room_is_counted_and_not_kept() {
    let mut samples = Samples::default();
    samples.take(key("body.a"), 1, 0, || None);
    let cluster = &samples.clusters().clusters[0];
    assert_eq!((cluster.count, cluster.samples.len()), (1, 0));
}

#[test]
fn ids_are_sixteen_digits() {
    assert_eq!(SampleId(0xab).to_string(), "00000000000000ab");
    assert_eq!("00000000000000ab".parse::<SampleId>().unwrap(), SampleId(0xab));
    for text in ["", "ab", "+0000000000000ab", "00000000000000xy", "000000000000000ab"] {
        assert!(text.parse::<SampleId>().is_err(), "{text}");
    }
}
