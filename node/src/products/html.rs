//! Descriptions: HTML to plain text and back. No HTML of others is ever kept or shown; all that matters of it here is its
//! words and where a line or a paragraph ends. This is no parser of documents: tags are dropped whatever they nest in,
//! scripts and styles with their content, in one pass whose work grows with the length of the text alone. The registry's
//! converters build a whole document tree and lay it out, which is far more than that. Described in `spec/listing.md`.

use unicode_normalization::UnicodeNormalization;

/// Elements whose content is not for reading.
const HIDDEN: [&str; 8] = [
    "script", "style", "template", "iframe", "svg", "object", "noscript", "title",
];
/// Elements that stand apart like a paragraph.
const PARAGRAPHS: [&str; 18] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "dl",
    "table",
    "blockquote",
    "pre",
    "hr",
    "section",
    "article",
    "figure",
    "address",
];
/// Elements that begin a line of their own.
const LINES: [&str; 16] = [
    "div",
    "li",
    "tr",
    "dt",
    "dd",
    "header",
    "footer",
    "main",
    "nav",
    "aside",
    "figcaption",
    "form",
    "fieldset",
    "caption",
    "thead",
    "tbody",
];

/// The words of a description. Lines have no space at their ends and single spaces between words; at most one empty line
/// parts paragraphs. A description without a single tag is taken as plain text and keeps its line ends.
pub(super) fn to_text(html: &str) -> String {
    let mut scanner = Scanner {
        rest: html,
        unclosed: Vec::new(),
        quotes_hold: true,
        comments_end: true,
    };
    let mut page = Page::default();
    let mut tagged = false;
    let mut pieces = Vec::new();
    while let Some(piece) = scanner.next() {
        tagged |= matches!(piece, Piece::Tag { .. });
        pieces.push(piece);
    }
    for piece in pieces {
        match piece {
            Piece::Text(text) => page.text(text, !tagged),
            Piece::Tag { name, closes } => page.tag(name, closes),
        }
    }
    page.out.nfc().collect()
}

/// HTML that reads back to this text: paragraphs and line breaks, and nothing else.
pub(super) fn from_text(text: &str) -> String {
    let escaped = html_escape::encode_text(text);
    if !escaped.contains('\n') {
        return escaped.into_owned();
    }
    let paragraphs: Vec<String> = escaped
        .split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>")))
        .collect();
    paragraphs.join("\n")
}

enum Piece<'a> {
    Text(&'a str),
    Tag { name: &'a str, closes: bool },
}

/// Cuts HTML into text and tags. What was once searched for in vain to the end is not searched for again, so that no
/// input takes more than a few passes.
struct Scanner<'a> {
    rest: &'a str,
    unclosed: Vec<&'static str>,
    quotes_hold: bool,
    comments_end: bool,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if !starts_markup(self.rest) {
                return Some(Piece::Text(self.take_text()));
            }
            if self.skip_comment() {
                continue;
            }
            let Some(end) = self.tag_end() else {
                return Some(Piece::Text(std::mem::take(&mut self.rest)));
            };
            let (tag, rest) = self.rest.split_at(end);
            self.rest = rest;
            if let Some((name, closes)) = tag_name(tag) {
                if !closes {
                    self.skip_hidden(name);
                }
                return Some(Piece::Tag { name, closes });
            }
        }
    }

    fn take_text(&mut self) -> &'a str {
        let markup = |at: &usize| self.rest.get(*at..).is_some_and(starts_markup);
        let end = self
            .rest
            .match_indices('<')
            .map(|(at, _)| at)
            .find(markup)
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text
    }

    fn skip_comment(&mut self) -> bool {
        if !self.comments_end || !self.rest.starts_with("<!--") {
            return false;
        }
        match self.rest.get(4..).and_then(|inside| inside.split_once("-->")) {
            Some((_, rest)) => {
                self.rest = rest;
                true
            }
            None => {
                self.comments_end = false;
                false
            }
        }
    }

    /// Where the tag at the start of the rest ends: at a `>` outside quotes, or else at the first one.
    fn tag_end(&mut self) -> Option<usize> {
        if self.quotes_hold {
            let mut quote = None;
            for (at, byte) in self.rest.bytes().enumerate() {
                match (quote, byte) {
                    (None, b'>') => return Some(at + 1),
                    (None, b'"' | b'\'') => quote = Some(byte),
                    (Some(open), close) if open == close => quote = None,
                    _ => {}
                }
            }
            self.quotes_hold = false;
        }
        self.rest.find('>').map(|at| at + 1)
    }

    /// Skips the content of an element that is not for reading, up to its closing tag.
    fn skip_hidden(&mut self, name: &str) {
        let Some(hidden) = HIDDEN
            .into_iter()
            .find(|hidden| name.eq_ignore_ascii_case(hidden))
        else {
            return;
        };
        if self.unclosed.contains(&hidden) {
            return;
        }
        match self
            .rest
            .match_indices("</")
            .map(|(at, _)| at)
            .find(|at| closes(self.rest, *at, hidden))
        {
            Some(at) => self.rest = self.rest.get(at..).unwrap_or(""),
            // A script without an end is a script to the end; of others the tag alone is dropped.
            None if matches!(hidden, "script" | "style") => self.rest = "",
            None => self.unclosed.push(hidden),
        }
    }
}

