//! A page as what is to be done: commands with their output, and files.

/// One thing that a page does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Write a file.
    File { name: String, text: String },
    /// Run a command.
    Run(Run),
}

/// A command and what it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Line of the page, from 1.
    pub(crate) line: usize,
    /// Whose node.
    pub(crate) who: String,
    /// The command without its prompt and without `&`.
    pub(crate) command: String,
    /// Whether it stays until the story ends.
    pub(crate) stays: bool,
    /// Whether it is repeated until it prints what is expected.
    pub(crate) eventually: bool,
    /// The lines expected.
    pub(crate) expected: Vec<String>,
}

impl Run {
    /// Whether the page shows that it fails.
    pub(crate) fn fails(&self) -> bool {
        self.expected.iter().any(|line| line.starts_with("error:"))
    }
}

/// What a page does, in order.
pub(crate) fn deeds(page: &str) -> Result<Vec<Deed>, String> {
    let mut deeds = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let mut block = Vec::new();
        loop {
            match lines.next() {
                Some((_, "```")) => break,
                Some((at, line)) => block.push((at + 1, line)),
                None => return Err(format!("the fence '{line}' never ends")),
            }
        }
        match info.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["console"] => deeds.extend(runs(&block, false)?),
            ["console", "eventually"] => deeds.extend(runs(&block, true)?),
            ["csv", name] => {
                let text: String = block.iter().map(|(_, line)| format!("{line}\n")).collect();
                deeds.push(Deed::File {
                    name: (*name).to_owned(),
                    text,
                });
            }
            _ => {}
        }
    }
    Ok(deeds)
}

fn runs(block: &[(usize, &str)], eventually: bool) -> Result<Vec<Deed>, String> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, line) in block {
        if let Some((who, command)) = prompt(line) {
            let (command, stays) = match command.strip_suffix('&') {
                Some(command) => (command.trim_end(), true),
                None => (command, false),
            };
            let (who, command) = (who.to_owned(), command.to_owned());
            runs.push(Run {
                line: *at,
                who,
                command,
                stays,
                eventually,
                expected: Vec::new(),
            });
        } else if let Some(run) = runs.last_mut() {
            run.expected.push((*line).to_owned());
        } else {
            return Err(format!("line {at}: output before any command"));
        }
    }
    Ok(runs.into_iter().map(Deed::Run).collect())
}

fn prompt(line: &str) -> Option<(&str, &str)> {
    let (who, command) = line.split_once("$ ")?;
    let named = !who.is_empty() && who.chars().all(|c| c.is_ascii_lowercase());
    (named && command.starts_with("souk")).then_some((who, command))
}

/// The words of a command, as a shell would split them; quotes keep spaces.
pub(crate) fn arguments(command: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(format!("a quote never ends in: {command}"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_commands_and_files_in_order() {
        let page = "# Story\n\n```csv a.csv\nHandle\nx\n```\ntext\n```console\nbob$ souk up &\n\
                    you are {bob}\nalice$ souk id\n```\n```rust\nignored$ souk\n```\n";
        let run = |line, who: &str, command: &str, stays, expected: &[&str]| {
            Deed::Run(Run {
                line,
                who: who.into(),
                command: command.into(),
                stays,
                eventually: false,
                expected: expected.iter().map(|line| (*line).to_owned()).collect(),
            })
        };
        assert_eq!(
            deeds(page).unwrap(),
            [
                Deed::File {
                    name: "a.csv".into(),
                    text: "Handle\nx\n".into()
                },
                run(9, "bob", "souk up", true, &["you are {bob}"]),
                run(11, "alice", "souk id", false, &[]),
            ]
        );
    }

    #[test]
    fn a_command_may_be_repeated_until_the_news_is_there() {
        let page = "```console eventually\nbob$ souk feed\n```\n";
        assert!(matches!(&deeds(page).unwrap()[..], [Deed::Run(run)] if run.eventually && !run.fails()));
    }

    #[test]
    fn what_ends_too_early_is_told() {
        assert!(deeds("```console\nbob$ souk id\n").is_err());
        assert!(deeds("```console\nno prompt\n```\n").is_err());
    }

    #[test]
    fn quotes_keep_words_together() {
        let words = arguments(r#"souk post "two words" --why 'it "is"' """#).unwrap();
        assert_eq!(words, ["souk", "post", "two words", "--why", "it \"is\"", ""]);
        assert!(arguments("souk 'x").is_err());
    }
}
