//! `souk open`: the node's page in the user's browser, by a link that works once.
//!
//! The link is handed to the browser and to nobody else: what browsers print is thrown away, so that it
//! ends in no log of theirs. It is used up as soon as the page is there.

use super::Context;
use crate::failure::Failure;
use clap::Args;
use serde_json::json;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The variable that names the user's browser: commands with `:` between them, each with `%s` where the
/// link belongs, or with the link at its end.
const BROWSER: &str = "BROWSER";
/// How long a browser may take to say that it cannot start; one that still runs then is taken to be open.
const REFUSAL_MAX: Duration = Duration::from_secs(3);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What `open` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Open {
    /// Where on the page to begin, such as /orders
    #[arg(value_name = "PATH", value_parser = local)]
    path: Option<String>,
    /// Print the link, which works once and for ten minutes, and open nothing
    #[arg(long)]
    print: bool,
}

/// Opens it.
pub(crate) fn run(wish: &Open, context: &Context) -> Result<(), Failure> {
    let answer = context.client()?.post("/login-links", &json!({}))?;
    let Some(link) = answer["url"].as_str() else {
        return Err(Failure::fault("the node's answer has no link in it"));
    };
    let link = &leading(link, wish.path.as_deref());
    let out = context.output;
    if wish.print {
        out.answer(&json!({"opened": false, "url": link}), link);
        return Ok(());
    }
    let environment = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let mut browsers = browsers(std::env::consts::OS, &environment, link);
    match browsers.find_map(|browser| start(&browser).then_some(browser.name)) {
        Some(name) => {
            let line = format!("your page opens, by {name}");
            out.answer(&json!({"opened": true, "by": name}), line);
        }
        None => {
            out.object(&json!({"opened": false, "url": link}));
            out.line("no browser could be started from here; this link works once, for ten minutes:");
            out.line(link);
        }
    }
    Ok(())
}

/// A path within the page, and nothing that a browser would take for another place.
fn local(text: &str) -> Result<String, String> {
    let plain = text.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    match text.starts_with('/') && !text.starts_with("//") && plain {
        true => Ok(text.to_owned()),
        false => {
            Err("a path within the page begins with one / and has no spaces, such as /orders".to_owned())
        }
    }
}

/// A link that leads to a path once it was used.
fn leading(link: &str, path: Option<&str>) -> String {
    let Some(path) = path else {
        return link.to_owned();
    };
    let mut text = format!("{link}&to=");
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// A way to show a link.
#[derive(Debug, PartialEq, Eq)]
struct Browser {
    name: String,
    arguments: Vec<String>,
}

/// The ways to show a link on a platform, the user's own choice first.
fn browsers(
    os: &str,
    environment: &dyn Fn(&str) -> Option<OsString>,
    link: &str,
) -> impl Iterator<Item = Browser> + use<> {
    let chosen = environment(BROWSER).and_then(|text| text.into_string().ok());
    // On Windows a path has a colon in it.
    let chosen: Vec<String> = match (chosen, os) {
        (None, _) => Vec::new(),
        (Some(text), "windows") => vec![text],
        (Some(text), _) => text.split(':').map(str::to_owned).collect(),
    };
    let mut browsers: Vec<Browser> = chosen.iter().filter_map(|text| named(text, link)).collect();
    let with = |name: &str, before: &[&str]| Browser {
        name: name.to_owned(),
        arguments: before.iter().copied().chain([link]).map(str::to_owned).collect(),
    };
    match os {
        "macos" => browsers.push(with("open", &[])),
        // The empty word is the window's title: `start` takes a first quoted word for one.
        "windows" => browsers.push(with("cmd", &["/c", "start", ""])),
        // Without a display it would look for a browser that runs in the terminal.
        _ if environment("DISPLAY").is_some() || environment("WAYLAND_DISPLAY").is_some() => {
            browsers.push(with("xdg-open", &[]));
        }
        _ => {}
    }
    browsers.into_iter()
}

/// A browser as the user's variable writes it.
fn named(text: &str, link: &str) -> Option<Browser> {
    let mut words = text.split_whitespace();
    let name = words.next()?.to_owned();
    let mut arguments: Vec<String> = words.map(|word| word.replace("%s", link)).collect();
    if !text.contains("%s") {
        arguments.push(link.to_owned());
    }
    Some(Browser { name, arguments })
}

/// Starts a browser; false if it cannot be started or says at once that it failed.
fn start(browser: &Browser) -> bool {
    let mut command = Command::new(&browser.name);
    command.args(&browser.arguments).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let deadline = Instant::now() + REFUSAL_MAX;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "http://127.0.0.1:7000/login?once=abc";

    fn found(os: &str, variables: &[(&str, &str)]) -> Vec<String> {
        let environment = |name: &str| {
            let pair = variables.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| OsString::from(value))
        };
        browsers(os, &environment, LINK)
            .map(|browser| format!("{} {}", browser.name, browser.arguments.join("|")))
            .collect()
    }

    #[test]
    fn each_platform_has_its_way() {
        assert_eq!(found("macos", &[]), [format!("open {LINK}")]);
        assert_eq!(found("windows", &[]), [format!("cmd /c|start||{LINK}")]);
        assert_eq!(found("linux", &[("DISPLAY", ":0")]), [format!("xdg-open {LINK}")]);
        assert_eq!(
            found("linux", &[("WAYLAND_DISPLAY", "wayland-0")]),
            [format!("xdg-open {LINK}")]
        );
        assert!(found("linux", &[]).is_empty());
    }

    #[test]
    fn the_user_s_own_choice_comes_first() {
        assert_eq!(
            found(
                "linux",
                &[("BROWSER", "firefox --new-tab %s:chromium::"), ("DISPLAY", ":0")]
            ),
            [
                format!("firefox --new-tab|{LINK}"),
                format!("chromium {LINK}"),
                format!("xdg-open {LINK}")
            ]
        );
        assert_eq!(
            found("windows", &[("BROWSER", "C:\\firefox.exe")])[0],
            format!("C:\\firefox.exe {LINK}")
        );
    }

    #[test]
    fn a_link_leads_to_a_path_of_the_page_and_nowhere_else() {
        assert_eq!(leading(LINK, None), LINK);
        assert_eq!(
            leading(LINK, Some("/orders?after=1&x#y")),
            format!("{LINK}&to=/orders%3Fafter%3D1%26x%23y")
        );
        assert_eq!(local("/orders").unwrap(), "/orders");
        for path in [
            "",
            "orders",
            "//eve.example",
            "/\\eve.example",
            "http://eve.example",
            "/a b",
            "/a\nb",
        ] {
            assert!(local(path).is_err(), "{path}");
        }
    }

    #[test]
    fn one_that_is_not_there_did_not_start() {
        let browser = Browser {
            name: "/no/such/browser".into(),
            arguments: vec![],
        };
        assert!(!start(&browser));
    }
}