fn closes(html: &str, at: usize, name: &str) -> bool {
    let after = html.as_bytes().get(at + 2..).unwrap_or(&[]);
    let named = after
        .get(..name.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()));
    named && !after.get(name.len()).is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a `<` here begins a tag, a comment or a declaration: a lone one is a sign like any other.
fn starts_markup(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('<')
        && chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
}

fn tag_name(tag: &str) -> Option<(&str, bool)> {
    let inside = tag.strip_prefix('<')?;
    let (inside, closes) = inside
        .strip_prefix('/')
        .map_or((inside, false), |inside| (inside, true));
    let end = inside
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(inside.len());
    inside
        .get(..end)
        .filter(|name| !name.is_empty())
        .map(|name| (name, closes))
}

/// Text as it is set: spaces and line ends are owed until the next word comes, so none are left over.
#[derive(Default)]
struct Page {
    out: String,
    space_owed: bool,
    lines_owed: usize,
}

impl Page {
    fn tag(&mut self, name: &str, closes: bool) {
        let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is(&PARAGRAPHS) {
            self.lines_owed = 2;
        } else if is(&LINES) {
            self.lines_owed = self.lines_owed.max(1);
        } else if is(&["br"]) && !closes {
            self.lines_owed = (self.lines_owed + 1).min(2);
        } else if is(&["td", "th", "img"]) {
            self.space_owed = true;
        }
    }

    fn text(&mut self, text: &str, keeps_lines: bool) {
        let decoded = html_escape::decode_html_entities(text);
        let unix = decoded.replace("\r\n", "\n");
        for c in unix.chars() {
            match c {
                '\n' | '\r' if keeps_lines => self.lines_owed = (self.lines_owed + 1).min(2),
                c if c.is_whitespace() => self.space_owed = true,
                c if c.is_control() || matches!(c, '\u{feff}' | '\u{200b}') => {}
                c => self.character(c),
            }
        }
    }

    fn character(&mut self, c: char) {
        if !self.out.is_empty() {
            match (self.lines_owed, self.space_owed) {
                (0, true) => self.out.push(' '),
                (0, false) => {}
                (1, _) => self.out.push('\n'),
                _ => self.out.push_str("\n\n"),
            }
        }
        (self.space_owed, self.lines_owed) = (false, 0);
        self.out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_are_dropped_and_blocks_end_lines() {
        for (html, text) in [
            (
                "<p>Hand <b>made</b>.</p>\n<p>Of&nbsp;oak &amp; ash</p>",
                "Hand made.\n\nOf oak & ash",
            ),
            ("<ul><li>one</li>\n  <li>two</li></ul>after", "one\ntwo\n\nafter"),
            ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
            ("<div>a</div><div>b</div>", "a\nb"),
            ("5 < 6 & 7 > 2", "5 < 6 & 7 > 2"),
            ("&lt;b&gt;not bold&lt;/b&gt;", "<b>not bold</b>"),
            (
                "caf&eacute; &#8211; &#x20AC;5 &copy; &unknown;",
                "café – €5 © &unknown;",
            ),
            ("x<script>alert('</p>')</script>y<style>p{}</style>z", "xyz"),
            ("x<SCRIPT src=\"a>b\">evil()</ScRiPt >y", "xy"),
            ("x<script>never closed", "x"),
            ("<img alt=\"a > b\" src='x'>seen", "seen"),
            ("<p title=\"open>text", "text"),
            ("a<!-- hidden <b> -->b", "ab"),
            ("a<!-- never closed", "a<!-- never closed"),
            (
                "<table><tr><td>S</td><td>36</td></tr><tr><td>M</td><td>38</td></tr></table>",
                "S 36\nM 38",
            ),
            ("plain\r\ntext\n\n\n\nof  two", "plain\ntext\n\nof two"),
            ("<", "<"),
            ("", ""),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn a_long_run_of_broken_tags_takes_one_pass() {
        for piece in ["<a \"", "<svg>", "<!--", "<", "</", "<script ", "<a href='", "&"] {
            let html = piece.repeat(400_000);
            let text = to_text(&html);
            assert!(text.len() <= html.len(), "{piece}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back_from_its_html(html in "(<p>|</p>|<br>|<b>|<li>|&amp;|&lt;|[ a-zé<>&;\"'\n]){0,40}") {
            let text = to_text(&html);
            prop_assert_eq!(to_text(&from_text(&text)), text);
        }

        #[test]
        fn no_html_makes_it_panic_or_leaves_loose_ends(html in "(<[a-z/!-]{0,6}|-->|</script>|\\PC|\n){0,60}") {
            let text = to_text(&html);
            prop_assert_eq!(text.trim(), text.as_str());
            prop_assert!(!text.contains("\n\n\n"));
        }
    }
}
