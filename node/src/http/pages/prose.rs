//! What people wrote, as elements: a small, safe subset of Markdown. HTML in it stays text, pictures
//! become links, and a link says where it leads before anybody follows it.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};

/// Deepest nesting that becomes elements; what is deeper is shown flat.
const DEPTH_MAX: usize = 8;

/// A text as HTML: nothing in it but elements that are made here.
pub(super) fn html(text: &str) -> String {
    let mut writer = Writer::default();
    // A sign that might have begun something, and did not, parts a text in two: an address with one stays whole.
    for event in TextMergeStream::new(Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH)) {
        writer.take(event);
    }
    // A text may end within anything.
    while let Some(open) = writer.open.pop() {
        writer.close(&open);
    }
    writer.html
}

#[derive(Default)]
struct Writer {
    html: String,
    open: Vec<Open>,
    /// Elements that were not opened, because they are too deep.
    flat: usize,
}

/// An element that was opened.
enum Open {
    Element(&'static str),
    /// A link, and the host that it leads to.
    Link(String),
    /// Something that has no element.
    Bare,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => self.linked(&text),
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.escaped(&text);
                self.html.push_str("</code>");
            }
            // A line that somebody ended, ends.
            Event::SoftBreak | Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::Html(text) | Event::InlineHtml(text) => self.escaped(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.escaped(&text);
            }
            Event::TaskListMarker(done) => self.html.push_str(if done { "☑ " } else { "☐ " }),
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        if self.open.len() >= DEPTH_MAX {
            self.flat += 1;
            return;
        }
        let open = match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::HtmlBlock => Open::Element("p"),
            Tag::BlockQuote(_) => Open::Element("blockquote"),
            Tag::CodeBlock(_) => Open::Element("pre"),
            Tag::List(None) => Open::Element("ul"),
            Tag::List(Some(_)) => Open::Element("ol"),
            Tag::Item => Open::Element("li"),
            Tag::Emphasis => Open::Element("em"),
            Tag::Strong => Open::Element("strong"),
            Tag::Strikethrough => Open::Element("del"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } if !self.in_link() => {
                match host(&dest_url) {
                    Some(host) => {
                        self.anchor(&dest_url);
                        Open::Link(host)
                    }
                    None => Open::Bare,
                }
            }
            _ => Open::Bare,
        };
        if let Open::Element(name) = &open {
            self.html.push_str(&format!("<{name}>"));
        }
        self.open.push(open);
    }

    fn end(&mut self, _: TagEnd) {
        match self.flat {
            0 => {
                if let Some(open) = self.open.pop() {
                    self.close(&open);
                }
            }
            _ => self.flat -= 1,
        }
    }

    fn close(&mut self, open: &Open) {
        match open {
            Open::Element(name) => self.html.push_str(&format!("</{name}>")),
            Open::Link(host) => {
                self.html.push_str(" <span class=\"host\">");
                self.escaped(host);
                self.html.push_str("</span></a>");
            }
            Open::Bare => {}
        }
    }

    fn in_link(&self) -> bool {
        self.open.iter().any(|open| matches!(open, Open::Link(_)))
    }

    fn anchor(&mut self, url: &str) {
        self.html
            .push_str("<a rel=\"noopener noreferrer nofollow ugc\" target=\"_blank\" href=\"");
        self.escaped(url);
        self.html.push_str("\">");
    }

    /// Text in which a bare address becomes a link.
    fn linked(&mut self, text: &str) {
        let mut rest = text;
        while let Some(start) = find_address(rest).filter(|_| !self.in_link()) {
            let (before, from) = rest.split_at(start);
            let end = from
                .find(|c: char| c.is_whitespace() || "<>\"'`".contains(c))
                .unwrap_or(from.len());
            let address = without_end(from.get(..end).unwrap_or(from));
            self.escaped(before);
            match host(address) {
                Some(host) => {
                    self.anchor(address);
                    self.escaped(address);
                    // An address that begins like another one's says which it is.
                    self.close(&match authority(address) == Some(&*host) {
                        true => Open::Element("a"),
                        false => Open::Link(host),
                    });
                }
                None => self.escaped(address),
            }
            rest = from.get(address.len()..).unwrap_or_default();
        }
        self.escaped(rest);
    }

    fn escaped(&mut self, text: &str) {
        html_escape::encode_quoted_attribute_to_string(text, &mut self.html);
    }
}

