//! macOS: an agent of the user's session.

use super::{Call, Registration, call, xml};
use std::path::Path;

const LABEL: &str = "souk";

/// The agent in the user's library. What it prints goes nowhere: `up` shows a link to the page.
pub(super) fn registration(home: &Path, user: &str, command: &[String]) -> Registration {
    let launchctl = |words: &[&str]| -> Call { call("launchctl", &[], words) };
    let file = home
        .join("Library")
        .join("LaunchAgents")
        .join(format!("{LABEL}.plist"));
    let path = file.display().to_string();
    let domain = format!("gui/{user}");
    let agent = format!("{domain}/{LABEL}");
    let (enable, load, unload) = (
        launchctl(&["enable", &agent]),
        launchctl(&["bootstrap", &domain, &path]),
        launchctl(&["bootout", &agent]),
    );
    Registration {
        manager: "launchd",
        text: plist(command),
        file,
        utf16: false,
        probe: launchctl(&["print", &domain]),
        register: vec![enable.clone()],
        register_and_start: vec![enable, load.clone()],
        restart: vec![unload.clone(), load],
        forget: vec![unload],
        afterwards: vec![],
        is_enabled: launchctl(&["print", &agent]),
        is_active: Some(launchctl(&["print", &agent])),
        hint: "it starts when you log in",
    }
}

fn plist(command: &[String]) -> String {
    let words: String = command
        .iter()
        .map(|word| format!("    <string>{}</string>\n", xml(word)))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <!-- Written by `souk service install`, taken away by `souk service remove`. -->\n\
         <plist version=\"1.0\">\n<dict>\n\
         \x20 <key>Label</key>\n  <string>{LABEL}</string>\n\
         \x20 <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n\
         \x20 <key>RunAtLoad</key>\n  <true/>\n\
         \x20 <key>KeepAlive</key>\n  <dict>\n    <key>SuccessfulExit</key>\n    <false/>\n  </dict>\n\
         \x20 <key>Umask</key>\n  <integer>63</integer>\n\
         </dict>\n</plist>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped() {
        let text = plist(&["/Applications/a & b/souk".into(), "<up>".into()]);
        assert!(
            text.contains("<string>/Applications/a &amp; b/souk</string>"),
            "{text}"
        );
        assert!(text.contains("<string>&lt;up&gt;</string>"), "{text}");
    }
}
