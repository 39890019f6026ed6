//! Windows: a task of the user's own that starts at log-on.

use super::{Call, Registration, call, xml};
use std::path::Path;

const TASK: &str = "souk";

/// The task, described in a file beside the program's settings. By the program's options alone a task would
/// end after three days and not start on a battery.
pub(super) fn registration(config: &Path, user: &str, command: &[String]) -> Registration {
    let schtasks = |words: &[&str]| -> Call { call("schtasks", &[], words) };
    let file = config.join("souk").join("task.xml");
    let path = file.display().to_string();
    let create = schtasks(&["/Create", "/TN", TASK, "/XML", &path, "/F"]);
    let (run, end) = (schtasks(&["/Run", "/TN", TASK]), schtasks(&["/End", "/TN", TASK]));
    Registration {
        manager: "schtasks",
        text: task(user, command),
        file,
        utf16: true,
        probe: schtasks(&["/Query", "/FO", "CSV", "/NH"]),
        register: vec![create.clone()],
        register_and_start: vec![create.clone(), run.clone()],
        restart: vec![end, create, run],
        forget: vec![
            schtasks(&["/End", "/TN", TASK]),
            schtasks(&["/Delete", "/TN", TASK, "/F"]),
        ],
        afterwards: vec![],
        is_enabled: schtasks(&["/Query", "/TN", TASK]),
        is_active: None,
        hint: "it starts when you log in",
    }
}

fn task(user: &str, command: &[String]) -> String {
    let (program, arguments) =
        command
            .split_first()
            .map_or((String::new(), String::new()), |(first, rest)| {
                let rest: Vec<String> = rest.iter().map(|word| quoted(word)).collect();
                (xml(first), xml(&rest.join(" ")))
            });
    let user = xml(user);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n\
         <RegistrationInfo><Description>Written by `souk service install`, taken away by `souk service remove`.</Description></RegistrationInfo>\n\
         <Triggers><LogonTrigger><Enabled>true</Enabled><UserId>{user}</UserId></LogonTrigger></Triggers>\n\
         <Principals><Principal id=\"Author\"><UserId>{user}</UserId><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n\
         <Settings>\n\
         <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n\
         <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\n\
         <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\n\
         <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\n\
         <RestartOnFailure><Interval>PT1M</Interval><Count>10</Count></RestartOnFailure>\n\
         </Settings>\n\
         <Actions Context=\"Author\"><Exec><Command>{program}</Command><Arguments>{arguments}</Arguments></Exec></Actions>\n\
         </Task>\n"
    )
}

/// A word as the C runtime of Windows reads it back: backslashes count only before a quote.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    let mut backslashes = 0;
    for c in word.chars() {
        if c == '"' {
            text.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        text.push(c);
    }
    text.extend(std::iter::repeat_n('\\', backslashes));
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_as_it_was() {
        for (word, text) in [
            ("up", r#""up""#),
            (r"C:\My market", r#""C:\My market""#),
            (r"C:\My market\", r#""C:\My market\\""#),
            (r#"a"b"#, r#""a\"b""#),
            (r#"a\"b"#, r#""a\\\"b""#),
        ] {
            assert_eq!(quoted(word), text);
        }
    }

    #[test]
    fn a_task_runs_without_an_end() {
        let text = task(r"PC\ben & co", &[r"C:\souk.exe".into(), "up".into()]);
        assert!(
            text.contains("<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>"),
            "{text}"
        );
        assert!(text.contains(r"<UserId>PC\ben &amp; co</UserId>"), "{text}");
        assert!(
            text.contains(r"<Command>C:\souk.exe</Command><Arguments>&quot;up&quot;</Arguments>"),
            "{text}"
        );
    }
}
