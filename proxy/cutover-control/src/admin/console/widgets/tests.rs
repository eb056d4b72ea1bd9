use super::*;

#[test]
fn ticks_become_code_and_everything_else_text() {
    assert_eq!(ticks("use `a <b>` & go").into_string(), "use <code>a &lt;b&gt;</code> &amp; go");
    assert_eq!(sentence("it is so").into_string(), "It is so.");
    assert_eq!(sentence("").into_string(), ".");
}

#[test]
fn parts_of_addresses_are_encoded() {
    assert_eq!(encoded("a-b_1.~"), "a-b_1.~");
    assert_eq!(encoded("/x?y=ü&"), "%2Fx%3Fy%3D%C3%BC%26");
    assert_eq!(route_path("group:a/b"), "/routes/group%3Aa%2Fb");
}
