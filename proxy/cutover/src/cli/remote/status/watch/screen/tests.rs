use super::*;

fn draw(screen: &mut Screen, text: &str, columns: usize, rows: usize) -> String {
    let mut out = Vec::new();
    screen.draw(text, Size { columns, rows }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_next_text_takes_the_place_of_the_last() {
    let mut screen = Screen::default();
    assert_eq!(draw(&mut screen, "one\ntwo", 80, 24), "one\ntwo\n");
    assert_eq!(draw(&mut screen, "three", 80, 24), "\x1b[2A\r\x1b[Jthree\n");
    assert_eq!(draw(&mut screen, "four", 80, 24), "\x1b[1A\r\x1b[Jfour\n");
}

#[test]
fn lines_are_cut_to_the_terminal() {
    let mut screen = Screen::default();
    let text = "ROUTE PHASE\na-long-route legacy\nb\nc";
    assert_eq!(draw(&mut screen, text, 6, 4), "ROUTE \na-long\n... 2 \n");
    assert_eq!(draw(&mut screen, text, 6, 4), "\x1b[3A\r\x1b[JROUTE \na-long\n... 2 \n");
    assert_eq!(draw(&mut Screen::default(), "a\nb", 0, 0), "\n", "a terminal of no size");
}

#[test]
fn a_resized_terminal_is_cleared_as_a_whole() {
    let mut screen = Screen::default();
    draw(&mut screen, "a-long-route legacy\nb", 80, 24);
    assert_eq!(draw(&mut screen, "a-long-route legacy\nb", 6, 24), "\x1b[H\x1b[Ja-long\nb\n");
    assert_eq!(draw(&mut screen, "b", 6, 24), "\x1b[2A\r\x1b[Jb\n");
}