/// An address without what ends the sentence around it; a parenthesis that it opens itself is its own.
fn without_end(mut address: &str) -> &str {
    while let Some(last) = address.chars().next_back() {
        let ends = match last {
            '.' | ',' | ';' | ':' | '!' | '?' => true,
            ')' => address.matches(')').count() > address.matches('(').count(),
            _ => false,
        };
        if !ends {
            break;
        }
        address = address.get(..address.len() - last.len_utf8()).unwrap_or_default();
    }
    address
}

fn find_address(text: &str) -> Option<usize> {
    match (text.find("https://"), text.find("http://")) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The part of a web address that names who is asked, and as whom.
fn authority(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#', '\\']).next()
}

/// Where a web address leads; none for any other kind of address.
pub(super) fn host(url: &str) -> Option<String> {
    let authority = authority(url)?;
    // What stands before an at sign only pretends to be the host.
    let host = authority.rsplit('@').next()?;
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    (!host.is_empty() && url.chars().all(plain)).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subset_becomes_elements() {
        assert_eq!(
            html("**Bold** and *soft*\nnext"),
            "<p><strong>Bold</strong> and <em>soft</em><br>next</p>"
        );
        assert_eq!(html("- a\n- b"), "<ul><li>a</li><li>b</li></ul>");
        assert_eq!(html("# Loud"), "<p>Loud</p>");
    }

    #[test]
    fn html_and_dangerous_links_stay_text() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "[x](javascript:alert(1))",
            "![x](data:image/svg+xml,<svg onload=alert(1)>)",
            "<javascript:alert(1)>",
            "[x](https://a\"onmouseover=alert(1))",
            "https://a\"onmouseover=alert(1)//",
            "<a href='https://x' onclick='alert(1)'>x</a>",
        ] {
            let html = html(text);
            assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
            for part in html.split('<').skip(1) {
                let tag = part.split('>').next().unwrap();
                assert!(!tag.contains("javascript:") && !tag.contains("data:"), "{html}");
                let inside = tag.split('"').step_by(2).collect::<String>();
                assert!(!inside.contains("on"), "{tag}");
            }
        }
    }

    #[test]
    fn a_link_says_where_it_leads() {
        let link = html("[my bank](https://bank.example@evil.example/login)");
        assert!(
            link.contains("<span class=\"host\">evil.example</span>"),
            "{link}"
        );
        assert!(html("see https://a.example/x.").contains(">https://a.example/x</a>."));
        assert_eq!(host("https://"), None);
    }

    #[test]
    fn a_bare_address_is_taken_whole() {
        for address in [
            "https://en.wikipedia.org/wiki/Rust_(programming_language)",
            "https://a.example/~moe/",
            "https://a.example/a_b_c/[x]/!y",
            "https://a.example/x?y=(1)(2)",
        ] {
            for (before, after) in [("", ""), ("(see ", ")"), ("", "."), ("(", ").")] {
                let html = html(&format!("{before}{address}{after}"));
                let link = format!("href=\"{address}\">{address}</a>{after}</p>");
                assert!(html.contains(&link), "{html}");
            }
        }
        let pretends = html("https://bank.example@evil.example/");
        assert!(
            pretends.contains("<span class=\"host\">evil.example</span></a>"),
            "{pretends}"
        );
    }

    #[test]
    fn however_deep_it_is_every_element_is_closed() {
        let deep = format!("{}x", "> ".repeat(200));
        let html = html(&deep);
        assert_eq!(
            html.matches("<blockquote>").count(),
            html.matches("</blockquote>").count()
        );
        assert!(html.matches("<blockquote>").count() <= DEPTH_MAX);
    }
}
