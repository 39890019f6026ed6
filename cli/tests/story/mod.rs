//! Stories: pages of documentation whose commands are run and whose output is compared.
//!
//! In a page, a fence ```` ```console ```` holds commands after a prompt `name$ `, each followed by what
//! it prints. Every name has a node's directory of its own. `[..]` stands for anything in a line, a line
//! `[...]` for any lines, `{word}` for one word that must be the same wherever it stands, and can be used
//! in later commands. Runs of spaces count as one. A command that ends with `&` stays until the story
//! ends. What shows a line with `error:` must have failed, and is compared with standard error. In ```` ```console eventually ```` a command is
//! repeated until it prints what is expected, since news needs time to travel. A fence
//! ```` ```csv NAME ```` is written to a file of that name.

pub(crate) mod matching;
pub(crate) mod page;
pub(crate) mod stage;
