use super::*;

#[test]
fn a_rule_holds_today_at_least() {
    let now = cutover_domain::compare::day_start("2026-12-31").unwrap() + 86_399;
    for (last_day, is_ahead) in
        [("2026-12-30", false), ("2020-01-01", false), ("2026-12-31", true), ("2027-01-01", true)]
    {
        assert_eq!(check_ahead(last_day, now).is_ok(), is_ahead, "{last_day}");
    }
}
