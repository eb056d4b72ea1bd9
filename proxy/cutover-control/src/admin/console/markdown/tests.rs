use super::*;

/// Knows one place here, and names the fences that it saw.
#[derive(Default)]
struct Plain;

impl Around for Plain {
    fn link(&self, target: &str) -> Leads {
        match target {
            "there.md" => Leads::Here("/there".into()),
            far if far.starts_with("https://") => Leads::Away(far.into()),
            _ => Leads::Nowhere,
        }
    }

    fn code(&mut self, info: &str, text: &str) -> Markup {
        html! { pre title=(info) { (text) } }
    }
}

#[track_caller]
fn check(markdown: &str, expected: &str) {
    assert_eq!(render(markdown, &mut Plain).into_string(), expected);
}

#[test]
fn headings_lists_and_words() {
    check("# Title\n\nText", "<p>Text</p>");
    check(
        "## Am I `alone`? (60 s)",
        "<h2 id=\"at-am-i-alone-60-s\">Am I <code>alone</code>? (60 s)</h2>",
    );
    check("- *a*\n- **b**\n", "<ul><li><em>a</em></li><li><strong>b</strong></li></ul>");
    check("1. a\n2. b\n", "<ol><li>a</li><li>b</li></ol>");
    check("> a\n> b", "<blockquote><p>a\nb</p></blockquote>");
}

#[test]
fn a_table_scrolls_by_itself() {
    check(
        "| a | b |\n|---|---|\n| 1 | `2` |\n",
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table 1\">\
         <table class=\"list\"><thead><tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr>\
         </thead><tbody><tr><td>1</td><td><code>2</code></td></tr></tbody></table></div>",
    );
}

#[test]
fn code_is_given_on_with_what_stands_behind_its_fence() {
    check("```sh {name=x}\necho <b>\n```\n", "<pre title=\"sh {name=x}\">echo &lt;b&gt;\n</pre>");
    check("    indented\n", "<pre title=\"\">indented\n</pre>");
}

#[test]
fn links_lead_where_they_are_said_to_or_are_text() {
    check("[a](there.md)", "<p><a href=\"/there\">a</a></p>");
    check(
        "[a](https://x.example/?a=1&b=\"2\")",
        "<p><a href=\"https://x.example/?a=1&amp;b=&quot;2&quot;\" \
         rel=\"noopener noreferrer\">a</a></p>",
    );
    check("[a](javascript:alert(1)) b", "<p>a b</p>");
    check("![a](https://x.example/a.png)", "<p>a</p>");
}

#[test]
fn html_is_text() {
    check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
    check("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>");
    check("## <i>\"x\"</i>", "<h2 id=\"at-x\">&lt;i&gt;&quot;x&quot;&lt;/i&gt;</h2>");
}
