use super::Row;

fn agrees(load: Option<u64>, cutover: u64, logs: Option<u64>, unsure: u64) -> Option<bool> {
    Row { what: "reads", load, cutover: Some(cutover), logs, unsure }.agrees()
}

#[test]
fn accounts_agree_to_the_last_request() {
    assert_eq!(agrees(Some(7), 7, Some(7), 0), Some(true));
    assert_eq!(agrees(Some(7), 7, None, 0), Some(true));
    assert_eq!(agrees(None, 7, Some(7), 0), Some(true));
    assert_eq!(agrees(Some(6), 7, Some(7), 0), Some(false));
    assert_eq!(agrees(Some(7), 7, Some(8), 0), Some(false));
    assert_eq!(agrees(None, 7, None, 0), None, "one account agrees with nobody");
}

#[test]
fn logs_may_hold_what_was_given_up_and_nothing_else() {
    let with_three_given_up = |logs| agrees(None, 7, Some(logs), 3);
    let agreed = [6, 7, 10, 11].map(with_three_given_up);
    assert_eq!(agreed, [Some(false), Some(true), Some(true), Some(false)]);
    assert_eq!(agrees(Some(8), 7, Some(8), 3), Some(false), "the load gives up nothing");
}
