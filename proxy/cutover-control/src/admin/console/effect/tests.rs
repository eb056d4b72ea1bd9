use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What is told of new's answers, counted at moments in ms after the click; looked at from 100 on.
fn verdict(counts: &[(u64, u64)]) -> (LastNew, bool) {
    let click = Instant::now();
    let began = click + ms(100);
    let mut counter = Counter::new(Some(7));
    let mut now = began;
    for (at, answers) in counts {
        now = click + ms(*at);
        counter.look(*answers, now);
    }
    (counter.verdict(click, began, now), counter.is_quiet(began, now))
}

#[test]
fn the_last_answer_is_where_the_counter_stood_still() {
    let (told, is_over) = verdict(&[(100, 9), (150, 10), (200, 10), (2_150, 10)]);
    assert_eq!((told, is_over), (LastNew::Ms(150.0), true));
    let (_, is_over) = verdict(&[(100, 9), (150, 10), (2_149, 10)]);
    assert!(!is_over, "2 s have not gone by");
}

#[test]
fn no_answer_after_the_click_is_told_as_that() {
    assert_eq!(verdict(&[(100, 7), (2_100, 7)]), (LastNew::None, true));
}

#[test]
fn answers_that_do_not_end_are_not_called_the_last() {
    assert_eq!(verdict(&[(100, 8), (30_000, 9)]), (LastNew::StillAnswers, false));
}

#[test]
fn counters_that_begin_anew_are_no_answers() {
    assert_eq!(verdict(&[(100, 0), (2_100, 0)]).0, LastNew::None);
}
