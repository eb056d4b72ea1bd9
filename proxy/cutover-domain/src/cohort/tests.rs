use proptest::prelude::*;

use super::*;

/// Golden vectors, computed with two independent libraries.
#[test]
fn golden_vectors() {
    for (salt, id, hash, expected) in [
        ("telemetry", "dev-0001", 0x739b_3baa_93f3_b582_u64, 4515),
        ("telemetry", "dev-0002", 0x4f91_19ae_26f7_e205, 3108),
        ("twin", "dev-0001", 0xf182_729b_c7ab_10d1, 9433),
        ("", "a", 0x892b_8dfd_07cb_7c54, 5358),
        ("telemetry", "ГАЗ-7", 0xd8ab_0751_dbdf_11cd, 8463),
    ] {
        let bytes = [salt.as_bytes(), &[0], id.as_bytes()].concat();
        assert_eq!(xxhash_rust::xxh3::xxh3_64(&bytes), hash, "{salt}/{id}");
        assert_eq!(bucket(salt, id), expected, "{salt}/{id}");
    }
}

#[test]
fn percent_is_exact_text() {
    for (text, basis_points) in [
        ("0", 0),
        ("5", 500),
        ("5.0", 500),
        ("0.01", 1),
        ("12.5", 1250),
        ("99.99", 9999),
        ("100", 10_000),
        ("100.00", 10_000),
    ] {
        assert_eq!(text.parse::<Percent>().unwrap().basis_points(), basis_points, "{text}");
    }
    for text in
        ["", ".", "5.", ".5", "-1", "+1", "100.01", "101", "0.001", "1e2", "NaN", "5 %", "70000"]
    {
        assert_eq!(text.parse::<Percent>(), Err(BadPercent(text.into())), "{text}");
    }
    assert_eq!(Percent::from_f64(33.3).unwrap().basis_points(), 3330);
    assert!(Percent::from_f64(f64::NAN).is_err());
    assert!(Percent::from_f64(33.333).is_err());
    assert_eq!(Percent(1205).to_string(), "12.05");
    assert_eq!(Percent(1250).to_string(), "12.5");
    assert_eq!(Percent(1200).to_string(), "12");
}

#[test]
fn ten_thousand_subjects_climb_the_ladder_and_none_leaves_on_the_way_up() {
    let cohort = Cohort { salt: "devices-1".into(), ..Cohort::default() };
    let subjects: Vec<String> = (0..10_000).map(|n| format!("dev-{n:05}")).collect();
    let members = |percent: u16| -> BTreeSet<&String> {
        let percent = Percent::from_basis_points(percent * 100).unwrap();
        subjects.iter().filter(|subject| cohort.holds(subject, percent)).collect()
    };
    let ladder = [1, 5, 25, 50, 100].map(members);
    for (lower, upper) in ladder.iter().zip(&ladder[1..]) {
        assert!(lower.is_subset(upper));
    }
    for (members, percent) in ladder.iter().zip([1.0, 5.0, 25.0, 50.0, 100.0]) {
        let (n, p): (f64, f64) = (10_000.0, percent / 100.0);
        let four_sigma = 4.0 * (n * p * (1.0 - p)).sqrt();
        let off = (members.len() as f64 - n * p).abs();
        assert!(off <= four_sigma, "{percent} %: {} members", members.len());
    }
}

proptest! {
    #[test]
    fn cohorts_are_monotone(salt in ".{0,8}", id in ".{0,16}", low in 0u16..=10_000, up in 0u16..=10_000) {
        let (low, up) = (Percent(low.min(up)), Percent(low.max(up)));
        let cohort = Cohort { salt, ..Cohort::default() };
        prop_assert!(!cohort.holds(&id, low) || cohort.holds(&id, up));
        prop_assert!(cohort.holds(&id, Percent::FULL));
        prop_assert!(!cohort.holds(&id, Percent::ZERO));
    }

    #[test]
    fn percent_survives_text(basis_points in 0u16..=10_000) {
        let percent = Percent(basis_points);
        prop_assert_eq!(percent.to_string().parse::<Percent>().unwrap(), percent);
        prop_assert_eq!(Percent::from_f64(percent.as_f64()).unwrap(), percent);
    }
}
